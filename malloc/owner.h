/* SPDX-License-Identifier: MIT */
/*
 * Threads as owners of spans: how they begin, end, and get through a fork.
 *
 * An owner is taken at a thread's first block and abandoned when the thread ends; its spans then
 * are nobody's, and adopted by whoever runs out of slots of their class. In a forked child the
 * spans of all threads that are not there become nobody's, before fork() returns; after a clone by
 * hand, as soon as something takes a slow path.
 */
#ifndef WARD_MALLOC_OWNER_H
#define WARD_MALLOC_OWNER_H

#include "span.h"

/* This thread's. Starts the allocator at the first call of all. NULL: no memory. */
struct owner *ward_owner_get_(void);

/* The same for a free, which needs none: a thread that has none yet, or none any more as it ends,
 * is an owner of nothing. So it takes none that it would not give back. */
struct owner *ward_owner_here_(void);

/* As who is called by the program comes in: opens the door to all records where the policy locks
 * them, and then looks whether the owner is this thread's. Returns what door_close wants. */
bool ward_owner_enter_(void);

/* The same for functions that may be the first of all to be called. */
bool ward_owner_enter_first_(void);

/* Once, before the first owner. */
bool ward_owner_start_(void);

/* Where the count of owners ever made is, and one for nobody. */
uintptr_t ward_owner_next_at_(void);

/* span.c: everything the owner has is nobody's from now on. */
void ward_span_abandon_(struct owner *owner);

/* span.c: in a forked child, everything that is not self's is nobody's. */
void ward_span_inherit_(const struct owner *self);

#endif
