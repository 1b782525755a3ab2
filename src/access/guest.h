/* SPDX-License-Identifier: MIT */
/* What the two halves of guests share: guest.c changes pages, guest_access.c reaches them. */
#ifndef WARD_ACCESS_GUEST_H
#define WARD_ACCESS_GUEST_H

#include <ward/guest.h>

#include "access/states.h"

/* The page that holds address a of the space. Clamped like the address itself. */
WARD_INLINE size_t ward_guest_page_(const struct ward_guest *guest, uint64_t a)
{
    return (size_t)((a - guest->space.first) & guest->way.mask) >> guest->page_log2;
}

WARD_INLINE size_t ward_guest_pages_(const struct ward_guest *guest)
{
    return guest->region->size >> guest->page_log2;
}

/* Bytes around a fault that are opened at a time, as far as their states agree. */
enum { WARD_GUEST_AROUND_ = 65536 };

/* Takes the lock. An error: this is a forked child, and its pages could not be closed; the lock is
 * not held. */
int ward_guest_enter_(struct ward_guest *guest);
void ward_guest_leave_(struct ward_guest *guest);

/* Makes the two spaces of a guest that has its region and flags. */
void ward_guest_reach_(struct ward_guest *guest);

/* With the lock held: opens the pages [from, to), all of which are mapped. 0, or what the region
 * answers: some may be open then. */
int ward_guest_open_(struct ward_guest *guest, size_t from, size_t to);

#endif
