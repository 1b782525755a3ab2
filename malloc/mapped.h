/* SPDX-License-Identifier: MIT */
/*
 * The largest blocks: beyond the classes each is a mapping, which goes back to the system with it.
 *
 *      origin                 at                     at + size           origin + mapped
 *     | guard, and alignment | block               | slack, to a page | guard |
 *
 * Both guards are one to sixteen pages. Where a block is stands in a table in the metadata, by a
 * hash of its address, with the next entry if one is taken. Nothing is taken out of it: an entry
 * whose block was freed says so until another block claims it, so that a second free is told from
 * a wild one, and a search ends at the first entry that was never used.
 *
 *     at: 0 -> HUGE_CLAIMED -> the block -> HUGE_CLAIMED -> the block | HUGE_FREED -> ...
 *                                             HUGE_CLAIMED -> the block | HUGE_HELD -> ...
 *
 * Who claimed an entry has its other members to itself, and of two threads that free a block one
 * finds another value: no lock. The table is behind the door of POLICY_KEYS (door.h). Functions
 * open it themselves where nothing else is said.
 *
 * A block that is resized is moved by its pages into a new mapping, between new guards. Until that
 * is done the old entry is claimed; then what is left of the old mapping on both sides goes back.
 *
 * Where freed memory waits long (POLICY_LONG) the addresses of the last few that were freed, or
 * moved away from, are held, so that a stale pointer meets nothing else there. They have no memory,
 * and are let go when a mapping is refused.
 *
 * Costs: two calls of the system to allocate, one to free (three where addresses are held), eight
 * to resize (or ten).
 */
#ifndef WARD_MALLOC_MAPPED_H
#define WARD_MALLOC_MAPPED_H

#include "span.h"

/* What an entry holds that is no block's, and never was: it is being filled in, or was when a fork
 * cut that off. */
enum { HUGE_CLAIMED = 1, HUGE_NEVER = 3 };

/* Added to the address of a block that was freed; and while its addresses are held. */
enum { HUGE_FREED = 1, HUGE_HELD = 3 };

/* A mapping of its own. at: of the block; 0: none. */
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

/* A block of size bytes, zero; align is a power of two and at least a page. NULL: no memory, no
 * mapping or no entry is left. */
void *ward_mapped_alloc_(struct owner *owner, size_t size, size_t align);

/* An address that lies in no span: passes on what is another malloc's (foreign.h), and reports what
 * else is no live block. */
void ward_mapped_free_(void *block);

/* A live block gets another size: where it is if its pages are as many, else elsewhere, by moving
 * them; none is touched. Returns where it is. NULL: it is as it was, but for what
 * its pages allow, and has to be copied, as there is no memory, or the system does not move it. */
void *ward_mapped_resize_(struct owner *owner, void *block, size_t size);

/* Lets go of all addresses that are held. False: there were none. */
bool ward_mapped_trim_(void);

/* The requested size of a live block; SIZE_MAX: it is none. */
size_t ward_mapped_size_(const void *block);

/* Is, or was, a block there? */
bool ward_mapped_knows_(const void *block);

/* What says who allocated a live block (rows.h); NULL: it is none. The door is the caller's to
 * open, also while it is used. */
uint8_t *ward_mapped_family_(const void *block);

/* In a forked child: entries that a thread which is not there was about to fill in are as if
 * freed. */
void ward_mapped_inherit_(void);

#endif
