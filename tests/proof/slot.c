/* SPDX-License-Identifier: MIT */
/* proves: ward_slot_guess_ ward_slot_refine_ ward_slot_inverse_ ward_slot_rotate_ */
/* proves: ward_slot_index_ ward_slot_divide_ ward_slot_reciprocal_ */
/* proves: offset_gives_index division_is_exact */
/* lemmas: Slots */
/* wraps: multiplication and subtraction modulo 2^64 is the method */
#include "spec.h"

/* Frama-C has no 128-bit numbers: it parses the one multiplication in ward_slot_high_ as another,
 * and its contract is trusted. tests/unit/slot.c compares it with the schoolbook method. */
#define __int128 long

/*@ requires 0 < odd && odd % 2 == 1;
    assigns \nothing;
    ensures inverts(odd, \result, 5);
*/
static inline uint64_t ward_slot_guess_(uint64_t odd);

/*@ assigns \nothing;
    ensures \forall integer k; 0 < k <= 32 && inverts(odd, x, k) ==> inverts(odd, \result, 2 * k);
    ensures \forall integer k; 32 < k <= 64 && inverts(odd, x, k) ==> inverts(odd, \result, 64);
*/
static inline uint64_t ward_slot_refine_(uint64_t odd, uint64_t x);

/*@ requires 0 < odd && odd % 2 == 1;
    assigns \nothing;
    ensures inverts(odd, \result, 64);
*/
static inline uint64_t ward_slot_inverse_(uint64_t odd);

/*@ requires shift < 64;
    assigns \nothing;
    ensures \result == rotated(x, shift);
*/
static inline uint64_t ward_slot_rotate_(uint64_t x, unsigned shift);

/*@ requires shift < 64;
    assigns \nothing;
    ensures \result == index_of(offset, inverse, shift);
*/
static inline uint64_t ward_slot_index_(uint64_t offset, uint64_t inverse, unsigned shift);

/*@ assigns \nothing;
    ensures \result == high(a, b);
*/
static inline uint64_t ward_slot_high_(uint64_t a, uint64_t b);

/*@ assigns \nothing;
    ensures \forall integer d; is_reciprocal(reciprocal, d) ==> \result == index / d;
*/
static inline uint32_t ward_slot_divide_(uint32_t index, uint64_t reciprocal);

/*@ requires 1 <= divisor <= 0x80000000;
    assigns \nothing;
    ensures is_reciprocal(\result, divisor);
*/
static inline uint64_t ward_slot_reciprocal_(uint32_t divisor);

#include <ward/inline/slot.h>

/* What it is all for. Of `count` slots of `stride` bytes, at most as many as 2^64 bytes can hold:
 * an offset gives an index if, and only if, a slot starts there, and then it is that slot's. */
/*@ requires odd % 2 == 1 && shift < 64 && splits(stride, odd, shift) && fits(count, stride);
    assigns \nothing;
    ensures \result < count <==> offset % stride == 0 && offset / stride < count;
    ensures \result < count ==> \result == offset / stride;
*/
static uint64_t offset_gives_index(uint64_t stride, uint64_t odd, unsigned shift, uint64_t count,
                                   uint64_t offset)
{
    return ward_slot_index_(offset, ward_slot_inverse_(odd), shift);
}

/*@ requires 1 <= divisor <= 0x80000000;
    assigns \nothing;
    ensures \result == index / divisor;
*/
static uint32_t division_is_exact(uint32_t index, uint32_t divisor)
{
    return ward_slot_divide_(index, ward_slot_reciprocal_(divisor));
}
