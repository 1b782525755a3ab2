/* SPDX-License-Identifier: MIT */
/*
 * What host_linux.c needs of the instruction set: a raw system call, which never touches errno, a
 * trap, and whether the processor has protection keys in use. Included by host_linux.c alone.
 */
#ifndef WARD_ARCH_SYSCALL_H
#define WARD_ARCH_SYSCALL_H

#include <stdbool.h>

#define WARD_SYSCALL_INSN_   "ecall"
#define WARD_SYSCALL_NUMBER_ "a7"
#define WARD_SYSCALL_LETTER_ "a"
#include "arch/syscall_in_order.h"

/* No protection keys in this instruction set. */
static inline bool ward_cpu_has_keys_(void)
{
    return false;
}

/* Stops the thread with a signal that cannot be ignored. */
static inline void ward_cpu_trap_(void)
{
    __asm__ volatile("unimp");
}

#endif
