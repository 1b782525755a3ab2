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

/* Register 0 of the context is the program counter: the machine's own is constant. */
static inline uintptr_t ward_trap_pc_(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.__gregs[0];
}

/* Goes on at pc, with kind in register `number`. There is no carry here. */
static inline void ward_trap_resume_(ucontext_t *context, uintptr_t pc, unsigned number,
                                     unsigned kind, bool carry)
{
    (void)carry;
    if (number > 0 && number < 32)
        context->uc_mcontext.__gregs[number] = kind;
    context->uc_mcontext.__gregs[0] = pc;
}

/* Nobody asks yet: under an emulator faults are told as exactly as on the machine. */
static inline bool ward_trap_is_emulated_(void)
{
    return false;
}

/* SIGSEGV and SIGBUS are all there is. */
enum { WARD_TRAP_ILLEGAL = 0 };

#endif
