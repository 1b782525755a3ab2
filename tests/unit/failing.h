/* SPDX-License-Identifier: MIT */
/*
 * Every host call of an init made to fail, one after the other.
 */
#ifndef WARD_TESTS_UNIT_FAILING_H
#define WARD_TESTS_UNIT_FAILING_H

#include "backing.h"

#include "inject.h"

/* Initialises object (its region is its first member) with the n-th host call failing, for each n
 * until none is left to fail. A failed init must leave the object all zero, and nothing mapped that
 * was not before; one that found a way around the failure is ended. The number of calls tried. */
static inline unsigned long fail_each_call(int (*init)(void *object), void *object, size_t bytes)
{
    static struct inject_ledger before;
    unsigned long n = 0;
    bool fired = true;
    int error;

    before = *inject_mapped();
    while (fired) {
        memset(object, 0xa5, bytes);
        inject_arm(++n, ENOMEM);
        error = init(object);
        fired = inject_fired();
        inject_arm(0, 0);
        if (error)
            assert_true(is_all(object, bytes, 0));
        else
            assert_int_equal(ward_region_fini(object), 0);
        assert_true(inject_mapped_is(&before));
    }
    assert_int_equal(error, 0);
    return n - 1;
}

#endif
