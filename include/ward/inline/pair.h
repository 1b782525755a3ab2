/* SPDX-License-Identifier: MIT */
/*
 * The atomics of machines whose one atomic access is a pair (load linked, store conditional), which
 * others can break. Included by such a machine's touch.h, after ward_touch_pair_.
 */
#ifndef WARD_INLINE_PAIR_H
#define WARD_INLINE_PAIR_H

#include <ward/base.h>

#include WARD_TOUCH_HEADER

/* Tries before giving up, and the answer then: WARD_FAULT_BUSY. */
enum { WARD_TOUCH_TRIES_ = 128, WARD_TOUCH_BUSY_ = 11 };

/* Stores put if *expected is there; what was there comes out. */
WARD_INLINE uint64_t ward_touch_compare_exchange_(uintptr_t at, unsigned width, uint64_t *expected,
                                                  uint64_t put)
{
    uint64_t was = 0, kind = 0;
    bool lost = true;

    for (unsigned tries = 0; tries < WARD_TOUCH_TRIES_ && lost && kind == 0; tries++)
        kind = ward_touch_pair_(at, width, *expected, put, &was, &lost);
    *expected = was;
    return kind ? kind : lost ? (uint64_t)WARD_TOUCH_BUSY_ : 0;
}

/* *value is stored (or added); what was there comes out. */
WARD_INLINE uint64_t ward_touch_replace_(uintptr_t at, unsigned width, uint64_t *value, bool add)
{
    uint64_t was = 0, expected, kind = ward_touch_load_(at, width, &was) ? was : 0;

    for (unsigned tries = 0; kind == 0 && tries < WARD_TOUCH_TRIES_; tries++) {
        expected = was;
        kind = ward_touch_compare_exchange_(at, width, &was, add ? was + *value : *value);
        if (kind == 0 && was == expected) {
            *value = was;
            return 0;
        }
    }
    return kind ? kind : (uint64_t)WARD_TOUCH_BUSY_;
}

WARD_INLINE uint64_t ward_touch_exchange_(uintptr_t at, unsigned width, uint64_t *value)
{
    return ward_touch_replace_(at, width, value, false);
}

WARD_INLINE uint64_t ward_touch_add_(uintptr_t at, unsigned width, uint64_t *value)
{
    return ward_touch_replace_(at, width, value, true);
}

#endif
