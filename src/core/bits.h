/* SPDX-License-Identifier: MIT */
/* Counting bits, with no instruction that not every processor has, and no call of the compiler's.
 */
#ifndef WARD_CORE_BITS_H
#define WARD_CORE_BITS_H

#include <ward/base.h>

static inline unsigned count_bits(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

#endif
