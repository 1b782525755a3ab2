/* SPDX-License-Identifier: MIT */
/*
 * Self by table where it is known when compiled: its bounds are constants, and what is not the fast
 * way is left to the space.
 */
#ifndef WARD_INLINE_SELF_H
#define WARD_INLINE_SELF_H

#include <ward/inline/space.h>
#include <ward/self.h>

#define WARD_SELF_BOUNDS_                                                                          \
    {                                                                                              \
        0, WARD_SELF_FIRST, WARD_SELF_LAST, WARD_SELF_LAST - WARD_SELF_FIRST + 1, WARD_SELF_FIRST, \
            UINT64_MAX                                                                             \
    }

static const struct ward_space ward_self_bounds_ __attribute__((unused)) = WARD_SELF_BOUNDS_;

WARD_CHECKED WARD_INLINE int ward_self_read_u64(uint64_t a, uint64_t *value, struct ward_fault *why)
{
    uint64_t got, slow;
    int error;

    if (WARD_LIKELY(ward_space_load_(&ward_self_bounds_, a, 3, &got))) {
        ward_fault_clear_(why);
        *value = got;
        return 0;
    }
    error = ward_space_read_word_(ward_space_self_by_table(), a, 8, got, &slow, why);
    *value = slow;
    return error;
}

WARD_CHECKED WARD_INLINE int ward_self_write_u64(uint64_t a, uint64_t value, struct ward_fault *why)
{
    uint64_t put = value;

    if (WARD_LIKELY(ward_space_store_(&ward_self_bounds_, a, 3, &put))) {
        ward_fault_clear_(why);
        return 0;
    }
    return ward_space_write_word_(ward_space_self_by_table(), a, 8, put, value, why);
}

#endif
