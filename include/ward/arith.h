/* SPDX-License-Identifier: MIT */
/*
 * ward/arith.h: arithmetic at the boundary, where a wrapped sum is a hole in the wall.
 *
 * Each function computes exactly what its comment says or answers that it cannot; none ever wraps
 * in silence and none aborts. All are pure, constant time and usable in signal handlers. They are
 * proved equal to these comments (tests/proof).
 */
#ifndef WARD_ARITH_H
#define WARD_ARITH_H

#include <ward/base.h>

/* True if value is a power of two; 0 is none. */
WARD_INLINE bool ward_is_pow2(size_t value);

/* *sum = a + b. False, and *sum = 0, if the sum does not fit. */
WARD_CHECKED WARD_INLINE bool ward_add(size_t a, size_t b, size_t *sum);

/* *product = a * b. False, and *product = 0, if the product does not fit. */
WARD_CHECKED WARD_INLINE bool ward_mul(size_t a, size_t b, size_t *product);

/* *up = the smallest multiple of align that is >= value. align must be a power of two.
 * False, and *up = 0, if there is none. */
WARD_CHECKED WARD_INLINE bool ward_round_up(size_t value, size_t align, size_t *up);

/* The position of the lowest bit of value that is set, 0 for the last; value is not 0. Not by the
 * builtin: where the machine has no instruction for it, that calls the compiler's library. */
WARD_INLINE unsigned ward_low_bit(size_t value);

/* The largest multiple of align that is <= value. align must be a power of two. */
WARD_INLINE size_t ward_round_down(size_t value, size_t align);

/* True if the len bytes at off lie within [0, size). An empty range lies within if off <= size.
 * Never computes off + len. */
WARD_INLINE bool ward_within(size_t off, size_t len, size_t size);

/* True if [a, a + a_size) and [b, b + b_size) share a byte. Neither range may wrap around the top
 * of the address space; an empty range shares nothing. */
WARD_INLINE bool ward_overlap(uintptr_t a, size_t a_size, uintptr_t b, size_t b_size);

/* ------------------------------------------------------------------------------------------- */

WARD_INLINE bool ward_is_pow2(size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

WARD_CHECKED WARD_INLINE bool ward_add(size_t a, size_t b, size_t *sum)
{
    *sum = b <= SIZE_MAX - a ? a + b : 0;
    return b <= SIZE_MAX - a;
}

WARD_CHECKED WARD_INLINE bool ward_mul(size_t a, size_t b, size_t *product)
{
    bool fits = !__builtin_mul_overflow(a, b, product);

    if (!fits)
        *product = 0;
    return fits;
}

WARD_INLINE unsigned ward_low_bit(size_t value)
{
    unsigned at = 0;

    for (; (value & 1) == 0; value >>= 1)
        at++;
    return at;
}

WARD_INLINE size_t ward_round_down(size_t value, size_t align)
{
    return value & ~(align - 1);
}

WARD_CHECKED WARD_INLINE bool ward_round_up(size_t value, size_t align, size_t *up)
{
    bool fits = value <= SIZE_MAX - (align - 1);

    *up = fits ? ward_round_down(value + (align - 1), align) : 0;
    return fits;
}

WARD_INLINE bool ward_within(size_t off, size_t len, size_t size)
{
    return off <= size && len <= size - off;
}

WARD_INLINE bool ward_overlap(uintptr_t a, size_t a_size, uintptr_t b, size_t b_size)
{
    return a_size != 0 && b_size != 0 && (a <= b ? b - a < a_size : a - b < b_size);
}

#endif
