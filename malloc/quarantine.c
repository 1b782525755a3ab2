/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "big.h"
#include "quarantine.h"
#include "report.h"
#include "slow.h"
#include "start.h"

enum { SHARE = 16 /* of a short address space, what the queues may have */ };

static struct waiting *queue_of(const struct owner *owner)
{
    return (struct waiting *)(void *)(ward_root_.queues + owner->number * sizeof(struct waiting));
}

bool ward_quarantine_start_(void)
{
    size_t room = ward_root_.shared.bytes / SHARE / sizeof(struct waiting);

    ward_root_.queues_most = ward_root_.owners_most;
    if (ward_root_.shared.bytes && ward_root_.queues_most > room)
        ward_root_.queues_most = (uint32_t)room;
    ward_root_.queues = ward_reserve_(ward_root_.queues_most * sizeof(struct waiting), WARD_NONE);
    return ward_root_.queues != NULL;
}

/* False: there is no memory for it. */
static bool is_ready(struct owner *owner)
{
    unsigned char *at = ward_root_.queues + owner->number * sizeof(struct waiting);
    uintptr_t past = (uintptr_t)at & (ward_root_.page - 1);

    if (!owner->queue_ready && owner->number < ward_root_.queues_most)
        owner->queue_ready =
            ward_host_protect(at - past, round_up(past + sizeof(struct waiting), ward_root_.page),
                              WARD_RW | WARD_HOST_KEEP_KEY) == 0;
    return owner->queue_ready;
}

/* --- Leaving ---------------------------------------------------------------------------------- */

static WARD_COLD void report_bad(const struct place *place)
{
    if (LOAD(state_at(place)) != SLOT_WAITING) {
        ward_report_(WARD_BUG_DOUBLE_FREE, block_at(place), place,
                     "the block was freed by two threads");
        return;
    }
    retire(place);
    ward_report_written_(block_at(place), place);
}

static void leave_slot(struct owner *owner, unsigned char *block, const struct place *place)
{
    if (WARD_UNLIKELY(LOAD(state_at(place)) != SLOT_WAITING ||
                      !slot_is_clear(block, place->class->bytes, CLASS_SMALL_MAX)))
        report_bad(place);
    else if (WARD_LIKELY(LOAD(&place->span->owner) == owner->number))
        span_push(owner, place->span, state_at(place));
    else
        ward_remote_free_(block, place, SLOT_WAITING);
}

WARD_INLINE void oldest_leaves(struct owner *owner, struct waiting *queue)
{
    struct waiter waiter = queue->waiters[queue->first];
    struct place place;

    queue->first = (queue->first + 1) % QUEUE_SEATS;
    queue->count--;
    queue->bytes -= waiter.bytes;
    if (!waiter.block || !find(waiter.block, &place))
        return;
    if (WARD_UNLIKELY(place.class->slots == 1))
        ward_big_leave_(place.span);
    else
        leave_slot(owner, waiter.block, &place);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* What leaves so many turns from now left the caches long ago: it is asked for ahead. */
enum { AHEAD = 6 };

WARD_INLINE void take(struct owner *owner, unsigned char *block, size_t bytes)
{
    struct waiting *queue = queue_of(owner);

    while (queue->count == QUEUE_SEATS || (queue->count && queue->bytes + bytes > QUEUE_BYTES))
        oldest_leaves(owner, queue);
    queue->waiters[(queue->first + queue->count) % QUEUE_SEATS] = (struct waiter){ block, bytes };
    queue->count++;
    queue->bytes += bytes;
    __builtin_prefetch(queue->waiters[(queue->first + AHEAD) % QUEUE_SEATS].block);
}

void ward_quarantine_take_(struct owner *owner, unsigned char *block, size_t bytes)
{
    struct place place;

    if (is_ready(owner))
        take(owner, block, bytes);
    else if (find(block, &place) && place.class->slots == 1)
        ward_big_leave_(place.span);
    else
        leave_slot(owner, block, &place);
}

/* Does the block say who allocated it? Most spans have none that does: malloc's do not. */
static bool has_family(const struct place *place, unsigned family)
{
    return family != FAMILY_ANY && (family != FAMILY_MALLOC || LOAD(&place->span->named));
}

bool ward_quarantine_free_(void *at, unsigned family)
{
    struct owner *owner = ward_owner_;
    unsigned char *block = at;
    uint32_t state, slack;
    struct place place;

    if (!owner->queue_ready || !find_in_ranges(block, &place) || place.slot == NO_SLOT)
        return false;
    state = LOAD(state_at(&place));
    slack = state - SLOT_LIVE;
    if (state < SLOT_LIVE || !slack_is(block, place.class->bytes - slack, slack))
        return false;
    if (has_family(&place, family))
        ward_rows_check_(block, family);
    slot_clear_used(block, place.class->bytes, slack);
    STORE(state_at(&place), SLOT_WAITING);
    take(owner, block, place.class->bytes);
    return true;
}

void ward_quarantine_empty_(struct owner *owner)
{
    struct waiting *queue = queue_of(owner);

    while (owner->queue_ready && queue->count)
        oldest_leaves(owner, queue);
}

void ward_quarantine_forget_(const struct owner *owner)
{
    if (!owner->queue_ready)
        return;
    queue_of(owner)->count = 0;
    queue_of(owner)->bytes = 0;
}

void ward_quarantine_inherit_(const struct owner *self)
{
    struct waiting *queue = queue_of(self);

    for (uint32_t i = 0; self->queue_ready && i < queue->count; i++) {
        struct waiter *waiter = &queue->waiters[(queue->first + i) % QUEUE_SEATS];
        struct place place;

        if (waiter->block && find(waiter->block, &place) &&
            LOAD(&place.span->owner) != self->number)
            waiter->block = NULL;
    }
}
