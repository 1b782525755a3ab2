/* SPDX-License-Identifier: MIT */
/*
 * The memory of reservations: how it is opened, guarded and given back.
 *
 * Nothing of a reservation can be touched until it is opened. A range that many share is opened
 * from its start on, in steps; what one block needs alone, for itself. A guard is a marker where
 * the system has them, which costs no mapping. Elsewhere it is a protection, which costs two, of a
 * budget that all guards share.
 *
 * All threads call these. Counts are atomics, and say what the process has, which a fork leaves as
 * it is. There is one lock in all, that of ward_memory_commit_, which a forked child takes over
 * from a thread that it does not have.
 *
 * Costs: a call of the system each, but for what is done already.
 */
#ifndef WARD_MALLOC_MEMORY_H
#define WARD_MALLOC_MEMORY_H

#include "span.h"

/* Reserved pages that can be touched from now on, or not any more. False: they are as they were;
 * for opening also where the process would have more than RLIMIT_AS allows. Its reservations do not
 * count there, or nothing could be had under a limit that is set later. */
bool ward_memory_open_(unsigned char *at, size_t len);
bool ward_memory_close_(unsigned char *at, size_t len);

/* A range that is opened from its start on. */
struct prefix {
    unsigned char *base;
    size_t first; /* bytes of the first step; the others are larger, or the same */
    size_t most;  /* bytes of all */
    bool marked;  /* what is opened is made fault by markers at once */
};

/* Sees to it that the first `need` bytes of a range can be touched; *committed says how many can
 * be. One thread does so at a time. */
bool ward_memory_commit_(const struct prefix *prefix, _Atomic size_t *committed, size_t need);

/* Nobody can change whole pages' protection from now on, or map something else in their place. The
 * status says whether the system does that. */
void ward_memory_seal_(void *at, size_t len);

/* Makes [at, at + len), whole pages that can be touched, fault by markers. What they held is gone.
 * False: there are none, or not there; they can be touched, but may be empty. */
bool ward_memory_mark_(unsigned char *at, size_t len);

/* Takes markers away; where none was ever set there is nothing to do. False: some may be left, as a
 * filter came to forbid it. */
bool ward_memory_unmark_(unsigned char *at, size_t len);

/* Makes [at, at + len) fault; in a span, behind its slots. True: by the protection of those pages,
 * which ward_memory_unguard_() has to undo; not by a marker. */
bool ward_memory_guard_(unsigned char *at, size_t len);

/* Takes such a guard away, and gives its mappings back. False: it is still there. */
bool ward_memory_unguard_(unsigned char *at, size_t len);

/* Takes two mappings from the budget of those that guards may cost. False: it is used up. */
bool ward_memory_budget_take_(void);

/* Gives them back. */
void ward_memory_budget_give_(void);

/* Is a part of it in use? */
bool ward_memory_is_split_(void);

/* Drops the contents of the pages in [at, at + len), a page's start: they read as zero. */
void ward_memory_release_(unsigned char *at, size_t len);

/* Makes any bytes zero. Of many the whole pages are dropped: to clear those that were never written
 * to would ask for them. */
void ward_memory_clear_(unsigned char *at, size_t len);

#endif
