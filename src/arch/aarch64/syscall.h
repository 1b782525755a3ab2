/* SPDX-License-Identifier: MIT */
/*
 * What host_linux.c needs of the instruction set: a raw system call, which never touches errno, a
 * trap, and whether the processor has protection keys in use. Included by host_linux.c alone.
 */
#ifndef WARD_ARCH_SYSCALL_H
#define WARD_ARCH_SYSCALL_H

#include <stdbool.h>
#include <sys/auxv.h>

static inline long ward_syscall_(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

/* HWCAP2_POE, bit 63: permission overlays. */
static inline bool ward_cpu_has_keys_(void)
{
    return (getauxval(AT_HWCAP2) >> 63) != 0;
}

/* Stops the thread with a signal that cannot be ignored. */
static inline void ward_cpu_trap_(void)
{
    __asm__ volatile("brk #1");
}

#endif
