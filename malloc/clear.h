/* SPDX-License-Identifier: MIT */
/*
 * Free memory is clear: making it so, and seeing that it still is.
 *
 * Slots are aligned to 16 bytes, and multiples of it. Up to 64 bytes four pieces are all of a slot:
 * the first, the last, and those as far from the start and from the end as about the half. No
 * branch depends on the size then. Up to CLASS_FINE_MAX bytes it is two pieces of 64, and eight up
 * to PIECES_MAX, which overlap as they must: a loop, or memset, would have to tell sizes apart, and
 * where they are mixed each guess is wrong. Each of the eight is loaded and stored at once where
 * the processor can (lines.h). What is larger is looked at by clear.c.
 */
#ifndef WARD_MALLOC_CLEAR_H
#define WARD_MALLOC_CLEAR_H

#include <string.h>

#include <ward/inline/fill.h>

#include "lines.h"
#include "root.h"

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

/* Above CLASS_FINE_MAX and up to PIECES_MAX bytes are eight pieces of 64: seven as far from each
 * other, which is at most 64, and the last. ceil((bytes - 64) / 7), without dividing. */
WARD_INLINE size_t piece_step(size_t bytes)
{
    return (bytes - 58) * 9363 >> 16;
}

/* What of them is not zero. */
WARD_INLINE ward_fill_pair_ pieces_seen(const unsigned char *at, size_t bytes)
{
    const ward_fill_pair_ none = { 0, 0 };
    size_t step = piece_step(bytes);
    const unsigned char *third = at + 2 * step, *fifth = third + 2 * step;

    return ((ward_fill_diff64_(at, none) | ward_fill_diff64_(at + step, none)) |
            (ward_fill_diff64_(third, none) | ward_fill_diff64_(third + step, none))) |
           ((ward_fill_diff64_(fifth, none) | ward_fill_diff64_(fifth + step, none)) |
            (ward_fill_diff64_(fifth + 2 * step, none) | ward_fill_diff64_(at + bytes - 64, none)));
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
    } else if (most <= CLASS_FINE_MAX || bytes <= CLASS_FINE_MAX) {
        seen = ward_fill_diff64_(at, none) | ward_fill_diff64_(end - 64, none);
    } else {
        if (ward_root_.lines)
            return line_pieces_are_clear(at, bytes, piece_step(bytes));
        seen = pieces_seen(at, bytes);
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

WARD_INLINE void pieces_clear(unsigned char *at, size_t bytes)
{
    size_t step = piece_step(bytes);
    unsigned char *third = at + 2 * step, *fifth = third + 2 * step;

    fill_clear64(at);
    fill_clear64(at + step);
    fill_clear64(third);
    fill_clear64(third + step);
    fill_clear64(fifth);
    fill_clear64(fifth + step);
    fill_clear64(fifth + 2 * step);
    fill_clear64(at + bytes - 64);
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
        if (ward_root_.lines)
            line_pieces_clear(at, bytes, piece_step(bytes));
        else
            pieces_clear(at, bytes);
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
