/* SPDX-License-Identifier: MIT */
/*
 * What recover_linux.c needs of the instruction set: where a signal struck, and how to go on
 * elsewhere. Needs _GNU_SOURCE. Included by recover_linux.c alone.
 */
#ifndef WARD_ARCH_TRAP_H
#define WARD_ARCH_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

static inline uintptr_t ward_trap_pc_(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.pc;
}

/* Goes on at pc, with kind in register `number`. There is no use for carry here. */
static inline void ward_trap_resume_(ucontext_t *context, uintptr_t pc, unsigned number,
                                     unsigned kind, bool carry)
{
    (void)carry;
    if (number < 31)
        context->uc_mcontext.regs[number] = kind;
    context->uc_mcontext.pc = pc;
}

/* Nobody asks yet: under an emulator faults are told as exactly as on the machine. */
static inline bool ward_trap_is_emulated_(void)
{
    return false;
}

/* Some hypervisors' faults come as this. */
enum { WARD_TRAP_ILLEGAL = SIGILL };

#endif
