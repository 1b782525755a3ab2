/* SPDX-License-Identifier: MIT */
#include "trim.h"
#include "kept.h"
#include "mapped.h"
#include "owner.h"
#include "pool.h"
#include "slow.h"

/* --- Spans of one owner ----------------------------------------------------------------------- */

/* Every free slot of the span counts, too, that others freed. It is in no list after this. */
static bool is_unused(struct owner *owner, struct span *span)
{
    if (span->listed)
        ward_span_unlist_(owner, span);
    ward_remote_fold_apart_(owner, span);
    return span->fresh && span->free == span->fresh;
}

/* A span that a hand issues from stays where it is. */
static bool trim_span(struct owner *owner, struct span *span)
{
    bool is_held = owner->hands[span->class].span == span;
    bool unused = is_unused(owner, span);

    if (unused && is_held)
        ward_span_clear_out_(span);
    else if (unused)
        ward_span_release_(owner, span);
    else if (!is_held && span->free >= ward_root_.classes[span->class].enough)
        ward_span_changed_(owner, span); /* which lists it again */
    return unused;
}

static bool trim_own(struct owner *owner)
{
    bool given = false;
    struct span *next;

    ward_remote_fold_queue_(owner);
    for (unsigned class = 0; class < CLASS_SMALL; class ++)
        ward_hand_put_back_(owner, &owner->hands[class]);
    for (struct span *span = owner->owned; span; span = next) {
        next = span->next_owned;
        given |= trim_span(owner, span);
    }
    return given;
}

/* --- Spans that nobody owns ------------------------------------------------------------------- */

/* Returns how many still have blocks. */
static uint32_t trim_abandoned(struct owner *owner, unsigned class, bool *given)
{
    struct span *span = ward_pool_pop_all_(POOL_ABANDONED, class), *next;
    uint32_t left = 0;

    for (; span; span = next) {
        next = span->next;
        ward_span_own_(owner, span);
        if (is_unused(owner, span)) {
            ward_span_release_(owner, span);
            *given = true;
            continue;
        }
        ward_span_disown_(owner, span);
        ward_pool_push_(POOL_ABANDONED, span);
        left++;
    }
    return left;
}

bool ward_trim_(struct owner *owner, size_t leave)
{
    bool given = trim_own(owner);

    for (unsigned class = 0; class < CLASS_SMALL; class ++)
        (void)trim_abandoned(owner, class, &given);
    given |= ward_mapped_trim_();
    return ward_kept_trim_(leave) || given;
}

/* --- By amount -------------------------------------------------------------------------------- */

enum { SPANS_LEAST = 4 };

static struct {
    _Atomic uint32_t freed, due;
} orphans[CLASS_SMALL];

void ward_trim_orphan_(unsigned class)
{
    uint32_t slots = ward_root_.classes[class].slots, left;
    struct owner *owner = ward_owner_;
    bool given = false;

    if (atomic_fetch_add(&orphans[class].freed, 1) < atomic_load(&orphans[class].due) ||
        owner->number == UINT32_MAX)
        return;
    atomic_store(&orphans[class].freed, 0);
    left = trim_abandoned(owner, class, &given) / 2;
    atomic_store(&orphans[class].due, (left < SPANS_LEAST ? SPANS_LEAST : left) * slots);
}
