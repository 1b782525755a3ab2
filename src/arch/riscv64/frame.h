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
    FRAME_LINK = 1,
    FRAME_SP = 2,
    FRAME_FP = 8,
    FRAME_PC = 32,
    FRAME_REGISTERS = 33,
    FRAME_PC_COLUMN = 64, /* DWARF's number for it, in a signal's frame */
    /* Bytes from where the frame pointer points. */
    FRAME_SAVED_FP = -16,
    FRAME_SAVED_PC = -8,
    FRAME_CALLER_SP = 0,
};

/* The place of this very instruction. What a callee may change is not in it. */
static inline __attribute__((always_inline)) void ward_frame_here_(uintptr_t *registers)
{
    __asm__ volatile("auipc t0, 0\n"
                     "sd t0, 256(%0)\n"
                     "sd ra, 8(%0)\n"
                     "sd sp, 16(%0)\n"
                     "sd s0, 64(%0)\n"
                     "sd s1, 72(%0)\n"
                     "sd s2, 144(%0)\n"
                     "sd s3, 152(%0)\n"
                     "sd s4, 160(%0)\n"
                     "sd s5, 168(%0)\n"
                     "sd s6, 176(%0)\n"
                     "sd s7, 184(%0)\n"
                     "sd s8, 192(%0)\n"
                     "sd s9, 200(%0)\n"
                     "sd s10, 208(%0)\n"
                     "sd s11, 216(%0)\n"
                     :
                     : "r"(registers)
                     : "t0", "memory");
}

/* Register 0 of the context is the program counter: the machine's own is constant. */
static inline void ward_frame_of_(uintptr_t *registers, const ucontext_t *context)
{
    for (unsigned i = 1; i < 32; i++)
        registers[i] = (uintptr_t)context->uc_mcontext.__gregs[i];
    registers[0] = 0;
    registers[FRAME_PC] = (uintptr_t)context->uc_mcontext.__gregs[0];
}

/* A return address as an address of code. */
static inline uintptr_t ward_frame_strip_(uintptr_t pc)
{
    return pc;
}

/* Code was called that is none: where the call left its return address. */
static inline uintptr_t ward_frame_call_(uintptr_t *registers)
{
    return (uintptr_t)&registers[FRAME_LINK];
}

/* What a page fault was at: the context does not say. */
static inline const char *ward_frame_access_(const ucontext_t *context)
{
    (void)context;
    return NULL;
}

#endif
