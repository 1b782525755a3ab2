/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "core/bits.h"
#include "pool.h"
#include "slow.h"
#include "states.h"
#include "status.h"

enum { POPULATE_MAX = 4096 }; /* bytes of a slot */

static struct span *adopt(struct owner *owner, unsigned class)
{
    struct span *span = ward_pool_pop_(POOL_ABANDONED, class);

    if (span) {
        ward_span_own_(owner, span);
        ward_remote_fold_apart_(owner, span);
    }
    return span;
}

/* What is asked of the system at once: as much again as the span has, and all of it if the thread
 * filled another one before. */
static uint32_t extension(const struct class_info *info, const struct span *span, bool growing)
{
    uint32_t more = growing ? info->slots : span->fresh, page = (uint32_t)ward_root_.page;

    more = more * info->bytes < page ? page / info->bytes : more;
    more = more < 8 ? 8 : more;
    return info->slots - span->fresh < more ? info->slots - span->fresh : more;
}

/* Small slots are written soon after they are issued: their pages are faulted in together. */
static void extend(const struct class_info *info, struct span *span, bool growing)
{
    uint32_t more = extension(info, span, growing);
    size_t from = round_up((size_t)span->fresh * info->bytes, ward_root_.page);
    size_t to = round_up((size_t)(span->fresh + more) * info->bytes, ward_root_.page);

    ward_status_use_((size_t)more * info->bytes);
    span->free += more;
    span->fresh += more;
    if (info->bytes <= POPULATE_MAX && to > from + ward_root_.page) {
        int error = ward_host_advise(span->base + from, to - from, WARD_HOST_POPULATE);

        (void)error; /* then they are faulted in one by one */
    }
}

/* Is it worth issuing from? A span with a few free slots rests until there are more: what finding
 * them costs is shared by many blocks, and there is something to choose from. */
static bool has_enough(const struct class_info *info, const struct span *span)
{
    return span->free >= info->enough || span->fresh < info->slots;
}

/* A span with enough free slots, or one that can be extended. */
static struct span *obtain(struct owner *owner, unsigned class)
{
    struct span *span = owner->partial[class];

    if (span) {
        ward_span_unlist_(owner, span);
        return span;
    }
    while ((span = adopt(owner, class)))
        if (has_enough(&ward_root_.classes[class], span))
            return span;
    span = ward_pool_pop_(POOL_EMPTY, class);
    if (!span)
        span = ward_pool_make_(class);
    if (span) {
        ward_pool_unkeep_(span->kept);
        span->kept = 0;
        ward_span_own_(owner, span);
    }
    return span;
}

/* For choices among 64 slots: odd, as they are multiplied on. */
static uint64_t draw_turns(struct owner *owner)
{
    if (!(ward_root_.policy & POLICY_RANDOM))
        return 1;
    return ward_random_word_(&owner->random, ward_root_.fork_word) | 1;
}

/* Takes the free ones of 64 slots into the hand, which is empty. */
static bool hold(struct owner *owner, struct span *span, uint32_t word)
{
    const struct class_info *info = &ward_root_.classes[span->class];
    struct hand *hand = &owner->hands[span->class];
    uint32_t from = word * 64, count = span->fresh - from, taken;

    hand->span = span;
    hand->states = &span->states[from];
    hand->base = span->base + (size_t)from * info->bytes;
    hand->bytes = info->bytes;
    hand->bits = states_free(hand->states, count < 64 ? count : 64);
    hand->turns = draw_turns(owner);
    taken = count_bits(hand->bits);
    span->free -= taken;
    owner->held[span->class] += taken;
    ward_span_watch_(span);
    hand_advance(hand, ward_root_.policy);
    return hand->block != NULL;
}

/* The word after the one that was issued from last. */
static uint32_t next_word(const struct owner *owner, struct span *span)
{
    const struct hand *hand = &owner->hands[span->class];

    return hand->span == span ? (uint32_t)(hand->states - span->states) / 64 + 1 : 0;
}

/* The same with the next that has any: by policy from a random one on. */
static bool seek(struct owner *owner, struct span *span)
{
    uint32_t words = (span->fresh + 63) / 64, from = next_word(owner, span);

    if (span->free == 0)
        return false;
    if (ward_root_.policy & POLICY_RANDOM)
        from = ward_random_below_(&owner->random, ward_root_.fork_word, words);
    for (uint32_t i = 0; i < words; i++)
        if (hold(owner, span, (from + i) % words))
            return true;
    return false;
}

static bool issue_from(struct owner *owner, const struct class_info *info, struct span *span,
                       bool growing)
{
    if (!span->base || !has_enough(info, span))
        return false;
    if (span->free < info->enough)
        extend(info, span, growing);
    return seek(owner, span);
}

/* Memory is short: any free slot will do. */
static bool scrape(struct owner *owner, unsigned class)
{
    for (struct span *span = owner->owned; span; span = span->next_owned)
        if (span->class == class && seek(owner, span))
            return true;
    return false;
}

/* Sees to it that there is a free slot at hand. */
bool ward_hand_refill_(struct owner *owner, unsigned class)
{
    const struct class_info *info = &ward_root_.classes[class];
    struct span *span = owner->hands[class].span;
    bool growing = false;

    if (owner->hands[class].block)
        return true;
    ward_remote_fold_queue_(owner);
    if (span->free >= info->enough && seek(owner, span))
        return true;
    ward_remote_fold_all_(owner);
    while (!issue_from(owner, info, span, growing)) {
        growing = span->base != NULL;
        if (growing)
            ward_span_watch_(span);
        span = obtain(owner, class);
        if (!span)
            return scrape(owner, class);
        owner->hands[class].span = span;
    }
    return true;
}

/* What is at hand goes back to its span. */
void ward_hand_put_back_(struct owner *owner, struct hand *hand)
{
    uint32_t left = 1 + count_bits(hand->bits);

    if (!hand->block)
        return;
    hand->span->free += left;
    owner->held[hand->span->class] -= left;
    hand->block = NULL;
    hand->bits = 0;
}
