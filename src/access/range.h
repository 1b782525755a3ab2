/* SPDX-License-Identifier: MIT */
#ifndef WARD_ACCESS_RANGE_H
#define WARD_ACCESS_RANGE_H

#include <ward/space.h>

/* Does [a, a + n), n > 0, lie in the space? Else the fault names the first byte that does not. */
WARD_INLINE bool ward_is_in_range_(const struct ward_space *space, uint64_t a, size_t n,
                                   struct ward_fault *fault)
{
    uint64_t off = a - space->first, span = space->last - space->first;

    if (off <= span && n - 1 <= span - off)
        return true;
    fault->addr = off <= span ? space->last + 1 : a;
    fault->kind = WARD_FAULT_RANGE;
    return false;
}

#endif
