/* SPDX-License-Identifier: MIT */
/*
 * What the touch.h of machines without flags have in common: functions that a touch.h defines by
 * these macros from its instructions. The kind of a fault goes to a register that is cleared
 * before.
 *
 * The one atomic access of these machines is a pair (load linked, store conditional), which others
 * can break. The functions over it get the machine's pair, a constant, and fold.
 */
#ifndef WARD_INLINE_PAIR_H
#define WARD_INLINE_PAIR_H

#include <ward/base.h>

/* --- loads and stores: after a fault *value is the kind --------------------------------------- */

/* INSN loads [v] from the address [at], or stores it there. ENTRY_ is the machine's. */
#define WARD_PAIR_LOAD_(INSN, AT, VALUE, KIND)                                                     \
    __asm__ __volatile__ __inline__("1: " INSN "\n"                                                \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e)                            \
                                    : [e] "+&r"(KIND), [v] "=&r"(VALUE)                            \
                                    : [at] "r"(AT)                                                 \
                                    : "memory")

#define WARD_PAIR_STORE_(INSN, AT, VALUE, KIND)                                                    \
    __asm__ __volatile__ __inline__("1: " INSN "\n"                                                \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e)                            \
                                    : [e] "+&r"(KIND)                                              \
                                    : [at] "r"(AT), [v] "r"(VALUE)                                 \
                                    : "memory")

/* By width, which is a constant wherever these are used: one of the four remains. */
#define WARD_PAIR_DEFINE_LOAD_(BY8, BY4, BY2, BY1)                                                 \
    WARD_INLINE bool ward_touch_load_(uintptr_t at, unsigned width, uint64_t *value)               \
    {                                                                                              \
        uint64_t kind = 0, got;                                                                    \
                                                                                                   \
        if (width == 8)                                                                            \
            WARD_PAIR_LOAD_(BY8, at, got, kind);                                                   \
        else if (width == 4)                                                                       \
            WARD_PAIR_LOAD_(BY4, at, got, kind);                                                   \
        else if (width == 2)                                                                       \
            WARD_PAIR_LOAD_(BY2, at, got, kind);                                                   \
        else                                                                                       \
            WARD_PAIR_LOAD_(BY1, at, got, kind);                                                   \
        *value = kind ? kind : got;                                                                \
        return kind != 0;                                                                          \
    }

#define WARD_PAIR_DEFINE_STORE_(BY8, BY4, BY2, BY1)                                                \
    WARD_INLINE bool ward_touch_store_(uintptr_t at, unsigned width, uint64_t *value)              \
    {                                                                                              \
        uint64_t kind = 0;                                                                         \
                                                                                                   \
        if (width == 8)                                                                            \
            WARD_PAIR_STORE_(BY8, at, *value, kind);                                               \
        else if (width == 4)                                                                       \
            WARD_PAIR_STORE_(BY4, at, *value, kind);                                               \
        else if (width == 2)                                                                       \
            WARD_PAIR_STORE_(BY2, at, *value, kind);                                               \
        else                                                                                       \
            WARD_PAIR_STORE_(BY1, at, *value, kind);                                               \
        *value = kind ? kind : *value;                                                             \
        return kind != 0;                                                                          \
    }

/* The same of a word of eight bytes, but only if bits & mask is 0. Else *value is anything. */
#define WARD_PAIR_DEFINE_UNLESS_(LOAD, STORE)                                                      \
    WARD_INLINE bool ward_touch_load_unless_(uint64_t bits, uint64_t mask, uintptr_t at,           \
                                             uint64_t *value)                                      \
    {                                                                                              \
        return (bits & mask) != 0 || LOAD(at, 8, value);                                           \
    }                                                                                              \
    WARD_INLINE bool ward_touch_store_unless_(uint64_t bits, uint64_t mask, uintptr_t at,          \
                                              uint64_t *value)                                     \
    {                                                                                              \
        return (bits & mask) != 0 || STORE(at, 8, value);                                          \
    }

/* --- atomics: the kind of the fault, 0 for none ----------------------------------------------- */

/* Tries before giving up, and the answer then: WARD_FAULT_BUSY. */
enum { WARD_PAIR_TRIES_ = 128, WARD_PAIR_BUSY_ = 11 };

/* One try to store put where expected is. *was: what is there; *lost: nothing is known, and nothing
 * was done. Returns the kind of the fault, 0: none. */
typedef uint64_t ward_pair_(uintptr_t at, unsigned width, uint64_t expected, uint64_t put,
                            uint64_t *was, bool *lost);

/* Stores put if *expected is there; what was there comes out. */
WARD_INLINE uint64_t ward_pair_compare_exchange_(ward_pair_ *pair, uintptr_t at, unsigned width,
                                                 uint64_t *expected, uint64_t put)
{
    uint64_t was = 0, kind = 0;
    bool lost = true;

    for (unsigned tries = 0; tries < WARD_PAIR_TRIES_ && lost && kind == 0; tries++)
        kind = pair(at, width, *expected, put, &was, &lost);
    *expected = was;
    if (kind == 0 && lost)
        return WARD_PAIR_BUSY_;
    return kind;
}

/* *value is stored, or added; what was there comes out. The first try finds out what that is. */
WARD_INLINE uint64_t ward_pair_replace_(ward_pair_ *pair, uintptr_t at, unsigned width,
                                        uint64_t *value, bool add)
{
    uint64_t was = 0, expected, kind = 0;

    for (unsigned tries = 0; kind == 0 && tries < WARD_PAIR_TRIES_; tries++) {
        expected = was;
        kind = ward_pair_compare_exchange_(pair, at, width, &was, add ? was + *value : *value);
        if (kind == 0 && was == expected) {
            *value = was;
            return 0;
        }
    }
    return kind ? kind : (uint64_t)WARD_PAIR_BUSY_;
}

#define WARD_PAIR_DEFINE_ATOMICS_(PAIR)                                                            \
    WARD_INLINE uint64_t ward_touch_compare_exchange_(uintptr_t at, unsigned width,                \
                                                      uint64_t *expected, uint64_t put)            \
    {                                                                                              \
        return ward_pair_compare_exchange_(PAIR, at, width, expected, put);                        \
    }                                                                                              \
    WARD_INLINE uint64_t ward_touch_exchange_(uintptr_t at, unsigned width, uint64_t *value)       \
    {                                                                                              \
        return ward_pair_replace_(PAIR, at, width, value, false);                                  \
    }                                                                                              \
    WARD_INLINE uint64_t ward_touch_add_(uintptr_t at, unsigned width, uint64_t *value)            \
    {                                                                                              \
        return ward_pair_replace_(PAIR, at, width, value, true);                                   \
    }

#endif
