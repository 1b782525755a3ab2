/* SPDX-License-Identifier: MIT */
/*
 * Free memory is clear: making it so, and seeing that it still is.
 *
 * Slots are aligned to 16 bytes, and multiples of it. Up to 64 bytes four pieces are all of a slot:
 * the first, the last, and those as far from the start and from the end as about the half. No
 * branch depends on the size then. From there to PIECES_MAX bytes it is pieces of 64, which overlap
 * as they must: a loop, or memset, would have to tell sizes apart, and where they are mixed each
 * guess is wrong. What is larger is looked at by clear.c, by cache lines where the processor can.
 */
#ifndef WARD_MALLOC_CLEAR_H
#define WARD_MALLOC_CLEAR_H

#include <string.h>

#include <ward/inline/fill.h>

#include "class.h"

enum {
    PIECES_MAX = 512,
    CHECKED_WHOLE = 16 << 10, /* up to here free memory is checked whole when it is issued again */
};

/* Can the processor load a cache line at once, without harm to the rest of the program? */
bool ward_clear_has_lines_(void);

/* Are more than PIECES_MAX bytes clear? */
bool ward_clear_is_(const unsigned char *at, size_t bytes);

/* The same, but of more than CHECKED_WHOLE bytes by looking at the first and the last KiB, and at
 * pieces of 512 bytes as far from each other, from one on that the bits in `turns` choose: an
 * eighth of it up to 64 KiB, 8 to 17 pieces above; by policy at all of it. */
bool ward_clear_seems_(const unsigned char *at, size_t bytes, uint64_t turns);

/* Was more than CHECKED_WHOLE bytes written to all over? Of 16 lines as far from each other three
 * quarters must not be zero. To look at what has no page yet costs little more than a fault. */
bool ward_clear_is_dense_(const unsigned char *at, size_t bytes);

/* Clears what is not clear already. Much of a large block often is: buffers are seldom filled, and
 * to look costs half of what clearing does. */
void ward_clear_make_(unsigned char *at, size_t bytes);

WARD_INLINE size_t slot_half(size_t bytes)
{
    return bytes / 2 & ~(size_t)(CLASS_STEP - 1);
}

WARD_INLINE unsigned char *slot_piece(const unsigned char *at, size_t bytes, size_t n)
{
    return (unsigned char *)(uintptr_t)at + (64 * n < bytes - 64 ? 64 * n : bytes - 64);
}

/* Four of them, from number n on: what is not zero. */
WARD_INLINE ward_fill_pair_ pieces_seen(const unsigned char *at, size_t bytes, size_t n)
{
    const ward_fill_pair_ none = { 0, 0 };

    return (ward_fill_diff64_(slot_piece(at, bytes, n), none) |
            ward_fill_diff64_(slot_piece(at, bytes, n + 1), none)) |
           (ward_fill_diff64_(slot_piece(at, bytes, n + 2), none) |
            ward_fill_diff64_(slot_piece(at, bytes, n + 3), none));
}

/* Of a slot of at most `most` bytes, a constant. */
WARD_INLINE bool slot_is_clear(const unsigned char *at, size_t bytes, size_t most)
{
    const ward_fill_pair_ none = { 0, 0 };
    const unsigned char *end = at + bytes;
    ward_fill_pair_ seen;

    if (most > PIECES_MAX && bytes > PIECES_MAX)
        return ward_clear_is_(at, bytes);
    if (bytes <= 64) {
        seen = ward_fill_load_(at) | ward_fill_load_(at + slot_half(bytes)) |
               ward_fill_load_(end - 16 - slot_half(bytes)) | ward_fill_load_(end - 16);
    } else if (most > CLASS_FINE_MAX) {
        seen = pieces_seen(at, bytes, 0) | pieces_seen(at, bytes, 4);
    } else {
        seen = ward_fill_diff64_(at, none) | ward_fill_diff64_(end - 64, none);
    }
    return (seen[0] | seen[1]) == 0;
}

WARD_INLINE void fill_clear64(unsigned char *at)
{
    const ward_fill_pair_ none = { 0, 0 };

    ward_fill_store_(at, none);
    ward_fill_store_(at + 16, none);
    ward_fill_store_(at + 32, none);
    ward_fill_store_(at + 48, none);
}

WARD_INLINE void pieces_clear(unsigned char *at, size_t bytes, size_t n)
{
    fill_clear64(slot_piece(at, bytes, n));
    fill_clear64(slot_piece(at, bytes, n + 1));
    fill_clear64(slot_piece(at, bytes, n + 2));
    fill_clear64(slot_piece(at, bytes, n + 3));
}

WARD_INLINE void slot_clear(unsigned char *at, size_t bytes, size_t most)
{
    const ward_fill_pair_ none = { 0, 0 };
    unsigned char *end = at + bytes;

    if (bytes <= 64) {
        ward_fill_store_(at, none);
        ward_fill_store_(at + slot_half(bytes), none);
        ward_fill_store_(end - 16 - slot_half(bytes), none);
        ward_fill_store_(end - 16, none);
    } else if (most <= CLASS_FINE_MAX || bytes <= CLASS_FINE_MAX) {
        fill_clear64(at);
        fill_clear64(end - 64);
    } else if (most <= PIECES_MAX || bytes <= PIECES_MAX) {
        pieces_clear(at, bytes, 0);
        if (bytes > 256)
            pieces_clear(at, bytes, 4);
    } else {
        memset(at, 0, bytes);
    }
}

/* Whatever its size, and however much of it is clear. */
WARD_INLINE void clear_any(unsigned char *at, size_t bytes)
{
    if (bytes <= CHECKED_WHOLE)
        memset(at, 0, bytes);
    else
        ward_clear_make_(at, bytes);
}

/* Of a live block's slot nothing was written but the block, and the word behind it. */
WARD_INLINE void slot_clear_used(unsigned char *at, size_t bytes, size_t slack)
{
    if (WARD_LIKELY(bytes <= PIECES_MAX))
        slot_clear(at, bytes, PIECES_MAX);
    else
        clear_any(at, slack < 8 ? bytes : bytes - slack + 8);
}

#endif
