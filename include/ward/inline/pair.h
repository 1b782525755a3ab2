/* SPDX-License-Identifier: MIT */
/*
 * The atomics of machines whose one atomic access is a pair (load linked, store conditional), which
 * others can break. Each gets the machine's pair, a constant, and folds.
 */
#ifndef WARD_INLINE_PAIR_H
#define WARD_INLINE_PAIR_H

#include <ward/base.h>

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

#endif
