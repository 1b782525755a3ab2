/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "big.h"
#include "guarded.h"
#include "heap.h"
#include "owner.h"
#include "pool.h"
#include "quarantine.h"
#include "report.h"
#include "sample.h"
#include "slow.h"

/* The slot that was chosen may not be issued: says why, and chooses another. */
static void bad_slot(struct hand *hand)
{
    struct place place = { &ward_root_.classes[hand->span->class], hand->span, 0 };
    uint32_t state = LOAD(hand->state);

    place.slot = (uint32_t)(hand->state - place.span->states);
    hand_advance(hand, ward_root_.policy);
    retire(&place);
    if (state == SLOT_PENDING)
        ward_report_(WARD_BUG_DOUBLE_FREE, block_at(&place), &place,
                     "the block was freed by two threads");
    else if (state > SLOT_FREE)
        ward_report_(WARD_BUG_METADATA, state_at(&place), &place,
                     "a slot on the free list is not free");
    else
        ward_report_written_(block_at(&place), &place);
}

/* As the fast path, with time to look. NULL: take another slot. */
static void *try(struct hand *hand, size_t size)
{
    if (hand_is_fit(hand, ward_root_.policy, CLASS_SMALL_MAX))
        return hand_issue(hand, ward_root_.policy, size);
    bad_slot(hand);
    return NULL;
}

/* A block at its own guard page, by policy. Who wants more alignment than malloc's is not served
 * here: he asks for more bytes than there must be, or his blocks are as wide as they are aligned.
 */
static void *alloc_guarded(struct owner *owner, size_t size, size_t bytes)
{
    if (bytes != bytes_for(size))
        return NULL;
    if (ward_root_.policy & POLICY_PAGES)
        return ward_guarded_page_(size, CLASS_STEP);
    return bytes <= CLASS_SMALL_MAX && sample_is_due(owner) ? ward_sample_alloc_(owner, size)
                                                            : NULL;
}

static void *alloc(struct owner *owner, size_t size, size_t bytes)
{
    void *block = NULL;
    unsigned class;

    if (ward_root_.policy & (POLICY_PAGES | POLICY_SAMPLE))
        block = alloc_guarded(owner, size, bytes);
    if (block)
        return block;
    if (bytes > CLASS_SMALL_MAX)
        return ward_big_alloc_(owner, size, bytes, ward_root_.page);
    class = ward_pool_serving_(class_of(bytes));
    while (!block && ward_hand_refill_(owner, class))
        block = try(&owner->hands[class], size);
    return block;
}

/* Memory ran out: what waits in the quarantine is better than none. A request that it could not
 * serve anyway does not empty it, so that nobody empties it by asking for too much. */
static void *alloc_of_waiting(struct owner *owner, size_t size, size_t bytes)
{
    if (!(ward_root_.policy & POLICY_LONG) || bytes > QUEUE_BYTES)
        return NULL;
    ward_quarantine_empty_(owner);
    return alloc(owner, size, bytes);
}

/* The caller of the very first block did not know the policy yet, nor that there is a door. */
void *ward_span_alloc_slow_(size_t size, size_t bytes)
{
    struct owner *owner = ward_owner_get_();
    void *block = NULL;

    if (bytes <= size) {
        if (WARD_UNLIKELY(bytes == size && ward_root_.policy & POLICY_RARE)) /* not by overflow */
            return ward_heap_alloc_unusual_(size);
        bytes = bytes_for(size);
    }
    if (owner && size < (size_t)PTRDIFF_MAX && bytes <= (size_t)PTRDIFF_MAX) {
        block = alloc(owner, size, bytes);
        if (!block)
            block = alloc_of_waiting(owner, size, bytes);
    }
    if (!block)
        errno = ENOMEM;
    return block;
}
