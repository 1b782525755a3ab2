/* SPDX-License-Identifier: MIT */
/* What the attacks on the malloc share. They are ordinary programs: nothing of ward is included. */
#ifndef WARD_TEST_MALLOC_ATTACK_H
#define WARD_TEST_MALLOC_ATTACK_H

#define _GNU_SOURCE
#include <malloc.h>
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

/* A block that was freed with all others of its span, whose pages then went back to the system. It
 * is not of those freed last, which may be in a quarantine. */
static inline char *trimmed(size_t bytes)
{
    enum { BLOCKS = 20000 };
    static char *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = hidden(malloc(bytes));
        memset(blocks[i], 1, bytes);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    return hidden(blocks[10]);
}

#endif
