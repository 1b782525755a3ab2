/* SPDX-License-Identifier: MIT */
/*
 * Big blocks: a span to themselves, or beyond the largest class a mapping.
 *
 * A span with one slot has a guard right behind the last page of the block, so that an overflow
 * past the page faults, and one within it is found by the canary. When freed, its pages go back to
 * the system, but for a few megabytes that are kept for the next blocks of the class.
 */
#ifndef WARD_MALLOC_BIG_H
#define WARD_MALLOC_BIG_H

#include "span.h"

/* What an entry holds that is no block's, and never was: it is being filled in, or was when a fork
 * cut that off. */
enum { HUGE_CLAIMED = 1, HUGE_NEVER = 3 };

/* A mapping of its own. at: of the block; | 1 once it was freed; 0: none. */
struct huge {
    _Atomic uintptr_t at;
    size_t size; /* requested */
    unsigned char *origin;
    size_t mapped;
    uint8_t family; /* see rows.h */
};

/* Entries. A mapping and its guards are two of the 65530 that a process usually may have. */
enum { HUGE_LEAST = 1 << 12, HUGE_MOST = 1 << 15 };

/* Bytes of whole pages that their table takes. */
WARD_INLINE size_t huge_bytes(void)
{
    return round_up(ward_root_.huge_count * sizeof(struct huge), ward_root_.page);
}

/* A block of size bytes, and room for `bytes`; align is a power of two and at least a page. Spans
 * are aligned to their pitch, up to RESERVE_ALIGN; beyond that it is a mapping. */
void *ward_big_alloc_(struct owner *owner, size_t size, size_t bytes, size_t align);

/* place: of the only slot of its span; NULL: it lies in no class. Reports what is no live block. */
void ward_big_free_(void *block, const struct place *place);

/* Is a block that was just allocated zero, as its pages came from the system? */
bool ward_big_is_clean_(const void *block);

/* The requested size of a live block; SIZE_MAX: it is none. */
size_t ward_big_size_(const void *block, const struct place *place);

/* Is, or was, a block in a mapping of its own there? */
bool ward_big_knows_(const void *block);

/* What says who allocated a live block (rows.h); NULL: it is none. The door to it is open (door.h),
 * also while it is used. */
uint8_t *ward_big_family_(const void *block);

/* Changes the size where it is. False: it has to move. */
bool ward_big_resize_(void *block, const struct place *place, size_t size);

/* In a forked child: the spans that nobody has. */
void ward_big_inherit_(void);

#endif
