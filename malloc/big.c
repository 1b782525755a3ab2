/* SPDX-License-Identifier: MIT */

#include <ward/host.h>

#include "big.h"
#include "door.h"
#include "owner.h"
#include "pool.h"
#include "quarantine.h"
#include "report.h"
#include "shared.h"
#include "start.h"
#include "status.h"

/* Clearing more costs more than new pages do. */
enum { CLEAR_BYTES = 2 << 20 };

/* --- Spans ------------------------------------------------------------------------------------ */

/* Up to where a block of size bytes has its pages: one at least, as a guard at the base of a span
 * would not be taken away again. */
static size_t pages_of(size_t size)
{
    return round_up(size + (size == 0 || ward_root_.policy & POLICY_SLACK), ward_root_.page);
}

/* Where the range is committed. Markers beyond `was` stay from larger blocks, or from one that a
 * fork cut off. */
static bool move_guard(struct span *span, size_t was, size_t open)
{
    if (span->split && !ward_pool_unguard_(span->base + was, ward_root_.page))
        return false;
    span->split = false;
    if (was < open && !ward_pool_unmark_(span->base + was, open - was))
        return false;
    span->split = ward_pool_guard_(span->base + open, ward_root_.page);
    return true;
}

/* The first `open` bytes of the span can be touched from now on, and what is right behind cannot.
 * In a class whose range is committed a guard does that. What is behind reads as zero when it can
 * be touched again. */
static bool set_open(struct span *span, size_t open)
{
    size_t was = span->open;
    unsigned char *base = span->base;
    bool done;

    if (was == open)
        return true;
    if (was > open) { /* first, as a fork may cut this off: nothing that counts as open is closed */
        span->open = open;
        atomic_signal_fence(memory_order_seq_cst);
        ward_pool_release_(base + open, was - open);
    }
    if (ward_root_.classes[span->class].committed)
        done = move_guard(span, was, open);
    else
        done = was < open ? ward_pool_open_(base + was, open - was)
                          : ward_pool_close_(base + open, was - open);
    span->open = done ? open : was;
    return done;
}

static void count_block(size_t bytes)
{
    status_add(WARD_STATUS_BIG_ALLOCS, 1);
    ward_pool_use_(bytes);
}

/* Memory that was left clear and is not: never again. */
static bool is_bad(struct owner *owner, struct span *span, size_t kept)
{
    uint64_t turns = ward_random_word_(&owner->random, ward_root_.fork_word);

    if (!(ward_root_.policy & POLICY_ZERO) || kept == 0 ||
        ward_span_seems_clear_(span->base, kept, turns))
        return false;
    STORE(span->states, SLOT_RETIRED);
    ward_report_(WARD_BUG_WRITE_AFTER_FREE, span->base, NULL, "a free block was written to");
    return true;
}

static struct span *take_span(struct owner *owner, unsigned class, size_t open)
{
    struct span *span = ward_pool_take_(class);
    size_t kept;

    if (!span)
        span = ward_pool_make_(class);
    if (!span)
        return NULL;
    kept = span->kept;
    ward_pool_unkeep_(kept);
    span->kept = 0;
    span->clean = kept == 0;
    if (is_bad(owner, span, kept))
        return take_span(owner, class, open);
    if (set_open(span, open))
        return span;
    ward_pool_release_(span->base, span->open);
    ward_pool_give_(span);
    return NULL;
}

/* Nothing of it is open any more, where each block is opened for itself: or what was had once would
 * count against a limit that is set later. */
static void shut(struct span *span)
{
    size_t was = span->open;

    ward_pool_release_(span->base, was);
    if (ward_root_.classes[span->class].committed)
        return;
    span->open = 0; /* first: see set_open */
    atomic_signal_fence(memory_order_seq_cst);
    if (was && !ward_pool_close_(span->base, was))
        span->open = was;
}

/* What a block leaves: nothing, if the policy says so. */
static void clean(struct span *span)
{
    bool clear = (ward_root_.policy & POLICY_ZERO) != 0;

    if ((clear && span->open > CLEAR_BYTES) || !ward_pool_keep_(span, span->open)) {
        shut(span);
        return;
    }
    if (clear)
        memset(span->base, 0, span->open);
}

static void *alloc_span(struct owner *owner, unsigned class, size_t size)
{
    struct span *span = take_span(owner, class, pages_of(size));

    if (!span)
        return NULL;
    span->size = size;
    span->fresh = 1;
    STORE(span->states, SLOT_BIG);
    count_block(span->open);
    if (ward_root_.policy & POLICY_SLACK)
        slack_arm(span->base, size, span->open - size);
    return span->base;
}

/* A big block that waits cannot be touched, or counts with its pages; of those that cannot, a
 * sixty-fourth counts: addresses are not what there is least of. */
enum { CLOSED_SHARE = 64 };

static bool is_closed(const struct span *span)
{
    return span->kept == 0;
}

static void close(const struct span *span)
{
    if (ward_root_.classes[span->class].committed)
        (void)ward_pool_mark_(span->base, span->open);
    else
        (void)!ward_host_protect(span->base, span->open, WARD_NONE | WARD_HOST_KEEP_KEY);
}

/* Without markers it was not closed. */
static bool reopen(const struct span *span)
{
    if (ward_root_.classes[span->class].committed)
        return ward_pool_unmark_(span->base, span->open);
    return ward_host_protect(span->base, span->open, WARD_RW | WARD_HOST_KEEP_KEY) == 0;
}

static void wait_long(struct span *span, size_t was_open)
{
    size_t bytes = is_closed(span) ? was_open / CLOSED_SHARE : span->kept;

    STORE(span->states, SLOT_WAITING);
    if (is_closed(span))
        close(span);
    ward_quarantine_take_(ward_owner_, span->base, bytes);
}

void ward_big_leave_(struct span *span)
{
    struct place place = { &ward_root_.classes[span->class], span, 0 };

    if (is_closed(span) && !reopen(span)) {
        STORE(span->states, SLOT_RETIRED);
    } else if (!is_closed(span) && !slot_is_clear(span->base, span->kept, CLASS_SMALL_MAX)) {
        STORE(span->states, SLOT_RETIRED);
        ward_report_written_(span->base, &place);
    } else {
        STORE(span->states, SLOT_FREE);
        ward_pool_give_(span);
    }
}

/* A second free that races with the first finds another state. */
static void free_span(unsigned char *block, const struct place *place)
{
    struct span *span = place->span;
    uint16_t live = SLOT_BIG;
    size_t open;

    if (!atomic_compare_exchange_strong(span->states, &live, SLOT_FREE)) {
        ward_report_(span->fresh ? WARD_BUG_DOUBLE_FREE : WARD_BUG_WILD_FREE, block, NULL,
                     span->fresh ? "the block is free already" : "no block was ever there");
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

/* --- Mappings --------------------------------------------------------------------------------- */

static size_t hash(uintptr_t at)
{
    return (size_t)((at / ward_root_.page) * UINT64_C(0x9e3779b97f4a7c15) >> 40) %
           ward_root_.huge_count;
}

static size_t next(size_t i)
{
    return (i + 1) % ward_root_.huge_count;
}

/* The entry of a block that is live, else of one that was freed there; NULL: none. */
static struct huge *lookup(const void *block)
{
    struct huge *freed = NULL;

    if (!ward_root_.huge) /* the malloc could not start */
        return NULL;
    for (size_t i = hash((uintptr_t)block), n = 0; n < ward_root_.huge_count; i = next(i), n++) {
        uintptr_t at = atomic_load(&ward_root_.huge[i].at);

        if (at == (uintptr_t)block)
            return &ward_root_.huge[i];
        if (at == ((uintptr_t)block | 1))
            freed = &ward_root_.huge[i];
        if (at == 0)
            break;
    }
    return freed;
}

/* The same of a live block only. */
static struct huge *lookup_live(const void *block)
{
    struct huge *entry = lookup(block);

    return entry && atomic_load(&entry->at) == (uintptr_t)block ? entry : NULL;
}

static struct huge *claim(uintptr_t block)
{
    for (size_t i = hash(block), n = 0; n < ward_root_.huge_count; i = next(i), n++) {
        uintptr_t at = atomic_load(&ward_root_.huge[i].at);

        if ((at == 0 || (at & 1 && at != HUGE_CLAIMED)) &&
            atomic_compare_exchange_strong(&ward_root_.huge[i].at, &at, HUGE_CLAIMED))
            return &ward_root_.huge[i];
    }
    return NULL;
}

/* Both guards are one to sixteen pages. */
static void *map_huge(struct owner *owner, size_t size, size_t align)
{
    size_t inner = pages_of(size), mapped;
    size_t front =
        ward_root_.page * (1 + ward_random_below_(&owner->random, ward_root_.fork_word, 16));
    size_t back =
        ward_root_.page * (1 + ward_random_below_(&owner->random, ward_root_.fork_word, 16));
    unsigned char *block;
    struct huge *entry;
    void *origin = NULL;

    if (inner < size || __builtin_add_overflow(inner, front + align + back, &mapped) ||
        mapped > (size_t)PTRDIFF_MAX)
        return NULL;
    if (ward_host_map(&origin, mapped, WARD_HOST_ANON, WARD_NONE, 0)) {
        status_add(WARD_STATUS_NO_MEMORY, 1);
        return NULL;
    }
    block = (unsigned char *)round_up((uintptr_t)origin + front, align);
    entry = ward_host_protect(block, inner, WARD_RW | WARD_HOST_KEEP_KEY) ? NULL
                                                                          : claim((uintptr_t)block);
    if (!entry) {
        (void)!ward_host_unmap(origin, mapped);
        return NULL;
    }
    entry->size = size;
    entry->origin = origin;
    entry->mapped = mapped;
    entry->family = 0;
    atomic_store(&entry->at, (uintptr_t)block);
    count_block(inner);
    if (ward_root_.policy & POLICY_SLACK)
        slack_arm(block, size, inner - size);
    return block;
}

static void *alloc_huge(struct owner *owner, size_t size, size_t align)
{
    bool opened = door_open(POLICY_KEYS);
    void *block = map_huge(owner, size, align);

    door_close(opened);
    return block;
}

static void free_foreign(void *block)
{
    bool shut = door_shut();

    status_add(WARD_STATUS_FOREIGN, 1);
    ward_root_.foreign.free(block);
    door_reopen(shut);
}

/* The entry is nobody else's until the mapping is gone: then another block may have it. */
static void unmap_huge(unsigned char *block)
{
    struct huge *entry = lookup(block);
    uintptr_t live = (uintptr_t)block;

    if (!entry && ward_foreign_has_(block)) {
        free_foreign(block);
        return;
    }
    if (!entry) {
        ward_report_(WARD_BUG_WILD_FREE, block, NULL, "no block was ever there");
        return;
    }
    if (!atomic_compare_exchange_strong(&entry->at, &live, HUGE_CLAIMED)) {
        ward_report_(WARD_BUG_DOUBLE_FREE, block, NULL, "the block is free already");
        return;
    }
    if (ward_root_.policy & POLICY_SLACK &&
        !slack_is(block, entry->size, pages_of(entry->size) - entry->size))
        ward_report_overflow_(block, entry->size, pages_of(entry->size) - entry->size);
    status_unuse(pages_of(entry->size));
    (void)!ward_host_unmap(entry->origin, entry->mapped); /* else it stays, and nobody knows it */
    atomic_store(&entry->at, (uintptr_t)block | 1);
}

static void free_huge(unsigned char *block)
{
    bool opened = door_open(POLICY_KEYS);

    unmap_huge(block);
    door_close(opened);
}

/* --- Both ------------------------------------------------------------------------------------- */

void *ward_big_alloc_(struct owner *owner, size_t size, size_t bytes, size_t align)
{
    unsigned class = bytes <= CLASS_MAX ? class_of(bytes) : CLASS_COUNT;
    void *block = NULL;

    class = class < CLASS_SMALL ? CLASS_SMALL : class;
    while (class < CLASS_COUNT && (size_t)1 << ward_root_.classes[class].pitch_log2 < align)
        class ++;
    if (align <= RESERVE_ALIGN && class < CLASS_COUNT && ward_root_.classes[class].spans)
        block = alloc_span(owner, class, size);
    return block ? block : alloc_huge(owner, size, align);
}

void ward_big_free_(void *block, const struct place *place)
{
    if (place)
        free_span(block, place);
    else
        free_huge(block);
}

bool ward_big_is_clean_(const void *block)
{
    bool opened = door_open(POLICY_LOCK), clean;
    struct place place;

    clean = !find(block, &place) || place.span->clean;
    door_close(opened);
    return clean;
}

static size_t size_of_huge(const void *block)
{
    bool opened = door_open(POLICY_KEYS);
    const struct huge *entry = lookup_live(block);
    size_t size = entry ? entry->size : SIZE_MAX;

    door_close(opened);
    return size;
}

size_t ward_big_size_(const void *block, const struct place *place)
{
    if (place)
        return LOAD(place->span->states) == SLOT_BIG ? place->span->size : SIZE_MAX;
    return size_of_huge(block);
}

bool ward_big_knows_(const void *block)
{
    bool opened = door_open(POLICY_KEYS), known = lookup(block) != NULL;

    door_close(opened);
    return known;
}

uint8_t *ward_big_family_(const void *block)
{
    struct huge *entry;
    struct place place;

    if (find(block, &place))
        return place.slot == 0 && place.class->slots == 1 &&
                       LOAD(&place.span->states[0]) == SLOT_BIG
                   ? &place.span->family
                   : NULL;
    entry = lookup_live(block);
    return entry ? &entry->family : NULL;
}

/* In place as long as the class is the same. */
bool ward_big_resize_(void *at, const struct place *place, size_t size)
{
    size_t bytes = size + (ward_root_.policy & POLICY_SLACK ? 1 : 0), was;
    unsigned char *block = at;
    struct span *span;
    bool resized;

    if (!place || bytes > place->class->bytes || bytes <= CLASS_SMALL_MAX ||
        class_of(bytes) != place->span->class)
        return false;
    span = place->span;
    was = span->size;
    if (ward_root_.policy & POLICY_SLACK && !slack_is(block, was, span->open - was)) {
        ward_report_overflow_(block, was, span->open - was);
        return false;
    }
    status_unuse(span->open);
    resized = set_open(span, pages_of(size));
    ward_pool_use_(span->open);
    if (!resized && span->open < pages_of(size)) /* else what could not be closed stays open */
        return false;
    if (ward_root_.policy & POLICY_SLACK && size > was) /* the canary would become readable */
        __builtin_memset(block + was, 0, size - was < 8 ? size - was : 8);
    if (ward_root_.policy & POLICY_ZERO && size < was)
        __builtin_memset(block + size, 0, span->open - size);
    span->size = size;
    if (ward_root_.policy & POLICY_SLACK)
        slack_arm_behind(block, size, span->open - size);
    return true;
}

/* Entries that a thread which is not here was about to fill in are as if freed. */
static void inherit_mappings(void)
{
    bool opened = door_open(POLICY_KEYS);

    for (size_t i = 0; i < ward_root_.huge_count; i++)
        if (atomic_load(&ward_root_.huge[i].at) == HUGE_CLAIMED)
            atomic_store(&ward_root_.huge[i].at, HUGE_NEVER);
    door_close(opened);
}

/* A fork may have cut off the thread that set a guard without markers: the record does not say
 * where it is. */
static bool forget_guard(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    if (!info->committed || !ward_pool_is_split_())
        return true;
    if (span->split)
        ward_pool_unsplit_();
    span->split = false;
    return ward_host_protect(span->base, info->bytes, WARD_RW | WARD_HOST_KEEP_KEY) == 0;
}

void ward_big_inherit_(void)
{
    inherit_mappings();
    for (unsigned class = CLASS_SMALL; class < CLASS_COUNT; class ++) {
        uint32_t made = ward_pool_made_(class);

        ward_pool_forget_(class);
        for (uint32_t number = 0; number < made; number++) {
            struct span *span = pool_span(class, number);

            if (!shared_has(class, number) || LOAD(span->states) > SLOT_WAITING ||
                (LOAD(span->states) == SLOT_WAITING && is_closed(span) && !reopen(span)))
                continue;
            STORE(span->states, SLOT_FREE);
            (void)pool_name(class, number);
            if (!forget_guard(span))
                continue;
            ward_pool_unkeep_(span->kept);
            span->kept = 0;
            if (ward_host_advise(span->base, ward_root_.classes[class].bytes, WARD_HOST_RELEASE))
                continue; /* nobody knows how much of it can be cleared: it is lost */
            ward_pool_give_(span);
        }
    }
}
