/* SPDX-License-Identifier: MIT */
/*
 * A raw system call on machines that pass its arguments in the first registers in order. The
 * machine's syscall.h has said which: the instruction, the register of the number, and the letter
 * that the six others begin with.
 */
#ifndef WARD_ARCH_SYSCALL_IN_ORDER_H
#define WARD_ARCH_SYSCALL_IN_ORDER_H

static inline long ward_syscall_(long number, long a, long b, long c, long d, long e, long f)
{
    register long which __asm__(WARD_SYSCALL_NUMBER_) = number;
    register long r0 __asm__(WARD_SYSCALL_LETTER_ "0") = a;
    register long r1 __asm__(WARD_SYSCALL_LETTER_ "1") = b;
    register long r2 __asm__(WARD_SYSCALL_LETTER_ "2") = c;
    register long r3 __asm__(WARD_SYSCALL_LETTER_ "3") = d;
    register long r4 __asm__(WARD_SYSCALL_LETTER_ "4") = e;
    register long r5 __asm__(WARD_SYSCALL_LETTER_ "5") = f;

    __asm__ volatile(WARD_SYSCALL_INSN_
                     : "+r"(r0)
                     : "r"(which), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
                     : "memory", "cc");
    return r0;
}

#endif
