/* SPDX-License-Identifier: MIT */
/*
 * What following a stack needs of the instruction set: the registers as DWARF numbers them, and
 * what a frame pointer points to. Needs _GNU_SOURCE.
 */
#ifndef WARD_ARCH_FRAME_H
#define WARD_ARCH_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

enum {
    FRAME_FP = 6,
    FRAME_SP = 7,
    FRAME_PC = 16, /* of return addresses, too */
    FRAME_REGISTERS = 17,
    FRAME_PC_COLUMN = 16, /* DWARF's number for it */
    /* Bytes from where the frame pointer points. */
    FRAME_SAVED_FP = 0,
    FRAME_SAVED_PC = 8,
    FRAME_CALLER_SP = 16,
};

/* The place of this very instruction. What a callee may change is not in it. */
static inline __attribute__((always_inline)) void ward_frame_here_(uintptr_t *registers)
{
    __asm__ volatile("leaq 0f(%%rip), %%rax\n"
                     "0: movq %%rax, 128(%0)\n"
                     "movq %%rbx, 24(%0)\n"
                     "movq %%rbp, 48(%0)\n"
                     "movq %%rsp, 56(%0)\n"
                     "movq %%r12, 96(%0)\n"
                     "movq %%r13, 104(%0)\n"
                     "movq %%r14, 112(%0)\n"
                     "movq %%r15, 120(%0)\n"
                     :
                     : "r"(registers)
                     : "rax", "memory");
}

static inline void ward_frame_of_(uintptr_t *registers, const ucontext_t *context)
{
    static const int places[FRAME_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
    };

    for (unsigned i = 0; i < FRAME_REGISTERS; i++)
        registers[i] = (uintptr_t)context->uc_mcontext.gregs[places[i]];
}

/* A return address as an address of code. */
static inline uintptr_t ward_frame_strip_(uintptr_t pc)
{
    return pc;
}

/* Code was called that is none: where the call left its return address. */
static inline uintptr_t ward_frame_call_(uintptr_t *registers)
{
    uintptr_t at = registers[FRAME_SP];

    registers[FRAME_SP] += 8;
    return at;
}

/* What a page fault was at: "read", "write" or "execute"; NULL: not known. */
static inline const char *ward_frame_access_(const ucontext_t *context)
{
    unsigned long error = (unsigned long)context->uc_mcontext.gregs[REG_ERR];

    return error & 16 ? "execute" : error & 2 ? "write" : "read";
}

#endif
