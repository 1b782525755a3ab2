/* SPDX-License-Identifier: MIT */
/* The contracts of ward/arith.h, in front of the code they are proved for. */
#ifndef WARD_PROOF_ARITH_H
#define WARD_PROOF_ARITH_H

#include "spec.h"

/* The compiler's, as its manual has it. Trusted. */
/*@ requires \valid(product);
    assigns *product, \result \from a, b;
    ensures \result <==> a * b > SIZE_MAX;
    ensures !\result ==> *product == a * b;
*/
bool __builtin_mul_overflow(size_t a, size_t b, size_t *product);

/*@ assigns \nothing;
    ensures \result <==> is_two(value);
*/
static inline bool ward_is_pow2(size_t value);

/*@ requires \valid(sum);
    assigns *sum;
    ensures \result <==> a + b <= SIZE_MAX;
    ensures *sum == (\result ? a + b : 0);
*/
static inline bool ward_add(size_t a, size_t b, size_t *sum);

/*@ requires \valid(product);
    assigns *product;
    ensures \result <==> a * b <= SIZE_MAX;
    ensures *product == (\result ? a * b : 0);
*/
static inline bool ward_mul(size_t a, size_t b, size_t *product);

/*@ requires is_two(align);
    assigns \nothing;
    ensures \result % align == 0;
    ensures \result <= value < \result + align;
*/
static inline size_t ward_round_down(size_t value, size_t align);

/*@ requires is_two(align) && \valid(up);
    assigns *up;
    ensures \result ==> *up % align == 0 && value <= *up < value + align;
    ensures !\result ==> *up == 0;
    ensures !\result ==> \forall integer m; m % align == 0 && value <= m ==> m > SIZE_MAX;
*/
static inline bool ward_round_up(size_t value, size_t align, size_t *up);

/*@ assigns \nothing;
    ensures \result <==> off + len <= size;
*/
static inline bool ward_within(size_t off, size_t len, size_t size);

/*@ requires a + a_size <= UINTPTR_MAX + 1 && b + b_size <= UINTPTR_MAX + 1;
    assigns \nothing;
    ensures \result <==> \max(a, b) < \min(a + a_size, b + b_size);
*/
static inline bool ward_overlap(uintptr_t a, size_t a_size, uintptr_t b, size_t b_size);

#include <ward/arith.h>

#endif
