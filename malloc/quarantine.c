/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "quarantine.h"
#include "start.h"

static struct waiting *queue_of(const struct owner *owner)
{
    return (struct waiting *)(void *)(ward_root_.queues + owner->number * sizeof(struct waiting));
}

bool ward_quarantine_start_(void)
{
    ward_root_.queues = ward_reserve_(ward_root_.owners_most * sizeof(struct waiting), WARD_NONE);
    return ward_root_.queues != NULL;
}

/* False: there is no memory for it. */
static bool is_ready(struct owner *owner)
{
    unsigned char *at = ward_root_.queues + owner->number * sizeof(struct waiting);
    uintptr_t past = (uintptr_t)at & (ward_root_.page - 1);

    if (!owner->queue_ready)
        owner->queue_ready =
            ward_host_protect(at - past, round_up(past + sizeof(struct waiting), ward_root_.page),
                              WARD_RW) == 0;
    return owner->queue_ready;
}

static void leave(struct owner *owner, const struct waiter *waiter)
{
    if (ward_root_.classes[waiter->span->class].slots == 1)
        ward_big_leave_(waiter->span);
    else
        ward_span_leave_(owner, waiter->span, waiter->slot);
}

static void oldest_leaves(struct owner *owner, struct waiting *queue)
{
    struct waiter waiter = queue->waiters[queue->first];

    queue->first = (queue->first + 1) % QUEUE_SEATS;
    queue->count--;
    queue->bytes -= waiter.bytes;
    if (waiter.span)
        leave(owner, &waiter);
}

void ward_quarantine_take_(struct owner *owner, struct span *span, uint32_t slot, size_t bytes)
{
    struct waiter waiter = { span, slot, (uint32_t)bytes };
    struct waiting *queue = queue_of(owner);

    if (!is_ready(owner)) {
        leave(owner, &waiter);
        return;
    }
    while (queue->count == QUEUE_SEATS || (queue->count && queue->bytes + bytes > QUEUE_BYTES))
        oldest_leaves(owner, queue);
    queue->waiters[(queue->first + queue->count) % QUEUE_SEATS] = waiter;
    queue->count++;
    queue->bytes += bytes;
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

        if (waiter->span && LOAD(&waiter->span->owner) != self->number)
            waiter->span = NULL;
    }
}
