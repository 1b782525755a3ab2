/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "core/bits.h"
#include "kept.h"
#include "pool.h"
#include "slow.h"
#include "states.h"
#include "status.h"

enum {
    POPULATE_MAX = 4096,    /* bytes of a slot */
    EXTEND_LEAST = 32 << 10 /* bytes of slots */
};

static struct span *adopt(struct owner *owner, unsigned class)
{
    struct span *span = ward_pool_pop_(POOL_ABANDONED, class);

    if (span) {
        ward_span_own_(owner, span);
        ward_remote_fold_apart_(owner, span);
    }
    return span;
}

/* Eight slots to go through; or, where one is chosen and cleared, fewer large ones: each that was
 * issued once keeps its pages. */
static uint32_t least_extension(const struct class_info *info)
{
    uint32_t slots = EXTEND_LEAST / info->bytes;

    if (slots > 8 || !(ward_root_.policy & POLICY_RANDOM))
        return 8;
    return slots ? slots : 1;
}

/* What is asked of the system at once: as much again as the span has, and all of it if the thread
 * filled another one before. */
static uint32_t extension(const struct class_info *info, const struct span *span, bool growing)
{
    uint32_t more = growing ? info->slots : span->fresh, page = (uint32_t)ward_root_.page;
    uint32_t least = least_extension(info);

    more = more * info->bytes < page ? page / info->bytes : more;
    more = more < least ? least : more;
    return info->slots - span->fresh < more ? info->slots - span->fresh : more;
}

/* Small slots are written soon after they are issued: their pages are faulted in together. */
static void populate(const struct span *span, size_t from, size_t to)
{
    if (from < span->paged)
        from = round_up(span->paged, ward_root_.page);
    if (to > from + ward_root_.page) /* else it is left to the first write */
        (void)!ward_host_advise(span->base + from, to - from, WARD_HOST_POPULATE);
}

/* Where there were blocks before, a stale pointer may write until there are some again: to look
 * then costs little, as the pages are there. */
static void look_again(struct span *span, uint32_t more)
{
    if (span->closed)
        for (uint32_t slot = span->fresh; slot < span->fresh + more && slot < span->reached; slot++)
            STORE(&span->states[slot], SLOT_FREE);
}

static bool extend(const struct class_info *info, struct span *span, bool growing)
{
    uint32_t more = extension(info, span, growing);
    size_t from = round_up((size_t)span->fresh * info->bytes, ward_root_.page);
    size_t to = round_up((size_t)(span->fresh + more) * info->bytes, ward_root_.page);

    if (!ward_kept_reopen_(span, from, to))
        return false;
    ward_kept_use_((size_t)more * info->bytes);
    if (info->bytes <= POPULATE_MAX) {
        populate(span, from, to);
        look_again(span, more);
    }
    span->free += more;
    POKE(span->fresh, span->fresh + more);
    return true;
}

/* Is it worth going back to? A span with a few free slots rests until there are more: what finding
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
    span = ward_pool_take_(class);
    if (!span)
        span = ward_pool_make_(class);
    if (span) {
        ward_kept_sub_(span->kept);
        span->paged = (uint32_t)span->kept;
        POKE(span->kept, 0);
        ward_span_own_(owner, span);
    }
    return span;
}

/* For the choices of a hand: odd, as they are multiplied on. */
static uint64_t draw_turns(struct owner *owner)
{
    if (!(ward_root_.policy & POLICY_RANDOM))
        return 1;
    return ward_random_word_(&owner->random, ward_root_.fork_word) | 1;
}

/* Which of 64 slots are free. */
static uint64_t look(const struct span *span, uint32_t word)
{
    uint32_t from = word * 64, count = span->fresh - from;

    return states_free(&span->states[from], count < 64 ? count : 64);
}

/* Takes them into the hand, which is empty. */
static void hold(struct owner *owner, struct span *span, uint32_t word, uint64_t bits)
{
    const struct class_info *info = &ward_root_.classes[span->class];
    struct hand *hand = &owner->hands[span->class];
    uint32_t from = word * 64, taken = count_bits(bits);

    hand->span = span;
    hand->states = &span->states[from];
    hand->base = span->base + (size_t)from * info->bytes;
    hand->bytes = info->bytes;
    hand->bits = bits;
    hand->turns = draw_turns(owner);
    span->free -= taken;
    owner->held[span->class] += taken;
    ward_span_watch_(span);
    hand_advance(hand, ward_root_.policy);
}

static uint32_t words_of(const struct span *span)
{
    return (span->fresh + 63) / 64;
}

/* The word that was issued from last; of another span than the hand's the last of all, so that the
 * first is next. */
static uint32_t last_word(const struct hand *hand, const struct span *span)
{
    return hand->span == span ? (uint32_t)(hand->states - span->states) / 64 : words_of(span) - 1;
}

/* Takes the next that are free. */
static bool seek(struct owner *owner, struct span *span)
{
    uint32_t words = words_of(span), last = last_word(&owner->hands[span->class], span);

    if (span->free == 0)
        return false;
    for (uint32_t i = 1; i <= words; i++) {
        uint32_t word = (last + i) % words;
        uint64_t bits = look(span, word);

        if (bits) {
            hold(owner, span, word, bits);
            return true;
        }
    }
    return false;
}

/* A span that has enough is gone through, by policy from a random place on: 64 slots as often as it
 * has such, whatever is left of it meanwhile. Then it must have enough again. Each hand gets its
 * share of what was free at first, and a span that is full but for a few slots is not asked for
 * them one by one. */
static void begin_sweep(struct owner *owner, struct span *span)
{
    struct hand *hand = &owner->hands[span->class];
    uint32_t last = last_word(hand, span);

    if (ward_root_.policy & POLICY_RANDOM)
        last = ward_random_below_(&owner->random, ward_root_.fork_word, words_of(span));
    hand->span = span;
    hand->states = &span->states[(size_t)last * 64];
    hand->left = words_of(span);
}

static bool sweep(struct owner *owner, const struct class_info *info, struct span *span)
{
    struct hand *hand = &owner->hands[info - ward_root_.classes];

    if (hand->left == 0 && span->free >= info->enough)
        begin_sweep(owner, span);
    if (hand->left == 0)
        return false;
    hand->left--;
    return seek(owner, span);
}

static bool issue_from(struct owner *owner, const struct class_info *info, struct span *span,
                       bool growing)
{
    if (!span->base || !has_enough(info, span))
        return false;
    if (span->free < info->enough && !extend(info, span, growing))
        return false;
    begin_sweep(owner, span);
    return sweep(owner, info, span);
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
    if (sweep(owner, info, span))
        return true;
    ward_remote_fold_all_(owner);
    while (!issue_from(owner, info, span, growing)) {
        growing = span->base != NULL;
        if (growing)
            ward_span_watch_(span);
        span = obtain(owner, class);
        if (!span)
            return scrape(owner, class);
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
    hand_empty(hand);
    hand->bits = 0;
}
