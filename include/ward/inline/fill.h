/* SPDX-License-Identifier: MIT */
/*
 * Filling a freed slot with one byte, and testing that it still is filled. Not API; ABI.
 */
#ifndef WARD_INLINE_FILL_H
#define WARD_INLINE_FILL_H

#include <ward/base.h>

typedef uint64_t ward_fill_pair_ __attribute__((vector_size(16)));

WARD_INLINE uint64_t ward_load64_(const unsigned char *at)
{
    uint64_t word;

    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

WARD_INLINE void ward_store64_(unsigned char *at, uint64_t word)
{
    __builtin_memcpy(at, &word, sizeof word);
}

WARD_INLINE ward_fill_pair_ ward_fill_load_(const unsigned char *at)
{
    ward_fill_pair_ pair;

    __builtin_memcpy(&pair, at, sizeof pair);
    return pair;
}

/* True if all len bytes are byte. Reads every one, without a branch per word. */
WARD_INLINE bool ward_fill_is_(const unsigned char *at, size_t len, unsigned char byte)
{
    uint64_t word = byte * UINT64_C(0x0101010101010101), scalar = 0;
    ward_fill_pair_ want = { word, word }, diff = { 0, 0 };

    if (len >= 16) {
        for (size_t i = 0; i + 16 < len; i += 16)
            diff |= ward_fill_load_(at + i) ^ want;
        diff |= ward_fill_load_(at + len - 16) ^ want;
        return (diff[0] | diff[1]) == 0;
    }
    if (len >= 8)
        return ((ward_load64_(at) ^ word) | (ward_load64_(at + len - 8) ^ word)) == 0;
    for (size_t i = 0; i < len; i++)
        scalar |= (uint64_t)(at[i] ^ byte);
    return scalar == 0;
}

#endif
