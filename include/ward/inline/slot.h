/* SPDX-License-Identifier: MIT */
/*
 * Which slot an address is, without dividing. Not API; ABI, since it folds into user code.
 *
 * Slots lie at offsets index * stride. With stride = odd << shift and inverse * odd == 1 (mod
 * 2^64), a multiple of stride times inverse is index << shift, exactly; rotating right by shift
 * gives the index. Any other offset gives a number that is no index: were it one (below count, and
 * count * stride fits), then offset == index * stride. So one comparison tells foreign, misaligned
 * and interior addresses from the start of a slot (Granlund and Montgomery 1994, section 9).
 */
#ifndef WARD_INLINE_SLOT_H
#define WARD_INLINE_SLOT_H

#include <ward/base.h>

/* The inverse of an odd number modulo 2^64: each step of Newton's iteration doubles the good bits.
 */
WARD_INLINE uint64_t ward_slot_inverse_(uint64_t odd)
{
    uint64_t x = odd * 3 ^ 2; /* 5 bits */

    x *= 2 - odd * x; /* 10 */
    x *= 2 - odd * x; /* 20 */
    x *= 2 - odd * x; /* 40 */
    x *= 2 - odd * x; /* 80 */
    return x;
}

/* The index of the slot that starts at offset, or some number >= count for any count that keeps
 * count << shift and count * stride below 2^64. */
WARD_INLINE uint64_t ward_slot_index_(uint64_t offset, uint64_t inverse, unsigned shift)
{
    uint64_t product = offset * inverse;

    return product >> shift | product << (-shift & 63);
}

/* floor(index / divisor) for any 32-bit index, with reciprocal = ward_slot_reciprocal_(divisor). */
WARD_INLINE uint32_t ward_slot_divide_(uint32_t index, uint64_t reciprocal)
{
    __extension__ typedef unsigned __int128 wide;

    return (uint32_t)((wide)index * reciprocal >> 63);
}

/* ceil(2^63 / divisor) for a divisor in [1, 2^31]. */
WARD_INLINE uint64_t ward_slot_reciprocal_(uint32_t divisor)
{
    return ((UINT64_C(1) << 63) - 1) / divisor + 1;
}

#endif
