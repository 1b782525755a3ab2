/* SPDX-License-Identifier: MIT */
#include "big.h"
#include "kept.h"
#include "mapped.h"
#include "owner.h"
#include "pool.h"
#include "quarantine.h"
#include "shared.h"
#include "slow.h"
#include "status.h"

/* --- Lists of an owner ------------------------------------------------------------------------ */

static void list(struct owner *owner, struct span *span)
{
    span->before = NULL;
    span->next = owner->partial[span->class];
    if (span->next)
        span->next->before = span;
    owner->partial[span->class] = span;
    span->listed = true;
}

void ward_span_unlist_(struct owner *owner, struct span *span)
{
    if (span->next)
        span->next->before = span->before;
    if (span->before)
        span->before->next = span->next;
    else
        owner->partial[span->class] = span->next;
    span->listed = false;
}

/* A thread that is not here may have been cut off while it cleared a slot, or issued it. This is
 * not done in the fork itself: the child may go on to another program. */
static void mend(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    for (uint32_t slot = 0; slot < span->fresh; slot++) {
        unsigned char *block = span->base + (size_t)slot * info->bytes;

        if (LOAD(&span->states[slot]) <= SLOT_FREE &&
            !slot_is_clear(block, info->bytes, CLASS_SMALL_MAX))
            slot_clear(block, info->bytes, CLASS_SMALL_MAX);
    }
    span->torn = false;
}

void ward_span_own_(struct owner *owner, struct span *span)
{
    if (WARD_UNLIKELY(span->torn))
        mend(span);
    span->before_owned = NULL;
    span->next_owned = owner->owned;
    if (span->next_owned)
        span->next_owned->before_owned = span;
    owner->owned = span;
    owner->owned_spans++;
    STORE(&span->owner, owner->number);
}

void ward_span_disown_(struct owner *owner, struct span *span)
{
    if (span->next_owned)
        span->next_owned->before_owned = span->before_owned;
    if (span->before_owned)
        span->before_owned->next_owned = span->next_owned;
    else
        owner->owned = span->next_owned;
    owner->owned_spans--;
    STORE(&span->owner, 0);
}

/* When a push has to look up: when there are enough free slots, then when all are free. */
void ward_span_watch_(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    span->notice = span->free < info->enough ? info->enough : info->slots;
}

/* --- Spans without a block -------------------------------------------------------------------- */

/* Of the pages it keeps: also those that it kept before and nobody used since. */
static size_t empty(struct span *span)
{
    size_t used = (size_t)span->fresh * ward_root_.classes[span->class].bytes;

    status_unuse(used);
    POKE(span->kept, used > span->paged ? used : span->paged);
    span->reached = span->reached > span->fresh ? span->reached : span->fresh;
    POKE(span->fresh, 0);
    span->free = 0;
    return span->kept;
}

void ward_span_release_(struct owner *owner, struct span *span)
{
    ward_span_disown_(owner, span);
    if (!ward_kept_add_(span, empty(span)))
        ward_kept_drop_(span);
    ward_pool_give_(span);
}

void ward_span_clear_out_(struct span *span)
{
    (void)empty(span);
    ward_kept_drop_(span);
    span->paged = 0;
    ward_span_watch_(span);
}

/* One empty span of a class is kept in its list: a program that frees and allocates the same few
 * blocks does not pay for pages each time. */
void ward_span_changed_(struct owner *owner, struct span *span)
{
    ward_span_watch_(span);
    if (span == owner->hands[span->class].span)
        return;
    if (!span->listed) {
        list(owner, span);
    } else if (span->free == ward_root_.classes[span->class].slots &&
               (span->next || span->before)) {
        ward_span_unlist_(owner, span);
        ward_span_release_(owner, span);
    }
}

/* --- An owner that ends ----------------------------------------------------------------------- */

void ward_span_abandon_(struct owner *owner)
{
    struct span *span, *next;

    if (ward_root_.policy & POLICY_LONG)
        ward_quarantine_empty_(owner);
    ward_span_vacate_(owner);
    ward_remote_fold_queue_(owner);
    for (unsigned class = 0; class < CLASS_SMALL; class ++) {
        ward_hand_put_back_(owner, &owner->hands[class]);
        owner->partial[class] = NULL;
    }
    for (span = owner->owned; span; span = next) {
        next = span->next_owned;
        ward_remote_fold_apart_(owner, span);
        if (span->free == span->fresh) {
            ward_span_release_(owner, span);
            continue;
        }
        ward_span_disown_(owner, span);
        ward_pool_push_(POOL_ABANDONED, span);
    }
    owner->looked_spans = 0;
}

/* --- A forked child --------------------------------------------------------------------------- */

/* What waited in a quarantine that is no more is free, and what others freed: a fold may have been
 * cut off. No other thread is there to free more meanwhile. */
static void rebuild(struct span *span, const struct class_info *info)
{
    _Atomic uint16_t *states = span->states;

    for (uint32_t word = 0; word < info->words; word++)
        STORE(&pending_of(span, info)[word], 0);
    span->free = 0;
    for (uint32_t slot = 0; slot < span->fresh; slot++) {
        uint32_t state = LOAD(&states[slot]);

        if (state == SLOT_WAITING || state == SLOT_PENDING)
            STORE(&states[slot], SLOT_FREE);
        span->free += state < SLOT_RETIRED;
    }
    span->torn = (ward_root_.policy & POLICY_ZERO) != 0;
}

static void inherit(unsigned class, uint32_t number)
{
    const struct class_info *info = &ward_root_.classes[class];
    struct span *span = pool_name(class, number);

    span->listed = false;
    STORE(&span->owner, 0);
    rebuild(span, info);
    if (span->fresh == 0 && !ward_pool_reopen_(span))
        return;
    if (span->free == span->fresh) {
        ward_kept_inherit_span_(span);
        ward_pool_give_(span);
    } else {
        span->kept = 0;
        ward_pool_push_(POOL_ABANDONED, span);
    }
}

void ward_span_inherit_(const struct owner *self)
{
    if (ward_root_.policy & POLICY_LONG)
        ward_quarantine_inherit_(self);
    ward_kept_inherit_();
    for (unsigned class = 0; class < CLASS_SMALL; class ++) {
        uint32_t first = ward_root_.classes[class].first, end = ward_pool_end_(class);

        ward_pool_forget_(class);
        for (uint32_t number = first; number < end; number++) {
            struct span *span = pool_span(class, number);

            if (!shared_has(class, number))
                continue;
            atomic_store(&span->queued, 0);
            if (LOAD(&span->owner) != self->number)
                inherit(class, number);
        }
    }
    ward_big_inherit_();
    ward_mapped_inherit_();
}
