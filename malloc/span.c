/* SPDX-License-Identifier: MIT */
/*
 * Spans off the fast paths: what a thread does when it has no free slot at hand, and with a block
 * that is not a live one of its own.
 */
#include <errno.h>

#include <ward/host.h>

#include "big.h"
#include "guarded.h"
#include "owner.h"
#include "pool.h"
#include "quarantine.h"
#include "report.h"
#include "shared.h"
#include "states.h"
#include "status.h"

enum { POPULATE_MAX = 4096 }; /* bytes of a slot */

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

static void unlist(struct owner *owner, struct span *span)
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

static void own(struct owner *owner, struct span *span)
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

static void disown(struct owner *owner, struct span *span)
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
static void watch(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    span->notice = span->free < info->enough ? info->enough : info->slots;
}

/* --- Spans without a block -------------------------------------------------------------------- */

/* Gives the span to whoever needs one, and its pages back unless some may be kept. They are clear
 * where the policy wants them so. */
static void release(struct owner *owner, struct span *span)
{
    size_t used = (size_t)span->fresh * ward_root_.classes[span->class].bytes;

    disown(owner, span);
    status_unuse(used);
    span->kept = used;
    span->free = span->fresh = 0;
    if (!ward_pool_keep_(used))
        ward_pool_drop_(span);
    ward_pool_push_(POOL_EMPTY, span);
}

/* One empty span of a class is kept in its list: a program that frees and allocates the same few
 * blocks does not pay for pages each time. */
void ward_span_changed_(struct owner *owner, struct span *span)
{
    watch(span);
    if (span == owner->hands[span->class].span)
        return;
    if (!span->listed) {
        list(owner, span);
    } else if (span->free == ward_root_.classes[span->class].slots &&
               (span->next || span->before)) {
        unlist(owner, span);
        release(owner, span);
    }
}

/* --- Freed by others -------------------------------------------------------------------------- */

static unsigned char *block_at(const struct place *place)
{
    return place->span->base + (size_t)place->slot * place->class->bytes;
}

static _Atomic uint16_t *state_at(const struct place *place)
{
    return &place->span->states[place->slot];
}

static void retire(const struct place *place)
{
    STORE(state_at(place), SLOT_RETIRED);
}

static _Atomic uint64_t *pending_of(struct span *span, const struct class_info *class)
{
    return (_Atomic uint64_t *)(void *)((unsigned char *)span + class->pending);
}

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
static void fold_apart(struct owner *owner, struct span *span)
{
    span->next = span->before = NULL;
    span->listed = true;
    fold(owner, span);
    span->listed = false;
    watch(span);
}

/* Whoever adopts a span that is nobody's looks at it. */
static void enqueue(struct span *span)
{
    uint32_t number = LOAD(&span->owner);
    _Atomic(struct span *) *queue = &ward_root_.owners[number].queue;
    struct span *top;

    if (number == 0) {
        atomic_store(&span->queued, 0);
        return;
    }
    top = atomic_load(queue);
    do
        atomic_store(&span->queue, top);
    while (!atomic_compare_exchange_weak(queue, &top, span));
}

/* Folds what was queued for this owner. A span that changed hands meanwhile goes to its new one. */
static void fold_queue(struct owner *owner)
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
static void fold_all(struct owner *owner)
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
static void free_remote(unsigned char *block, const struct place *place, uint32_t was)
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

/* --- A free slot at hand ---------------------------------------------------------------------- */

static struct span *adopt(struct owner *owner, unsigned class)
{
    struct span *span = ward_pool_pop_(POOL_ABANDONED, class);

    if (span) {
        own(owner, span);
        fold_apart(owner, span);
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
        unlist(owner, span);
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
        own(owner, span);
    }
    return span;
}

static uint32_t count_bits(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(bits * UINT64_C(0x0101010101010101) >> 56);
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
    watch(span);
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
static bool refill(struct owner *owner, unsigned class)
{
    const struct class_info *info = &ward_root_.classes[class];
    struct span *span = owner->hands[class].span;
    bool growing = false;

    if (owner->hands[class].block)
        return true;
    fold_queue(owner);
    if (span->free >= info->enough && seek(owner, span))
        return true;
    fold_all(owner);
    while (!issue_from(owner, info, span, growing)) {
        growing = span->base != NULL;
        if (growing)
            watch(span);
        span = obtain(owner, class);
        if (!span)
            return scrape(owner, class);
        owner->hands[class].span = span;
    }
    return true;
}

/* --- Allocating ------------------------------------------------------------------------------- */

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

bool ward_span_seems_clear_(const unsigned char *at, size_t bytes, uint64_t turns)
{
    enum { END = 1024, PIECE = 512, PIECES = 8 };
    size_t step = ward_root_.policy & POLICY_WHOLE ? PIECE : PIECE * PIECES;
    bool clear = slot_is_clear(at, END, END) && slot_is_clear(at + bytes - END, END, END);

    for (size_t off = turns >> 32 & (step - PIECE); clear && off + PIECE <= bytes; off += step)
        clear = slot_is_clear(at + off, PIECE, PIECE);
    return clear;
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
    return bytes <= CLASS_SMALL_MAX && guarded_is_due(owner) ? ward_guarded_sample_(owner, size)
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
    class = class_of(bytes);
    while (!block && refill(owner, class))
        block = try(&owner->hands[class], size);
    return block;
}

/* The caller of the very first block did not know the policy yet. */
void *ward_span_alloc_slow_(size_t size, size_t bytes)
{
    struct owner *owner = ward_owner_get_();
    void *block = NULL;

    if (bytes <= size)
        bytes = bytes_for(size);
    if (owner && size < (size_t)PTRDIFF_MAX && bytes <= (size_t)PTRDIFF_MAX)
        block = alloc(owner, size, bytes);
    if (!block)
        errno = ENOMEM;
    return block;
}

/* --- Freeing ---------------------------------------------------------------------------------- */

/* Who sits there leaves. */
static void vacate(struct owner *owner, struct seat *seat)
{
    struct span *span = seat->span;

    seat->span = NULL;
    if (span)
        span_leave(owner, span, seat->state);
}

void ward_span_twice_(struct span *span, const _Atomic uint16_t *state)
{
    struct place place = { &ward_root_.classes[span->class], span, 0 };

    place.slot = (uint32_t)(state - span->states);
    ward_report_(WARD_BUG_DOUBLE_FREE, block_at(&place), &place,
                 "the block was freed by two threads");
}

/* Nothing of a live block's slot was written but the block, and the word behind it. */
static void clear(unsigned char *block, const struct class_info *info, uint32_t slack)
{
    size_t used = info->bytes - slack + 8;

    memset(block, 0, used < info->bytes ? used : info->bytes);
}

void ward_span_wait_(struct owner *owner, struct span *span, _Atomic uint16_t *state,
                     unsigned char *block)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    if (ward_root_.policy & POLICY_ZERO)
        clear(block, info, LOAD(state) - SLOT_LIVE);
    if (!(ward_root_.policy & POLICY_QUARANTINE)) {
        span_push(owner, span, state);
        return;
    }
    for (uint32_t more = info->seats - 1; more; more--)
        vacate(owner, &owner->seats[owner->seat++]);
    span_wait(owner, span, state);
}

/* The start of a slot that is not live. */
static void bad_free(unsigned char *block, const struct place *place, uint32_t state)
{
    if (place->slot >= place->span->fresh && place->class->slots > 1)
        ward_report_(WARD_BUG_WILD_FREE, block, place, "this slot was never issued");
    else if (state < SLOT_BIG)
        ward_report_(WARD_BUG_DOUBLE_FREE, block, place, "the block is free already");
    else
        ward_report_(WARD_BUG_METADATA, block, place, "what is recorded of the block is no state");
}

void ward_span_leave_(struct owner *owner, struct span *span, uint32_t slot)
{
    struct place place = { &ward_root_.classes[span->class], span, slot };
    unsigned char *block = block_at(&place);

    if (LOAD(state_at(&place)) != SLOT_WAITING) {
        ward_report_(WARD_BUG_DOUBLE_FREE, block, &place, "the block was freed by two threads");
    } else if (!slot_is_clear(block, place.class->bytes, CLASS_SMALL_MAX)) {
        retire(&place);
        ward_report_written_(block, &place);
    } else if (LOAD(&span->owner) == owner->number) {
        span_push(owner, span, state_at(&place));
    } else {
        free_remote(block, &place, SLOT_WAITING);
    }
}

static void wait_long(struct owner *owner, unsigned char *block, const struct place *place)
{
    slot_clear(block, place->class->bytes, CLASS_SMALL_MAX);
    STORE(state_at(place), SLOT_WAITING);
    ward_quarantine_take_(owner, place->span, place->slot, place->class->bytes);
}

static void free_slot(struct owner *owner, unsigned char *block, const struct place *place)
{
    uint32_t state = LOAD(state_at(place)), slack = state - SLOT_LIVE;

    if (state < SLOT_LIVE) {
        bad_free(block, place, state);
    } else if (ward_root_.policy & POLICY_SLACK &&
               !slack_is(block, place->class->bytes - slack, slack)) {
        ward_report_overflow_(block, place->class->bytes - slack, slack);
        retire(place);
    } else if (ward_root_.policy & POLICY_LONG && owner->number != UINT32_MAX) {
        wait_long(owner, block, place);
    } else if (LOAD(&place->span->owner) == owner->number) {
        ward_span_wait_(owner, place->span, state_at(place), block);
    } else {
        free_remote(block, place, state);
    }
}

void ward_span_free_slow_(void *block)
{
    struct owner *owner;
    struct place place;

    if (!block)
        return;
    owner = ward_owner_here_();
    if (guarded_has(block))
        ward_guarded_free_(block);
    else if (!owner || !find(block, &place))
        ward_big_free_(block, NULL);
    else if (place.slot == NO_SLOT)
        ward_report_interior_(block, &place);
    else if (place.class->slots == 1)
        ward_big_free_(block, &place);
    else
        free_slot(owner, block, &place);
}

/* --- An owner that ends ----------------------------------------------------------------------- */

static void empty_quarantine(struct owner *owner)
{
    for (unsigned i = 0; i < QUARANTINE_SEATS; i++)
        vacate(owner, &owner->seats[i]);
}

/* What is at hand goes back to its span. */
static void put_back(struct owner *owner, struct hand *hand)
{
    uint32_t left = 1 + count_bits(hand->bits);

    if (!hand->block)
        return;
    hand->span->free += left;
    owner->held[hand->span->class] -= left;
    hand->block = NULL;
    hand->bits = 0;
}

void ward_span_abandon_(struct owner *owner)
{
    struct span *span, *next;

    if (ward_root_.policy & POLICY_LONG)
        ward_quarantine_empty_(owner);
    empty_quarantine(owner);
    fold_queue(owner);
    for (unsigned class = 0; class < CLASS_SMALL; class ++) {
        put_back(owner, &owner->hands[class]);
        owner->partial[class] = NULL;
    }
    for (span = owner->owned; span; span = next) {
        next = span->next_owned;
        fold_apart(owner, span);
        if (span->free == span->fresh) {
            release(owner, span);
            continue;
        }
        disown(owner, span);
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
    ward_pool_push_(span->free == span->fresh ? POOL_EMPTY : POOL_ABANDONED, span);
}

void ward_span_inherit_(const struct owner *self)
{
    if (ward_root_.policy & POLICY_LONG)
        ward_quarantine_inherit_(self);
    for (unsigned class = 0; class < CLASS_SMALL; class ++) {
        uint32_t made = ward_pool_made_(class);

        ward_pool_forget_(class);
        for (uint32_t number = 0; number < made; number++) {
            struct span *span = pool_span(class, number);

            if (!shared_has(class, number))
                continue;
            atomic_store(&span->queued, 0);
            if (LOAD(&span->owner) != self->number)
                inherit(class, number);
        }
    }
    ward_big_inherit_();
}
