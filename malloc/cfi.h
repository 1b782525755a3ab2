/* SPDX-License-Identifier: MIT */
/*
 * What .eh_frame says of a frame: how the registers of the caller follow from those of the callee.
 * (DWARF 5, section 6.4, and the Linux Standard Base on .eh_frame; only what compilers make.)
 *
 * The canonical frame address (CFA) is the caller's stack pointer at the call. Every register of
 * the caller is given by a rule.
 *
 * Costs a binary search and some dozens of bytes read. What is malformed is no answer, and nothing
 * outside of the object is read.
 */
#ifndef WARD_MALLOC_CFI_H
#define WARD_MALLOC_CFI_H

#include "frame.h"
#include "module.h"

enum cfi_kind {
    CFI_SAME,           /* as it is in the callee; the stack pointer: the CFA */
    CFI_UNDEFINED,      /* not known; the return address: this is where the thread began */
    CFI_SAVED,          /* at CFA + value */
    CFI_OFFSET,         /* CFA + value */
    CFI_REGISTER,       /* in register number `value` */
    CFI_SAVED_COMPUTED, /* at the address that an expression gives */
    CFI_COMPUTED,       /* what the expression gives */
};

struct cfi_rule {
    uint8_t kind;
    int32_t value; /* of an expression: where its length stands, in bytes from the FDE */
};

struct cfi_row {
    const unsigned char *origin, *end; /* of the FDE, and of what may be read */
    struct cfi_rule cfa;               /* CFI_REGISTER: cfa_register + value; or CFI_COMPUTED */
    uint8_t cfa_register;
    uint8_t pc_register; /* the return address */
    bool is_signal;      /* the caller was struck by a signal where its pc says */
    struct cfi_rule rules[FRAME_REGISTERS];
};

/* Where the register of that number of DWARF's is kept; FRAME_REGISTERS: nowhere. */
WARD_INLINE unsigned cfi_register(uint64_t number)
{
    if (number == FRAME_PC_COLUMN)
        return FRAME_PC;
    return number < FRAME_PC ? (unsigned)number : FRAME_REGISTERS;
}

/* For code at pc, which lies in the module. False: nothing is said of it. */
bool ward_cfi_find_(const struct module *module, uintptr_t pc, struct cfi_row *row);

/* Reads a word of the process's memory, if it can be read. */
typedef bool cfi_read(void *arg, uintptr_t at, uintptr_t *word);

/* What the expression of a rule gives. cfa: what its stack begins with; NULL: nothing. False: it
 * cannot be computed. */
bool ward_cfi_compute_(const struct cfi_row *row, const struct cfi_rule *rule,
                       const uintptr_t *registers, const uintptr_t *cfa, cfi_read *read, void *arg,
                       uintptr_t *value);

#endif
