/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "slow.h"
#include "trim.h"

static void fold_slot(struct owner *owner, const struct place *place)
{
    if (LOAD(state_at(place)) == SLOT_PENDING)
        span_push(owner, place->span, state_at(place));
    else
        ward_report_(WARD_BUG_DOUBLE_FREE, block_at(place), place,
                     "the block was freed by two threads");
}

static void fold(struct owner *owner, struct span *span)
{
    struct place place = { &ward_root_.classes[span->class], span, 0 };
    _Atomic uint64_t *pending = pending_of(span, place.class);

    /* The last slot may give the span away. */
    for (uint32_t word = 0; word < place.class->words && LOAD(&span->owner) == owner->number;
         word++) {
        uint64_t bits = LOAD(&pending[word]) ? atomic_exchange(&pending[word], 0) : 0;

        for (; bits; bits &= bits - 1) {
            place.slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
            fold_slot(owner, &place);
        }
    }
}

/* The same, and the span stays whose it is and out of the lists, however many slots get free. */
void ward_remote_fold_apart_(struct owner *owner, struct span *span)
{
    span->next = span->before = NULL;
    span->listed = true;
    fold(owner, span);
    span->listed = false;
    ward_span_watch_(span);
}

/* Whoever adopts a span that is nobody's looks at it. */
static void enqueue(struct span *span)
{
    uint32_t number = LOAD(&span->owner);
    _Atomic(struct span *) *queue = &ward_root_.owners[number].queue;
    struct span *top;

    if (number == 0) {
        atomic_store(&span->queued, 0);
        ward_trim_orphan_(span->class);
        return;
    }
    top = atomic_load(queue);
    do
        atomic_store(&span->queue, top);
    while (!atomic_compare_exchange_weak(queue, &top, span));
}

/* Folds what was queued for this owner. A span that changed hands meanwhile goes to its new one. */
void ward_remote_fold_queue_(struct owner *owner)
{
    struct span *span = LOAD(&owner->queue) ? atomic_exchange(&owner->queue, NULL) : NULL, *next;

    for (; span; span = next) {
        next = atomic_load(&span->queue);
        atomic_store(&span->queued, 0);
        if (LOAD(&span->owner) == owner->number)
            fold(owner, span);
        else if (!atomic_exchange(&span->queued, 1))
            enqueue(span);
    }
}

/* Queues are a hint, which a thread that ends, or a fork, can lose. So all spans are looked at each
 * time there are half as many again. */
void ward_remote_fold_all_(struct owner *owner)
{
    if (owner->owned_spans < owner->looked_spans + owner->looked_spans / 2 + 4)
        return;
    for (struct span *span = owner->owned, *next; span; span = next) {
        next = span->next_owned; /* an empty one leaves the list */
        fold(owner, span);
    }
    owner->looked_spans = owner->owned_spans;
}

/* The slot was in state `was`. Of two threads that free it one finds another state. */
void ward_remote_free_(unsigned char *block, const struct place *place, uint32_t was)
{
    _Atomic uint64_t *pending = &pending_of(place->span, place->class)[place->slot / 64];
    uint64_t bit = UINT64_C(1) << place->slot % 64;
    uint16_t state = (uint16_t)was;

    if (!atomic_compare_exchange_strong(state_at(place), &state, SLOT_PENDING)) {
        ward_report_(WARD_BUG_DOUBLE_FREE, block, place, "the block was freed by two threads");
        return;
    }
    if (ward_root_.policy & POLICY_ZERO)
        slot_clear(block, place->class->bytes, CLASS_SMALL_MAX);
    if (atomic_fetch_or(pending, bit) & bit)
        ward_report_(WARD_BUG_DOUBLE_FREE, block, place, "the block was freed by two threads");
    else if (!LOAD(&place->span->queued) && !atomic_exchange(&place->span->queued, 1))
        enqueue(place->span);
}
