/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "big.h"
#include "door.h"
#include "kept.h"
#include "mapped.h"
#include "memory.h"
#include "owner.h"
#include "pool.h"
#include "quarantine.h"
#include "report.h"
#include "shared.h"
#include "slow.h"
#include "start.h"
#include "status.h"

/* --- What of a span is open ------------------------------------------------------------------- */

/* As much as can be, with a guard behind. */
static size_t most_open(const struct class_info *info)
{
    return ((size_t)1 << info->pitch_log2) - ward_root_.page;
}

/* Where the range is committed. Markers beyond `was` stay from larger blocks, or from one that a
 * fork cut off. */
static bool move_guard(struct span *span, size_t was, size_t open)
{
    if (span->split && !ward_memory_unguard_(span->base + was, ward_root_.page))
        return false;
    span->split = false;
    if (was < open && !ward_memory_unmark_(span->base + was, open - was))
        return false;
    span->split = ward_memory_guard_(span->base + open, ward_root_.page);
    return true;
}

/* The first `open` bytes of the span can be touched from now on, and what is right behind cannot.
 * In a class whose range is committed a guard does that. What is behind reads as zero when it can
 * be touched again, unless a stray write went there past the guard. */
static bool set_open(struct span *span, size_t open)
{
    bool committed = ward_root_.classes[span->class].committed, done;
    unsigned char *base = span->base;
    size_t was = span->open;

    if (was == open && !span->unsure)
        return true;
    span->unsure = committed; /* a fork may cut this off: whoever has the span next does it again */
    if (was > open) { /* first, as a fork may cut this off: nothing that counts as open is closed */
        POKE(span->open, open);
        atomic_signal_fence(memory_order_seq_cst);
        ward_memory_release_(base + open, was - open);
    }
    if (committed)
        done = move_guard(span, was, open);
    else
        done = was < open ? ward_memory_open_(base + was, open - was)
                          : ward_memory_close_(base + open, was - open);
    POKE(span->open, done ? open : was);
    span->unsure = committed && !done;
    return done;
}

/* The same, but a guard may stay where it is, up to `spare` bytes farther behind: to move it costs
 * two calls of the system, and new pages for the next block. */
static bool fit_open(struct span *span, size_t open, size_t spare)
{
    if (ward_root_.policy & POLICY_LONG || span->unsure || span->open < open ||
        span->open - open > spare)
        return set_open(span, open);
    return true;
}

/* For a block that grows, and will again: a quarter more, of pages that nobody has touched. */
static bool open_ahead(struct span *span, size_t open)
{
    size_t most = most_open(&ward_root_.classes[span->class]),
           ahead = round_up(open + open / 4, ward_root_.page);

    if (ward_root_.policy & POLICY_LONG || span->open >= open)
        return false;
    return set_open(span, ahead < most ? ahead : most);
}

/* --- Allocating ------------------------------------------------------------------------------- */

/* Memory that was left clear and is not: never again. */
static bool is_bad(struct owner *owner, struct span *span)
{
    struct place place = { &ward_root_.classes[span->class], span, 0 };
    uint64_t turns = ward_random_word_(&owner->random, ward_root_.fork_word);

    if (!(ward_root_.policy & POLICY_ZERO) || span->kept == 0 ||
        ward_clear_seems_(span->base, span->kept, turns))
        return false;
    STORE(span->states, SLOT_RETIRED);
    ward_report_written_(span->base, &place);
    return true;
}

static struct span *take_span(struct owner *owner, unsigned class, size_t open)
{
    struct span *span = ward_pool_take_(class);

    if (!span)
        span = ward_pool_make_(class);
    if (!span)
        return NULL;
    ward_kept_sub_(span->kept);
    span->clean = span->kept == 0;
    if (is_bad(owner, span))
        return take_span(owner, class, open);
    POKE(span->kept, 0);
    /* The sizes of a class differ by a quarter; who grows will have more. */
    if (fit_open(span, open, owner->grows ? open : open / 4))
        return span;
    ward_memory_release_(span->base, span->open);
    ward_pool_give_(span);
    return NULL;
}

static void *alloc_span(struct owner *owner, unsigned class, size_t size)
{
    struct span *span = take_span(owner, class, pages_for(size));

    if (!span)
        return NULL;
    span->size = size;
    span->fresh = 1;
    STORE(span->states, SLOT_BIG);
    status_add(WARD_STATUS_BIG_ALLOCS, 1);
    ward_kept_use_(span->open);
    if (ward_root_.policy & POLICY_SLACK)
        slack_arm(span->base, size, span->open - size);
    return span->base;
}

static void *alloc(struct owner *owner, size_t size, size_t bytes, size_t align)
{
    unsigned class = bytes <= CLASS_MAX ? class_of(bytes) : CLASS_COUNT;
    void *block = NULL;

    class = class < CLASS_SMALL ? CLASS_SMALL : class;
    while (class < CLASS_COUNT && (size_t)1 << ward_root_.classes[class].pitch_log2 < align)
        class ++;
    if (align <= RESERVE_ALIGN && class < CLASS_COUNT && ward_root_.classes[class].spans)
        block = alloc_span(owner, class, size);
    return block ? block : ward_mapped_alloc_(owner, size, align);
}

/* What spans keep for others is better given back than no block. */
void *ward_big_alloc_(struct owner *owner, size_t size, size_t bytes, size_t align)
{
    void *block = alloc(owner, size, bytes, align);

    return block || !ward_kept_trim_(0) ? block : alloc(owner, size, bytes, align);
}

void *ward_big_move_(void *block, size_t size)
{
    size_t bytes = bytes_for(size);
    struct owner *owner;

    if (size > (size_t)PTRDIFF_MAX ||
        (bytes <= CLASS_MAX && ward_root_.classes[class_of(bytes)].spans))
        return NULL;
    owner = ward_owner_get_();
    return owner ? ward_mapped_resize_(owner, block, size) : NULL;
}

bool ward_big_is_clean_(const void *block)
{
    bool opened = door_open(POLICY_LOCK), clean;
    struct place place;

    clean = !find(block, &place) || place.span->clean;
    door_close(opened);
    return clean;
}

/* --- Freeing ---------------------------------------------------------------------------------- */

/* Pages that were written to are cleared in a small part of the time that new ones take; those that
 * were not would be asked for to see that they are clear. Above this that is looked at. */
enum { CLEAR_BYTES = 2 << 20 };

static bool may_clear(const struct span *span)
{
    size_t bytes = bytes_for(span->size);

    return bytes <= CLEAR_BYTES || ward_clear_is_dense_(span->base, bytes);
}

/* What waits long is closed. */
static size_t most_kept(void)
{
    return ward_root_.policy & POLICY_LONG ? CLEAR_BYTES : KEEP_BYTES;
}

/* Where each block is opened for itself the program may have closed its pages since. */
static bool is_open(const struct span *span)
{
    return ward_root_.classes[span->class].committed ||
           ward_host_protect(span->base, span->open, WARD_RW | WARD_HOST_KEEP_KEY) == 0;
}

/* What a block leaves: nothing, if the policy says so. */
static void clean(struct span *span)
{
    bool clear = (ward_root_.policy & POLICY_ZERO) != 0;

    if (span->open > most_kept() || !is_open(span) || (clear && !may_clear(span)) ||
        !ward_kept_add_(span, span->open)) {
        ward_kept_drop_(span);
        return;
    }
    if (clear) /* behind the canary nothing was ever written */
        slot_clear_used(span->base, span->open, span->open - span->size);
}

/* A big block that waits cannot be touched, or counts with its pages; of those that cannot, a
 * sixty-fourth counts: addresses are not what there is least of. */
enum { CLOSED_SHARE = 64 };

static void wait_long(struct span *span, size_t was_open)
{
    STORE(span->states, SLOT_WAITING);
    ward_quarantine_take_(ward_owner_, span->base,
                          span->kept ? span->kept : was_open / CLOSED_SHARE);
}

void ward_big_leave_(struct span *span)
{
    struct place place = { &ward_root_.classes[span->class], span, 0 };

    if (span->kept && !slot_is_clear(span->base, span->kept, CLASS_SMALL_MAX)) {
        STORE(span->states, SLOT_RETIRED);
        ward_kept_sub_(span->kept);
        ward_report_written_(span->base, &place);
    } else {
        STORE(span->states, SLOT_FREE);
        ward_pool_give_(span);
    }
}

/* A second free that races with the first finds another state. */
void ward_big_free_(const struct place *place)
{
    struct span *span = place->span;
    unsigned char *block = span->base;
    uint16_t live = SLOT_BIG;
    size_t open;

    if (!atomic_compare_exchange_strong(span->states, &live, SLOT_FREE)) {
        if (span->fresh)
            ward_report_(WARD_BUG_DOUBLE_FREE, block, place, "the block is free already");
        else
            ward_report_(WARD_BUG_WILD_FREE, block, NULL, "no block was ever there");
        return;
    }
    if (ward_root_.policy & POLICY_SLACK && !slack_is(block, span->size, span->open - span->size)) {
        STORE(span->states, SLOT_RETIRED);
        ward_report_overflow_(block, span->size, span->open - span->size);
        return;
    }
    open = span->open;
    status_unuse(open);
    clean(span);
    if (ward_root_.policy & POLICY_LONG && ward_owner_->number != UINT32_MAX)
        wait_long(span, open);
    else
        ward_pool_give_(span);
}

/* --- A live block ----------------------------------------------------------------------------- */

size_t ward_big_size_(const struct place *place)
{
    return LOAD(place->span->states) == SLOT_BIG ? place->span->size : SIZE_MAX;
}

uint8_t *ward_big_family_(const struct place *place)
{
    return place->slot == 0 && LOAD(place->span->states) == SLOT_BIG ? &place->span->family : NULL;
}

/* Would a block of that size be as well where the span is? What would do with a quarter of it, or
 * with a slot, moves. */
static bool stays(const struct class_info *class, size_t size)
{
    size_t bytes = bytes_for(size);

    return bytes > CLASS_SMALL_MAX && bytes > class->bytes / 4 &&
           pages_for(size) <= most_open(class);
}

static bool resize(struct span *span, size_t size)
{
    unsigned char *block = span->base;
    size_t was = span->size;
    bool resized;

    if (ward_root_.policy & POLICY_SLACK && !slack_is(block, was, span->open - was)) {
        ward_report_overflow_(block, was, span->open - was);
        return false;
    }
    status_unuse(span->open);
    resized = open_ahead(span, pages_for(size)) ||
              fit_open(span, pages_for(size), size < was ? span->open / 4 : SIZE_MAX);
    ward_kept_use_(span->open);
    if (!resized && span->open < pages_for(size)) /* else what could not be closed stays open */
        return false;
    span->size = size;
    slack_move(block, span->open, was, size);
    return true;
}

bool ward_big_resize_(const struct place *place, size_t size)
{
    uint16_t live = SLOT_BIG;
    bool resized;

    if (!stays(place->class, size) ||
        !atomic_compare_exchange_strong(place->span->states, &live, SLOT_RESIZED))
        return false;
    resized = resize(place->span, size);
    STORE(place->span->states, SLOT_BIG);
    return resized;
}

/* --- After a fork ----------------------------------------------------------------------------- */

/* A fork may have cut off the thread that set a guard without markers: the record does not say
 * where it is. The next block sets one, whatever its size. */
static bool forget_guard(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    if (!info->committed || !ward_memory_is_split_())
        return true;
    if (span->split)
        ward_memory_budget_give_();
    span->split = false;
    span->open = 0;
    return ward_host_protect(span->base, (size_t)1 << info->pitch_log2,
                             WARD_RW | WARD_HOST_KEEP_KEY) == 0;
}

void ward_big_inherit_(void)
{
    for (unsigned class = CLASS_SMALL; class < CLASS_COUNT; class ++) {
        uint32_t first = ward_root_.classes[class].first, end = ward_pool_end_(class);

        ward_pool_forget_(class);
        for (uint32_t number = first; number < end; number++) {
            struct span *span = pool_span(class, number);

            if (!shared_has(class, number) || LOAD(span->states) > SLOT_WAITING)
                continue;
            STORE(span->states, SLOT_FREE);
            (void)pool_name(class, number);
            if (!forget_guard(span))
                continue;
            span->kept = 0;
            if (ward_host_advise(span->base, most_open(&ward_root_.classes[class]),
                                 WARD_HOST_RELEASE))
                continue; /* nobody knows how much of it can be cleared: it is lost */
            ward_pool_give_(span);
        }
    }
}
