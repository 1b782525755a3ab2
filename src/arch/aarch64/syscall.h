/* SPDX-License-Identifier: MIT */
/*
 * What host_linux.c needs of the instruction set: a raw system call, which never touches errno, a
 * trap, and whether the processor has protection keys in use. Included by host_linux.c alone.
 */
#ifndef WARD_ARCH_SYSCALL_H
#define WARD_ARCH_SYSCALL_H

#include <stdbool.h>
#include <sys/auxv.h>

#define WARD_SYSCALL_INSN_   "svc 0"
#define WARD_SYSCALL_NUMBER_ "x8"
#define WARD_SYSCALL_LETTER_ "x"
#include "arch/syscall_in_order.h"

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
