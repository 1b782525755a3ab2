/* SPDX-License-Identifier: MIT */
/*
 * Which of a row of slots may be issued: a bit for each state that is NEW or FREE. A row begins at
 * a multiple of 64 bytes, and there is room to its last 64 states.
 */
#ifndef WARD_MALLOC_STATES_H
#define WARD_MALLOC_STATES_H

#include "arch/ours.h"

#if defined(__SSE2__) && !WARD_SANITIZED_ /* which know atomic loads */
#define STATES_BY_VECTOR
#include <emmintrin.h>
#endif

#include "span.h"

typedef uint64_t __attribute__((may_alias)) four_states;

/* Of 16 states, four at a time, by a carry into each one's high bit. */
WARD_INLINE uint64_t states_free16_anywhere(const _Atomic uint16_t *states)
{
    const uint64_t low = UINT64_C(0x7fff7fff7fff7fff), more = UINT64_C(0x7ffe7ffe7ffe7ffe);
    uint64_t bits = 0;

    for (unsigned i = 0; i < 16; i += 4) {
        uint64_t four = PEEK(*(const four_states *)(uintptr_t)&states[i]);
        uint64_t few =
            ~(((four & low) + more) | four) >> 15 & UINT64_C(0x0001000100010001); /* up to 1 */
        bits |= (few * UINT64_C(0x1000200040008) >> 48 & 15) << i;
    }
    return bits;
}

#ifdef STATES_BY_VECTOR

/* Those that are 1 when their lowest bit is set. */
WARD_INLINE uint64_t states_free16(const _Atomic uint16_t *states)
{
    const __m128i one = _mm_set1_epi16(SLOT_FREE);
    const __m128i *at = (const __m128i *)(const void *)(uintptr_t)states;
    __m128i low = _mm_cmpeq_epi16(_mm_or_si128(_mm_loadu_si128(at), one), one);
    __m128i high = _mm_cmpeq_epi16(_mm_or_si128(_mm_loadu_si128(at + 1), one), one);

    return (uint16_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
}

#else

WARD_INLINE uint64_t states_free16(const _Atomic uint16_t *states)
{
    return states_free16_anywhere(states);
}

#endif

/* The first `count` <= 64 of 64 states. */
WARD_INLINE uint64_t states_free(const _Atomic uint16_t *states, uint32_t count)
{
    uint64_t bits = states_free16(states) | states_free16(states + 16) << 16 |
                    states_free16(states + 32) << 32 | states_free16(states + 48) << 48;

    return count < 64 ? bits & ((UINT64_C(1) << count) - 1) : bits;
}

/* Makes all of a row NEW, and what is left of its last 64. */
WARD_INLINE void states_renew(_Atomic uint16_t *states, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += 4)
        POKE(*(four_states *)(uintptr_t)&states[i], 0);
}

#endif
