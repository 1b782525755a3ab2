/* SPDX-License-Identifier: MIT */
/* What the attacks on the malloc share. They are ordinary programs: nothing of ward is included. */
#ifndef WARD_TEST_MALLOC_ATTACK_H
#define WARD_TEST_MALLOC_ATTACK_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The compiler knows nothing about it from here on. */
static inline void *hidden(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

#endif
