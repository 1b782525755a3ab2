/* SPDX-License-Identifier: MIT */
/*
 * The secret bytes behind a block. Not API; ABI.
 *
 *      block                   block + size                       block + stride
 *        | the program's bytes | w0 w1 w2 w3 w4 w5 w6 w7 w0 w1 ... |
 *
 * w is a word bound to the slot by a keyed hash. w0 is never 0, so that a string's terminator
 * written one byte too far is always seen: where the hash has a 0 there, other bits of it choose
 * one of the other values. So each of the 255 is as likely, and one byte too far is missed once in
 * 255 times, whatever it is.
 */
#ifndef WARD_INLINE_CANARY_H
#define WARD_INLINE_CANARY_H

#include <ward/inline/fill.h>

/* The word of slot index under a 128-bit key. Folded multiplication (as in wyhash): who reads one
 * word has 64 bits of a 128-bit key, and cannot compute another slot's. */
WARD_INLINE uint64_t ward_canary_word_(const uint64_t key[2], uint64_t index)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(key[0] ^ index) * (key[1] ^ index);
    uint64_t word = (uint64_t)product ^ (uint64_t)(product >> 64);

    if (WARD_UNLIKELY((unsigned char)word == 0))
        word |= 1 + ((word >> 32) * 255 >> 32);
    return word;
}

/* Rotates so that byte number `bytes` comes first. */
WARD_INLINE uint64_t ward_canary_from_(uint64_t word, size_t bytes)
{
    unsigned bits = (unsigned)(bytes & 7) * 8;

    return word >> bits | word << (-bits & 63);
}

/* Fills the len >= 8 bytes at `at` with the word, over and over. */
WARD_INLINE void ward_canary_arm_(unsigned char *at, size_t len, uint64_t word)
{
    ward_store64_(at, word);
    if (WARD_LIKELY(len == 8))
        return;
    for (size_t i = 8; i + 8 <= len; i += 8)
        ward_store64_(at + i, word);
    ward_store64_(at + len - 8, ward_canary_from_(word, len));
}

/* True if they still are as armed. */
WARD_INLINE bool ward_canary_is_(const unsigned char *at, size_t len, uint64_t word)
{
    uint64_t diff = ward_load64_(at) ^ word;

    if (WARD_LIKELY(len == 8))
        return diff == 0;
    for (size_t i = 8; i + 8 <= len; i += 8)
        diff |= ward_load64_(at + i) ^ word;
    return (diff | (ward_load64_(at + len - 8) ^ ward_canary_from_(word, len))) == 0;
}

#endif
