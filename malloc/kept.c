/* SPDX-License-Identifier: MIT */
#include "kept.h"
#include "memory.h"
#include "moment.h"
#include "pool.h"
#include "states.h"
#include "status.h"

/* What has no pages is not looked at when it is issued again, and a write would not be seen: so it
 * cannot be touched any more, where there are markers. Where each block is opened for itself that
 * takes none, and what was had once does not count against a limit that is set later. */
static void close_block(struct span *span)
{
    bool committed = ward_root_.classes[span->class].committed;
    size_t was = span->open;

    POKE(span->open, 0); /* first, as a fork may cut this off: see set_open in big.c */
    atomic_signal_fence(memory_order_seq_cst);
    if (committed && !span->split && ward_memory_mark_(span->base, was))
        return;
    ward_memory_release_(span->base, was);
    if (committed || !ward_memory_close_(span->base, was))
        POKE(span->open, was);
}

/* The same of a span with many slots, none of which was ever issued from now on. Where nobody looks
 * for writes it is not worth its two calls. */
static void close_slots(struct span *span, const struct class_info *info)
{
    bool was = span->closed; /* markers may be left of the last time */

    span->closed = was || ward_root_.policy & POLICY_ZERO;
    atomic_signal_fence(memory_order_seq_cst);
    if (!span->closed || !ward_memory_mark_(span->base, span_bytes(info))) {
        ward_memory_release_(span->base, span->kept);
        span->closed = was;
    }
    states_renew(span->states, info->slots);
}

void ward_kept_drop_(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    if (info->slots > 1)
        close_slots(span, info);
    else
        close_block(span);
    POKE(span->kept, 0);
}

bool ward_kept_reopen_(const struct span *span, size_t from, size_t to)
{
    return !span->closed || from >= to || ward_memory_unmark_(span->base + from, to - from);
}

enum { KEEP_SHARE = 32, KEEP_SECONDS = 1 };

static _Atomic size_t kept;

static bool keep_bytes(size_t len)
{
    size_t was = atomic_load(&kept);

    do {
        if (was + len > KEEP_BYTES)
            return false;
    } while (!atomic_compare_exchange_weak(&kept, &was, was + len));
    return true;
}

void ward_kept_sub_(size_t len)
{
    atomic_fetch_sub(&kept, len);
}

void ward_kept_inherit_(void)
{
    atomic_store(&kept, 0);
}

void ward_kept_inherit_span_(const struct span *span)
{
    atomic_fetch_add(&kept, span->kept);
}

/* What is to be given back. */
struct trim {
    size_t leave;   /* bytes that stay, of the first that are found */
    uint32_t until; /* of spans that were kept since then, in seconds, or before */
    bool given;     /* were there any? */
};

static void trim_span(struct span *span, struct trim *trim)
{
    size_t pages = span->kept;

    if (pages == 0 || span->kept_at > trim->until)
        return;
    if (pages <= trim->leave) {
        trim->leave -= pages;
        return;
    }
    ward_kept_drop_(span);
    ward_kept_sub_(pages);
    trim->given = true;
}

static void trim_all(struct trim *trim)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (struct span *span = ward_pool_pop_all_(POOL_KEPT, class), *next; span; span = next) {
            next = span->next;
            trim_span(span, trim);
            ward_pool_give_(span);
        }
}

bool ward_kept_trim_(size_t leave)
{
    struct trim trim = { leave, UINT32_MAX, false };

    trim_all(&trim);
    return trim.given;
}

/* What spans keep is of no use to other classes. In a process that is small with all of it, it is
 * worth its pages: who has a few large blocks of many sizes would get new ones at each. */
void ward_kept_use_(size_t bytes)
{
    struct trim trim = { 0, UINT32_MAX, false };
    size_t used, peak, spare;

    ward_status_use_(bytes);
    used = status_get(WARD_STATUS_USED);
    peak = status_get(WARD_STATUS_PEAK);
    spare = peak / KEEP_SHARE;
    trim.leave = (peak > used ? peak - used : 0) + spare / 2;
    if (used + atomic_load(&kept) > KEEP_BYTES && atomic_load(&kept) > trim.leave + spare / 2)
        trim_all(&trim);
}

/* Once a second, by whoever keeps something then. Returns the time in seconds. */
static uint32_t trim_by_age(void)
{
    static _Atomic uint32_t looked;
    uint32_t now = (uint32_t)(ward_moment_clock_() / 1000000000), was = atomic_load(&looked);
    struct trim trim = { 0, now - KEEP_SECONDS - 1, false };

    if (was != now && atomic_compare_exchange_strong(&looked, &was, now))
        trim_all(&trim);
    return now;
}

bool ward_kept_add_(struct span *span, size_t len)
{
    uint32_t now = trim_by_age();

    if (!keep_bytes(len))
        return false;
    POKE(span->kept, len);
    span->kept_at = now;
    return true;
}
