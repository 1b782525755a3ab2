/* SPDX-License-Identifier: MIT */
/*
 * What host_linux.c needs of the instruction set: a raw system call, which never touches errno, a
 * trap, and whether the processor has protection keys in use. Included by host_linux.c alone.
 */
#ifndef WARD_ARCH_SYSCALL_H
#define WARD_ARCH_SYSCALL_H

#include <cpuid.h>
#include <stdbool.h>

static inline long ward_syscall_(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* CPUID leaf 7, ECX bit 4: the kernel has switched protection keys on. */
static inline bool ward_cpu_has_keys_(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & 16) != 0;
}

/* Stops the thread with a signal that cannot be ignored. */
static inline void ward_cpu_trap_(void)
{
    __asm__ volatile("ud2");
}

#endif
