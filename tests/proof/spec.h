/* SPDX-License-Identifier: MIT */
/* What the specifications say and C cannot. Defined and reasoned about in ward.mlw; the drivers
 * tie the names together. */
#ifndef WARD_PROOF_SPEC_H
#define WARD_PROOF_SPEC_H

#include <ward/base.h>

/*@ axiomatic Ward {
      logic integer two(integer k);    // 2^k, for k >= 0
      predicate is_two(integer value); // a power of two

      // For slot.c, with s < 64:
      predicate inverts(integer odd, integer x, integer k);       // odd * x == 1 (mod 2^k)
      predicate splits(integer stride, integer odd, integer s);   // stride == odd * 2^s, odd > 0
      predicate fits(integer count, integer stride);              // count * stride <= 2^64
      predicate is_reciprocal(integer r, integer divisor);        // r == ceil(2^63 / divisor)
      logic integer rotated(integer x, integer s);                // right by s, of 64 bits
      logic integer index_of(integer off, integer inv, integer s); // off * inv, rotated
      logic integer high(integer a, integer b);                   // floor(a * b / 2^64)
    }

    axiomatic Addresses {
      // An address is a uintptr_t: what the cast means, and this memory model leaves open.
      axiom address: \forall void *p; 0 <= (uintptr_t)p <= UINTPTR_MAX;
    }
*/

#endif
