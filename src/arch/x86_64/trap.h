/* SPDX-License-Identifier: MIT */
/*
 * What recover_linux.c needs of the instruction set: where a signal struck, and how to go on
 * elsewhere. Needs _GNU_SOURCE. Included by recover_linux.c alone.
 */
#ifndef WARD_ARCH_TRAP_H
#define WARD_ARCH_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

static inline uintptr_t ward_trap_pc_(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

/* Goes on at pc, with kind in register `number` as instructions number them, and the direction flag
 * clear, as every function expects it. carry: carry is set and zero clear; else both stay. */
static inline void ward_trap_resume_(ucontext_t *context, uintptr_t pc, unsigned number,
                                     unsigned kind, bool carry)
{
    static const int place[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
    };
    greg_t *registers = context->uc_mcontext.gregs;

    registers[place[number & 15]] = kind;
    registers[REG_EFL] &= ~(greg_t)(carry ? 0x440 : 0x400);
    registers[REG_EFL] |= carry ? 1 : 0;
    registers[REG_RIP] = (greg_t)pc;
}

/* Does the program run under valgrind? It recovers faults, but not exactly. This is how its
 * programs ask: rotations that come to nothing, and an exchange that does nothing elsewhere. */
static inline bool ward_trap_is_emulated_(void)
{
    volatile uint64_t request[6] = { 0x1001, 0, 0, 0, 0, 0 };
    uint64_t answer = 0;

    __asm__ volatile("rolq $3, %%rdi\n rolq $13, %%rdi\n"
                     "rolq $61, %%rdi\n rolq $51, %%rdi\n"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(answer)
                     : "a"(request)
                     : "cc", "memory");
    return answer != 0;
}

/* SIGSEGV and SIGBUS are all there is. */
enum { WARD_TRAP_ILLEGAL = 0 };

#endif
