/* SPDX-License-Identifier: MIT */
/*
 * ward/bump.h: the simplest allocator: a cursor over a region.
 *
 * Takes the whole range of any region: a bare map, a split, a guarded split, a static buffer.
 * Blocks are freed together, by reset or rewind; the newest block can be freed and resized alone.
 * What a lazy region has not committed is committed before the cursor moves.
 *
 * Invariant: cursor <= region->size, and nothing beyond the cursor is in use.
 *
 * On memory that a fork wipes or leaves behind (ward/locked.h) every call in a child that would
 * allocate, free or move the cursor is refused with a report (WARD-FORKED) until the arena is
 * initialised again.
 *
 * Bump has no state of its own about blocks and so detects nothing else; for that take a slab. An
 * arena that is NULL or all zero has no room. Threads:
 * one at a time. Cost: O(1), some 20 instructions. Of the metadata of its region it needs none.
 */
#ifndef WARD_BUMP_H
#define WARD_BUMP_H

#include <ward/layout.h>
#include <ward/region.h>

struct ward_bump {
    struct ward_region *region; /* borrowed; NULL: not initialised */
    size_t cursor;              /* bytes from base in use, padding included */
    size_t committed;           /* bytes from base known to be writable */
    size_t last;                /* where the newest block begins; == cursor if none does */
    uint64_t
        epoch; /* of the process it was made in, where its memory does not survive fork; else 0 */
};

/* A place to come back to. */
typedef struct {
    size_t cursor;
} ward_bump_mark_point;

WARD_EXTERN_C_BEGIN

/* An arena over the whole region. -EINVAL: bump is NULL, or region is no region. On failure *bump
 * is all zero. There is nothing to end: end the region. */
WARD_API WARD_CHECKED int ward_bump_init(struct ward_bump *bump, struct ward_region *region);

/* A block of layout.size bytes, contents unspecified. NULL: layout breaks its invariant, or the
 * region (or the system) has no room; the cursor then stays. */
WARD_API void *ward_bump_alloc(struct ward_bump *bump, struct ward_layout layout);

/* Takes the newest block back, its padding not; any other is nothing: it waits for reset. */
WARD_API void ward_bump_free(struct ward_bump *bump, void *block, size_t size);

/* The block with now.size bytes: in place when it shrinks, or is the newest and there is room, and
 * is aligned to now.align; else a copy, and the old block waits for reset. NULL: no room, now
 * breaks its invariant, block is NULL, or was is larger than the arena's use; the old block is
 * untouched. */
WARD_API void *ward_bump_resize(struct ward_bump *bump, void *block, struct ward_layout was,
                                struct ward_layout now);

/* Marks the cursor; rewind frees everything allocated since. -EFAULT: refused in a child;
 * -EINVAL: the point lies beyond the
 * cursor, so it is not one to come back to. */
WARD_API ward_bump_mark_point ward_bump_mark(const struct ward_bump *bump);
WARD_API WARD_CHECKED int ward_bump_rewind(struct ward_bump *bump, ward_bump_mark_point to);

/* Frees everything. 0, or -EFAULT: refused in a child. Contents stay until overwritten, or until
 * ward_region_release. */
WARD_API int ward_bump_reset(struct ward_bump *bump);

/* Bytes of the region; bytes in use, padding included. */
WARD_API size_t ward_bump_capacity(const struct ward_bump *bump);
WARD_API size_t ward_bump_used(const struct ward_bump *bump);

WARD_EXTERN_C_END

#endif
