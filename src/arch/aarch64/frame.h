/* SPDX-License-Identifier: MIT */
/*
 * What following a stack needs of the instruction set: the registers as DWARF numbers them, and
 * what a frame pointer points to. Needs _GNU_SOURCE.
 */
#ifndef WARD_ARCH_FRAME_H
#define WARD_ARCH_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

enum {
    FRAME_FP = 29,
    FRAME_LINK = 30,
    FRAME_SP = 31,
    FRAME_PC = 32,
    FRAME_REGISTERS = 33,
    FRAME_PC_COLUMN = 32, /* DWARF's number for it */
    /* Bytes from where the frame pointer points. */
    FRAME_SAVED_FP = 0,
    FRAME_SAVED_PC = 8,
    FRAME_CALLER_SP = 16,
};

/* The place of this very instruction. What a callee may change is not in it. */
static inline __attribute__((always_inline)) void ward_frame_here_(uintptr_t *registers)
{
    __asm__ volatile("adr x9, .\n"
                     "mov x10, sp\n"
                     "stp x10, x9, [%0, 248]\n"
                     "stp x29, x30, [%0, 232]\n"
                     "stp x27, x28, [%0, 216]\n"
                     "stp x25, x26, [%0, 200]\n"
                     "stp x23, x24, [%0, 184]\n"
                     "stp x21, x22, [%0, 168]\n"
                     "stp x19, x20, [%0, 152]\n"
                     :
                     : "r"(registers)
                     : "x9", "x10", "memory");
}

static inline void ward_frame_of_(uintptr_t *registers, const ucontext_t *context)
{
    for (unsigned i = 0; i < 31; i++)
        registers[i] = (uintptr_t)context->uc_mcontext.regs[i];
    registers[FRAME_SP] = (uintptr_t)context->uc_mcontext.sp;
    registers[FRAME_PC] = (uintptr_t)context->uc_mcontext.pc;
}

/* A return address as an address of code: what signs it is taken off (xpaclri). */
static inline uintptr_t ward_frame_strip_(uintptr_t pc)
{
    register uintptr_t link __asm__("x30") = pc;

    __asm__("hint #7" : "+r"(link));
    return link;
}

/* Code was called that is none: where the call left its return address. */
static inline uintptr_t ward_frame_call_(uintptr_t *registers)
{
    return (uintptr_t)&registers[FRAME_LINK];
}

/* What a page fault was at: "read", "write" or "execute"; NULL: not known. A record among those
 * that the kernel adds has the processor's own word for it. */
static inline const char *ward_frame_access_(const ucontext_t *context)
{
    const unsigned char *at = context->uc_mcontext.__reserved;
    const unsigned char *end = at + sizeof context->uc_mcontext.__reserved;
    uint32_t head[2];
    uint64_t syndrome;

    for (; end - at >= 16; at += head[1]) {
        memcpy(head, at, sizeof head);
        if (head[0] == 0x45535201) {
            memcpy(&syndrome, at + 8, sizeof syndrome);
            return syndrome >> 26 <= 0x21 ? "execute" : syndrome & 64 ? "write" : "read";
        }
        if (head[0] == 0 || head[1] < 8)
            break;
    }
    return NULL;
}

#endif
