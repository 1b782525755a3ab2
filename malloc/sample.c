/* SPDX-License-Identifier: MIT */
#include "sample.h"
#include "guarded.h"

/* Twice as far where the last was a short time ago, and half as far where it was a long one. */
static uint32_t next_interval(struct owner *owner)
{
    uint64_t now = ward_moment_clock_(), gone = now - owner->sampled_at;
    uint32_t interval = owner->interval;

    if (owner->sampled_at && gone < SAMPLE_NS)
        interval *= 2;
    else if (gone > 8 * (uint64_t)SAMPLE_NS)
        interval /= 2;
    owner->sampled_at = now;
    interval = interval > SAMPLE_INTERVAL_LEAST ? interval : SAMPLE_INTERVAL_LEAST;
    return interval < SAMPLE_INTERVAL_MOST ? interval : SAMPLE_INTERVAL_MOST;
}

/* The more there are, the rarer they get. */
void *ward_sample_alloc_(struct owner *owner, size_t size)
{
    size_t live = ward_guarded_sampled_();
    uint32_t turn;

    owner->interval = next_interval(owner);
    turn = ward_random_below_(&owner->random, ward_root_.fork_word, owner->interval);
    owner->until_sample = (owner->interval / 2 + turn) << 4 * live / SAMPLE_LIVE_MAX;
    return live < SAMPLE_LIVE_MAX ? ward_guarded_alloc_(size, CLASS_STEP) : NULL;
}
