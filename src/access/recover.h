/* SPDX-License-Identifier: MIT */
/* What the handler and the tables share. */
#ifndef WARD_ACCESS_RECOVER_H
#define WARD_ACCESS_RECOVER_H

#include <stdatomic.h>

#include <ward/recover.h>

/*
 * Who is looking at the tables. A look begins by counting itself into the side that is current and
 * ends by counting itself out of the same; who waits for all looks that began before makes the
 * other side current and waits for the old one to empty, until each side was seen empty.
 *
 * A fork copies the counts of threads that do not exist in the child. So the counts live in memory
 * that a fork wipes, where the host has such (ward_recover_count_in_).
 */
struct ward_recover_looks_ {
    _Atomic unsigned side;
    _Atomic unsigned in[2];
};

/* From now on looks are counted there; it lives for ever, and is all zero. */
void ward_recover_count_in_(struct ward_recover_looks_ *counted);

/* Would a fault of this thread, now, come to ward's handler and be recovered exactly? */
bool ward_recover_serves_(void);

/* From now on tables stay as they are: the process exits. */
void ward_recover_freeze_(void);

#endif
