/* SPDX-License-Identifier: MIT */
/*
 * What host_linux.c needs of the instruction set: a raw system call, which never touches errno, a
 * trap, and whether the processor has protection keys in use. Included by host_linux.c alone.
 */
#ifndef WARD_ARCH_SYSCALL_H
#define WARD_ARCH_SYSCALL_H

#include <stdbool.h>

static inline long ward_syscall_(long number, long a, long b, long c, long d, long e, long f)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;

    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                     : "memory");
    return a0;
}

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
