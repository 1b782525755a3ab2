/* SPDX-License-Identifier: MIT */
/*
 * The sample: now and then a block of any small size goes to a guarded slot (guarded.h), where most
 * do not.
 *
 * A thread asks whenever a hand is empty, which costs it one count down. How far it counts is drawn
 * anew for each block of the sample, about the thread's interval: twice as long where the last
 * block was taken less than SAMPLE_NS ago, half as long where it was much longer. The more blocks
 * of the sample live in the process, the rarer new ones get; beyond SAMPLE_LIVE_MAX there are none.
 * So what it costs in time and memory is bounded, whatever the program does.
 *
 * Counts and intervals are the owner's, which its thread alone touches.
 */
#ifndef WARD_MALLOC_SAMPLE_H
#define WARD_MALLOC_SAMPLE_H

#include "span.h"

enum {
    SAMPLE_LIVE_MAX = 512,       /* blocks */
    SAMPLE_NS = 5000000,         /* a thread takes no more than about one in this time */
    SAMPLE_INTERVAL_LEAST = 16,  /* empty hands from one to the next: at the start */
    SAMPLE_INTERVAL_MOST = 30000 /* ... and at most */
};

/* Is it time for one? Asked when a hand is empty, and so once in up to 64 blocks. */
WARD_INLINE bool sample_is_due(struct owner *owner)
{
    if (WARD_LIKELY(owner->until_sample)) {
        owner->until_sample--;
        return false;
    }
    return true;
}

/* One of the sample, zero; also sets when this thread's next one is due. NULL: no room for it: take
 * another. */
WARD_COLD void *ward_sample_alloc_(struct owner *owner, size_t size);

#endif
