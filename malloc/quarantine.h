/* SPDX-License-Identifier: MIT */
/*
 * The long quarantine, of strict: a queue for each thread of what it freed, whoever allocated it.
 *
 * A block stays until QUEUE_SEATS others came after it, or QUEUE_BYTES of them, whichever is
 * first; big blocks count with the pages they keep. Its slot is WAITING and clear. When it leaves
 * it still must be: what was written meanwhile is reported. Then it is free, or its owner is told,
 * as if it had been freed just now.
 *
 * Queues lie in the metadata, and each is its thread's own: no locks. A forked child forgets what
 * its other threads had; those blocks become free with their spans, or are lost to the child.
 */
#ifndef WARD_MALLOC_QUARANTINE_H
#define WARD_MALLOC_QUARANTINE_H

#include "rows.h"
#include "span.h"

enum { QUEUE_SEATS = 4096, QUEUE_BYTES = 1 << 19 };

/* Who waits, and what it counts. */
struct waiter {
    unsigned char *block; /* NULL: nobody */
    size_t bytes;
};

/* count of them, from first on, around the end. */
struct waiting {
    uint32_t first, count;
    size_t bytes;
    struct waiter waiters[QUEUE_SEATS];
};

/* Reserves the queues of all owners, before the root is read-only. False: no room. */
bool ward_quarantine_start_(void);

/* Frees a block as the profile strict does it most: family is of the function that frees. False:
 * nothing was done, as there is something to look at or to report. */
bool ward_quarantine_free_(void *block, unsigned family);

/* Takes a block whose slot is WAITING from now on, and which counts so many bytes; others may have
 * to leave. */
void ward_quarantine_take_(struct owner *owner, unsigned char *block, size_t bytes);

/* All leave. */
void ward_quarantine_empty_(struct owner *owner);

/* In a forked child: of self's, those whose span is not self's are forgotten. They are free, or
 * will be made so. */
void ward_quarantine_inherit_(const struct owner *self);
/* The same of another owner, whose thread is not there: all are. */
void ward_quarantine_forget_(const struct owner *owner);

#endif
