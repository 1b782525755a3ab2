/* SPDX-License-Identifier: MIT */
/*
 * Which slot an address is, without dividing. Not API; ABI, since it folds into user code.
 *
 * Slots lie at offsets index * stride. With stride = odd << shift and inverse * odd == 1 (mod
 * 2^64), a multiple of stride times inverse is index << shift, exactly; rotating right by shift
 * gives the index. Any other offset gives a number that is no index: were it one (below count, and
 * count * stride fits), then offset == index * stride. So one comparison tells foreign, misaligned
 * and interior addresses from the start of a slot (Granlund and Montgomery 1994, section 9).
 * All of it is proved, but for the multiplication in ward_slot_high_ (tests/proof/slot.c).
 */
#ifndef WARD_INLINE_SLOT_H
#define WARD_INLINE_SLOT_H

#include <ward/base.h>

/* A number that inverts odd modulo 2^5. */
WARD_INLINE uint64_t ward_slot_guess_(uint64_t odd)
{
    return odd * 3 ^ 2;
}

/* Newton's step: if x inverts odd modulo 2^k, the result does so modulo 2^2k. */
WARD_INLINE uint64_t ward_slot_refine_(uint64_t odd, uint64_t x)
{
    return x * (2 - odd * x);
}

/* The inverse of an odd number modulo 2^64. */
WARD_INLINE uint64_t ward_slot_inverse_(uint64_t odd)
{
    uint64_t x = ward_slot_guess_(odd); /* 5 bits */

    x = ward_slot_refine_(odd, x);    /* 10 */
    x = ward_slot_refine_(odd, x);    /* 20 */
    x = ward_slot_refine_(odd, x);    /* 40 */
    return ward_slot_refine_(odd, x); /* 64 */
}

/* x rotated right by shift, which is below 64. */
WARD_INLINE uint64_t ward_slot_rotate_(uint64_t x, unsigned shift)
{
    return x >> shift | x << ((64 - shift) & 63);
}

/* The index of the slot that starts at offset, or some number >= count for any count that keeps
 * count * stride at or below 2^64. */
WARD_INLINE uint64_t ward_slot_index_(uint64_t offset, uint64_t inverse, unsigned shift)
{
    return ward_slot_rotate_(offset * inverse, shift);
}

/* The upper half of a product. */
WARD_INLINE uint64_t ward_slot_high_(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;

    return (uint64_t)((wide)a * b >> 64);
}

/* floor(index / divisor) for any 32-bit index, with reciprocal = ward_slot_reciprocal_(divisor). */
WARD_INLINE uint32_t ward_slot_divide_(uint32_t index, uint64_t reciprocal)
{
    return (uint32_t)ward_slot_high_((uint64_t)index * 2, reciprocal);
}

/* ceil(2^63 / divisor) for a divisor in [1, 2^31]. */
WARD_INLINE uint64_t ward_slot_reciprocal_(uint32_t divisor)
{
    return ((UINT64_C(1) << 63) - 1) / divisor + 1;
}

#endif
