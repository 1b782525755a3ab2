/* SPDX-License-Identifier: MIT */
/*
 * Big blocks: a span with one slot for each, or what mapped.h has.
 *
 * The span has a guard behind the last page of the block, so that an overflow that goes on faults,
 * and a short one is found by the canary. Where a block was before, the guard may stay up to a
 * quarter of the next one behind it, or as far again where that is one that grows; and where a
 * block grows, it is a quarter ahead. By policy it is right behind the page. What lies between the
 * canary and the guard is zero, unless the policy clears nothing, or somebody wrote past a guard.
 *
 * When a block is freed, its pages go back to the system, but for a few megabytes that are kept for
 * the next blocks of the class. A span without a block is anybody's (pool.h); one with a block is
 * changed by who frees or resizes it, and of two threads that do so at once one finds a state that
 * is not that of a block, and reports a second free. A fork that cuts a resize off loses the block.
 */
#ifndef WARD_MALLOC_BIG_H
#define WARD_MALLOC_BIG_H

#include "span.h"

/* A block of size bytes, and room for `bytes`; align is a power of two and at least a page. Spans
 * are aligned to their pitch, up to RESERVE_ALIGN; beyond that it is a mapping. */
void *ward_big_alloc_(struct owner *owner, size_t size, size_t bytes, size_t align);

/* place: of the only slot of its span, here and below. Reports what is no live block. */
void ward_big_free_(const struct place *place);

/* A block has waited long enough in a quarantine (quarantine.h): it is free. */
void ward_big_leave_(struct span *span);

/* Resizes a block that lies in no span, if another one of that size would not either. NULL: it has
 * to be copied (mapped.h). */
void *ward_big_move_(void *block, size_t size);

/* Is a block that was just allocated zero, as its pages came from the system? */
bool ward_big_is_clean_(const void *block);

/* The requested size of a live block; SIZE_MAX: it is none. */
size_t ward_big_size_(const struct place *place);

/* What says who allocated a live block (rows.h); NULL: it is none. The door to it is open (door.h),
 * also while it is used. */
uint8_t *ward_big_family_(const struct place *place);

/* Changes the size where it is: a block may grow to all of its span but a page, whatever its class,
 * so that one that grows and grows moves once for each time it doubles. False: it has to move. */
bool ward_big_resize_(const struct place *place, size_t size);

/* In a forked child: the spans that nobody has. */
void ward_big_inherit_(void);

#endif
