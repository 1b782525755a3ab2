/* SPDX-License-Identifier: MIT */
/*
 * What stands around a block in a guarded slot, and what is said of a slot that is not as it should
 * be.
 *
 *     |<----------- its pages ----------->| guard
 *      0 0 0 0 0 0 0 | block     | canary
 *
 * The canary fills the slack. That is 15 bytes at most, unless a larger alignment was asked for.
 *
 * Who allocates or frees a block has its slot to itself; who is told that a free is none looks at
 * records that others may be changing, and may tell one bug for another then. The door to the
 * records is open (door.h). What reports returns only where a handler contains bugs.
 */
#ifndef WARD_MALLOC_GUARDED_CHECK_H
#define WARD_MALLOC_GUARDED_CHECK_H

#include "guarded.h"

struct guarded_pages {
    unsigned char *at;
    size_t len;
};

/* Those that the block of a slot lies in, which may be none. */
WARD_INLINE struct guarded_pages guarded_pages(const struct guarded *slot)
{
    uintptr_t mask = ward_root_.page - 1, past = (uintptr_t)slot->block & mask;
    unsigned char *from = slot->block - past;

    return (struct guarded_pages){ from, round_up(past + slot->size, ward_root_.page) };
}

/* Writes the canary of a block whose pages are open, and are some. */
void ward_guarded_arm_(const struct guarded *slot);

/* Looks at all of a block's pages but the block. True: something is damaged, and was reported. */
bool ward_guarded_is_damaged_(const struct guarded *slot);

/* Reports a free of an address that is no live block. slot: where it lies; NULL: in none that was
 * ever issued. */
WARD_COLD void ward_guarded_bad_free_(const void *addr, const struct guarded *slot);

#endif
