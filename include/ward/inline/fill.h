/* SPDX-License-Identifier: MIT */
/*
 * Filling a freed slot with one byte, and testing that it still is filled. Not API; ABI.
 */
#ifndef WARD_INLINE_FILL_H
#define WARD_INLINE_FILL_H

#include <ward/base.h>

/* Two words at once: a vector. Freestanding code may have no registers for it (kernels). */
#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
typedef uint64_t ward_fill_pair_ __attribute__((vector_size(16)));
#define WARD_FILL_PAIR_(WORD)                                                                      \
    {                                                                                              \
        (WORD), (WORD)                                                                             \
    } /* as an initializer */
#define WARD_FILL_FOLD_(PAIR) ((PAIR)[0] | (PAIR)[1])
#else
__extension__ typedef unsigned __int128 ward_fill_pair_;
#define WARD_FILL_PAIR_(WORD) ((ward_fill_pair_)(WORD) << 64 | (WORD))
#define WARD_FILL_FOLD_(PAIR) ((uint64_t)(PAIR) | (uint64_t)((PAIR) >> 64))
#endif

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

WARD_INLINE void ward_fill_store_(unsigned char *at, ward_fill_pair_ pair)
{
    __builtin_memcpy(at, &pair, sizeof pair);
}

/* 64 bytes at once: what of them is not as wanted. */
WARD_INLINE ward_fill_pair_ ward_fill_diff64_(const unsigned char *at, ward_fill_pair_ want)
{
    return ((ward_fill_load_(at) ^ want) | (ward_fill_load_(at + 16) ^ want)) |
           ((ward_fill_load_(at + 32) ^ want) | (ward_fill_load_(at + 48) ^ want));
}

/* True if all len bytes are byte. Reads every one; in pieces that end where those of the filling
 * end, so that a load never spans two stores that are still under way. */
WARD_INLINE bool ward_fill_is_(const unsigned char *at, size_t len, unsigned char byte)
{
    uint64_t word = byte * UINT64_C(0x0101010101010101), rest = 0;
    ward_fill_pair_ want = WARD_FILL_PAIR_(word), diff = WARD_FILL_PAIR_((uint64_t)0);
    size_t i = 0;

    for (; len - i >= 64; i += 64)
        diff |= ward_fill_diff64_(at + i, want);
    if (len & 32) {
        diff |= (ward_fill_load_(at + i) ^ want) | (ward_fill_load_(at + i + 16) ^ want);
        i += 32;
    }
    if (len & 16) {
        diff |= ward_fill_load_(at + i) ^ want;
        i += 16;
    }
    if (len & 8) {
        rest = ward_load64_(at + i) ^ word;
        i += 8;
    }
    for (; i < len; i++)
        rest |= (uint64_t)(at[i] ^ byte);
    return (WARD_FILL_FOLD_(diff) | rest) == 0;
}

/* Makes all len bytes byte. */
WARD_INLINE void ward_fill_(unsigned char *at, size_t len, unsigned char byte)
{
    uint64_t word = byte * UINT64_C(0x0101010101010101);
    ward_fill_pair_ pair = WARD_FILL_PAIR_(word);
    size_t i = 0;

    for (; len - i >= 64; i += 64) {
        ward_fill_store_(at + i, pair);
        ward_fill_store_(at + i + 16, pair);
        ward_fill_store_(at + i + 32, pair);
        ward_fill_store_(at + i + 48, pair);
    }
    if (len & 32) {
        ward_fill_store_(at + i, pair);
        ward_fill_store_(at + i + 16, pair);
        i += 32;
    }
    if (len & 16) {
        ward_fill_store_(at + i, pair);
        i += 16;
    }
    if (len & 8) {
        ward_store64_(at + i, word);
        i += 8;
    }
    for (; i < len; i++)
        at[i] = byte;
}

#endif
