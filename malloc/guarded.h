/* SPDX-License-Identifier: MIT */
/*
 * Guarded slots: each block alone, and a guard page right behind it.
 *
 *      pitch                                pitch
 *   |- - - - - -|  0 0 | block | slack |- - -| ...
 *    no access   its pages              guard
 *
 * A block ends where its pages end, so that a read or a write behind it stops at the instruction
 * that makes it. Alignment leaves at most 15 bytes between (none by the option align=1); they hold
 * the canary, and the bytes before the block, on its first page, are zero: both are looked at when
 * it is freed. A block that was freed cannot be touched at all. Its pages go back to the system at
 * once, and its addresses come back late: after GUARDED_WAIT other blocks of its class at least,
 * or a quarter of the range, whichever is less.
 *
 * Slots have a range of addresses of their own, cut into classes by powers of two. Each has a
 * record elsewhere, at an address that follows from its number: no pointer is read from what the
 * program can write. What a fork cuts off is lost to the child, and no more: a slot between two
 * states is never issued again.
 *
 * Where the system has markers for guards (MADV_GUARD_INSTALL), slots cost no mappings, whatever
 * their number. Elsewhere an open slot costs two, from the budget all guards share: when it is used
 * up there are no more.
 *
 * In the profile `pages` every block comes from here. In others one does now and then: a sample
 * whose rate follows what it costs, see sample.h.
 *
 * Costs: two or three calls of the system for each block, and a page at least.
 */
#ifndef WARD_MALLOC_GUARDED_H
#define WARD_MALLOC_GUARDED_H

#include "moment.h"
#include "span.h"

enum {
    GUARDED_WAIT = 1 << 17, /* blocks issued before an address comes back */
};

enum guarded_state { GUARDED_NEVER, GUARDED_BETWEEN, GUARDED_FREE, GUARDED_RETIRED, GUARDED_LIVE };

/* The record of a slot. */
struct guarded {
    _Atomic uint32_t state;
    _Atomic uint32_t freed_at; /* blocks its class had issued then */
    unsigned char *block;      /* the last that was there */
    size_t size;               /* requested */
    uint8_t family;
    struct moment issued, freed;
};

/* The slot that an address belongs to. */
struct guarded_place {
    const struct guarded_class *class;
    struct guarded *slot;
    unsigned char *start; /* its first byte; its guard begins a page before start + pitch */
};

/* How many, and how much, since the start. */
struct guarded_counts {
    size_t live, used, open; /* blocks now; bytes of them; of their pages */
    size_t big, big_open;    /* the same of slots larger than CLASS_MAX, which are not in these */
};

/* Reserves the range, before the root is read-only. False: there are none in this process. */
bool ward_guarded_start_(void);

/* align: a power of two. NULL: no memory, no addresses or no mappings are left for it. Zero. */
void *ward_guarded_alloc_(size_t size, size_t align);

/* The same for the profile `pages`, which says once when it is NULL. */
void *ward_guarded_page_(size_t size, size_t align);

/* block: guarded_has it. Reports what is no live block. */
void ward_guarded_free_(void *block);

/* The requested size of a live block; SIZE_MAX: it is none. */
size_t ward_guarded_size_(const void *block);

/* False: addr lies in no slot that was ever issued. The door to its record is open (door.h). */
bool ward_guarded_find_(const void *addr, struct guarded_place *place);

struct guarded_counts ward_guarded_count_(void);

/* Live blocks of the sizes that the sample takes. */
size_t ward_guarded_sampled_(void);

/* Does the address lie in the range? */
WARD_INLINE bool guarded_has(const void *addr)
{
    return (uintptr_t)addr - (uintptr_t)ward_root_.guarded.base < ward_root_.guarded.bytes;
}

#endif
