/* SPDX-License-Identifier: MIT */
/*
 * Spans and their slots, owners, and the two paths that are walked most.
 *
 * A span belongs to one owner, a thread, or to nobody. Only its owner issues its slots and makes
 * them free again; who else frees a block says so in the slot's state and sets its bit in
 * `pending`, and the owner folds those in when it runs out. So the owner's paths need no lock, no
 * atomic read-modify-write and no fence: the words that others write are relaxed atomics.
 *
 *   state      NEW       never issued since its pages came from the system, so zero
 *              FREE      issued before, and free
 *              WAITING   freed by its owner, in quarantine
 *              PENDING   freed by another thread, not folded yet
 *              RETIRED   never to be issued again: a bug was found there and contained
 *              BIG       a live block of a span with one slot
 *              RESIZED   the same, while a thread gives it another size
 *              LIVE + n  issued, and n bytes of the slot are behind the block
 *
 * The states are all there is: a thread that needs slots makes a word of bits from 64 of them (its
 * hand), and issues those. So a free touches one word of the record's head and one state, and any
 * operation may be cut off anywhere, as a fork does to all other threads: at most the slots in a
 * hand that is no more look live or free when they are not held, never the other way round.
 */
#ifndef WARD_MALLOC_SPAN_H
#define WARD_MALLOC_SPAN_H

#include <stdatomic.h>
#include <string.h>

#include <ward/inline/canary.h>
#include <ward/inline/slot.h>
#include <ward/random.h>

#include "clear.h"
#include "root.h"

#define LOAD(AT)         atomic_load_explicit((AT), memory_order_relaxed)
#define STORE(AT, VALUE) atomic_store_explicit((AT), (VALUE), memory_order_relaxed)

/* The same of a plain word, which one thread has to itself but for those that count: they peek, and
 * it says so where it writes. */
#define PEEK(WORD)        __atomic_load_n(&(WORD), __ATOMIC_RELAXED)
#define POKE(WORD, VALUE) __atomic_store_n(&(WORD), (VALUE), __ATOMIC_RELAXED)

enum slot_state {
    SLOT_NEW,
    SLOT_FREE,
    SLOT_WAITING,
    SLOT_PENDING,
    SLOT_RETIRED,
    SLOT_BIG,
    SLOT_RESIZED,
    SLOT_LIVE = 16
};

/* As many bytes behind a block as a state can say. */
enum { SLACK_MAX = UINT16_MAX - SLOT_LIVE };

/* The record of a span, all zero before it is made.
 * slots == free + at hand + waiting + pending + retired + live + (slots - fresh) */
struct span {
    unsigned char *base;    /* slot 0 */
    _Atomic uint32_t owner; /* its number; 0: nobody */
    uint32_t free;          /* free or new slots below fresh, but for those at hand */
    uint32_t notice;        /* the number of free slots at which there is something to do */
    uint32_t fresh;         /* slots from here on were never issued, nor their pages touched */
    uint16_t class;
    _Atomic bool named;         /* a row of families may say something of a slot */
    uint32_t number;            /* of the span in its class */
    struct span *next, *before; /* in its owner's list of spans with enough free slots */
    struct span *next_owned, *before_owned;
    _Atomic(struct span *) queue; /* the next of a queue of spans with pending frees */
    _Atomic uint32_t queued;      /* in one */
    _Atomic uint32_t stack;       /* 1 + the next in a stack of its class */
    size_t size;                  /* of a big block: requested */
    size_t open;                  /* of a big class: bytes before the guard; 0: none was set yet */
    size_t kept;                  /* without a block: bytes of pages it kept */
    bool listed;
    bool closed;      /* of a small class: slots from fresh on fault until they are issued again */
    bool clean;       /* of a big block: its pages came from the system, as zero */
    uint8_t family;   /* of a big block: see rows.h */
    bool torn;        /* free slots may not be clear: whoever owns it next clears them */
    bool split;       /* of a big class: the guard is one of ward_memory_unguard_() */
    bool unsure;      /* the same: its guard is being moved, and may be missing or too far */
    uint32_t kept_at; /* when, in seconds of the clock */
    uint32_t paged;   /* so many of its first bytes had pages when an owner took it */
    uint32_t reached; /* what `fresh` was at most when the last block was freed */
    WARD_ALIGNED(64) _Atomic uint16_t states[]; /* [slots]; then the pending bits */
};

/* Where an owner issues from: 64 slots of its current span of a class. The next block is chosen
 * ahead, so that its memory is on the way when it is asked for. */
struct WARD_ALIGNED(64) hand {
    unsigned char *block;    /* the next; NULL: nothing at hand */
    uint64_t bits;           /* of the other slots that may be issued */
    _Atomic uint16_t *state; /* of the next; of ward_no_slot_, which is never free: there is none */
    uint64_t turns;          /* where random choices come from until there are new bits */
    unsigned char *base;     /* the first of the 64 slots */
    _Atomic uint16_t *states;
    struct span *span;
    uint32_t bytes; /* of a slot */
    uint32_t left;  /* times that more of the span is taken, though it may not have enough */
};

/* A place in the quarantine. */
struct seat {
    struct span *span; /* of who waits there; NULL: nobody */
    _Atomic uint16_t *state;
};

/* The quarantine is a queue of as many seats, each for so many bytes of a block. */
enum { QUARANTINE_SEATS = 256, QUARANTINE_BYTES = 128 << 10 };

/* What a thread has. In the metadata, for ever; another thread may take it later. */
struct owner {
    struct hand hands[CLASS_SMALL];
    uint32_t number;
    _Atomic uint32_t stack;       /* 1 + the next of those nobody has */
    _Atomic uint32_t taken;       /* 1: a thread has it; more: that one, which may end unseen */
    uint8_t seat;                 /* the oldest in the quarantine */
    _Atomic(struct span *) queue; /* spans of this owner with pending frees */
    struct ward_random random;
    struct span *partial[CLASS_SMALL]; /* others with free slots */
    struct span *owned;
    size_t owned_spans, looked_spans; /* owned; and when all were last looked at for frees */
    uint32_t until_sample, interval;  /* empty hands to the next guarded slot; and on average */
    uint64_t sampled_at;              /* the clock at the last one */
    bool queue_ready;                 /* its long quarantine can be touched */
    bool grows;                       /* what it asks for takes in a block that grows */
    struct owner **home;              /* &ward_owner_ of the thread that has it */
    struct seat seats[QUARANTINE_SEATS];
    uint64_t held[CLASS_SMALL]; /* slots that ever came into a hand: what is gone was issued */
};

/* This thread's; never NULL: before its first block one that owns nothing. */
extern __thread struct owner *ward_owner_ __attribute__((tls_model("initial-exec")));

/* What the fast paths leave to others, with nothing changed. */
WARD_COLD void *ward_span_alloc_slow_(size_t size, size_t bytes);
WARD_COLD void ward_span_free_slow_(void *block);

/* The owner's span has as many free slots as it was to be noticed at. */
WARD_COLD void ward_span_changed_(struct owner *owner, struct span *span);

/* Somebody else freed a slot while it sat in the quarantine. */
WARD_COLD void ward_span_twice_(struct span *span, const _Atomic uint16_t *state);

/* A block of any size is cleared and goes to the quarantine, as far as the policy wants that. */
void ward_span_wait_(struct owner *owner, struct span *span, _Atomic uint16_t *state,
                     unsigned char *block);

/* What a slot must hold for a block of size bytes: it, the slack there must be, and something. */
WARD_INLINE size_t bytes_for(size_t size)
{
    return size + (ward_root_.policy & POLICY_SLACK || size == 0);
}

/* Up to where a block with pages of its own has them: one at least, as a guard at the base of a
 * span would not be taken away again. */
WARD_INLINE size_t pages_for(size_t size)
{
    return round_up(bytes_for(size), ward_root_.page);
}

/* --- The canary: the first bytes behind a block, up to 8 -------------------------------------- */

WARD_INLINE uint64_t slack_word(const unsigned char *block)
{
    return ward_canary_word_(ward_root_.canary, (uintptr_t)block);
}

/* With fewer than 8 bytes behind the block, the word loses its first bytes, and what is stored and
 * loaded are the last 8 of the slot: this many of them are the block's. */
WARD_INLINE unsigned slack_short(size_t slack)
{
    return (unsigned)((slack < 8 ? 8 : slack) - slack);
}

/* Of a block without contents yet: clears up to 7 bytes before its end. */
WARD_INLINE void slack_arm(unsigned char *block, size_t size, size_t slack)
{
    unsigned less = slack_short(slack);

    ward_store64_(block + size - less, slack_word(block) << 8 * less);
}

/* The canary, or 0, where the canary is; leaves the block as it is. */
WARD_INLINE void slack_set(unsigned char *block, size_t size, size_t slack, uint64_t word)
{
    unsigned less = slack_short(slack);
    uint64_t kept = ward_load64_(block + size - less) & ((UINT64_C(1) << 8 * less) - 1);

    ward_store64_(block + size - less, word << 8 * less | kept);
}

WARD_INLINE bool slack_is(const unsigned char *block, size_t size, size_t slack)
{
    unsigned less = slack_short(slack);
    uint64_t armed = slack_word(block) << 8 * less;

    __asm__("" : "+r"(armed)); /* first, and then what is there: a load ahead costs a register */
    return (ward_load64_(block + size - less) ^ armed) >> 8 * less == 0;
}

/* --- Allocating ------------------------------------------------------------------------------- */

/* The first of the free bits. By policy the first at or behind a random place, which is at most 15
 * slots farther: blocks that follow each other in time are near each other, and seldom neighbours.
 * The multiplier is one of Steele and Vigna's ("Computationally easy, spectrally good
 * multipliers", 2022). */
WARD_INLINE uint64_t choose(struct hand *hand, unsigned policy)
{
    unsigned turn = (unsigned)__builtin_ctzll(hand->bits);

    if (!(policy & POLICY_RANDOM))
        return turn;
    turn = (turn + (unsigned)(hand->turns >> 60)) & 63;
    hand->turns *= UINT64_C(0xd1342543de82ef95);
    return ((unsigned)__builtin_ctzll(ward_slot_rotate_(hand->bits, turn)) + turn) & 63;
}

/* The state of no slot, so that an empty hand needs no question of its own. */
extern const _Atomic uint16_t ward_no_slot_;

WARD_INLINE void hand_empty(struct hand *hand)
{
    hand->block = NULL;
    hand->state = (_Atomic uint16_t *)(uintptr_t)&ward_no_slot_;
}

/* Chooses what is issued next. */
WARD_INLINE void hand_advance(struct hand *hand, unsigned policy)
{
    uint64_t bit;

    if (WARD_UNLIKELY(hand->bits == 0)) {
        hand_empty(hand);
        return;
    }
    bit = choose(hand, policy);
    hand->bits &= ~(UINT64_C(1) << bit);
    hand->block = hand->base + bit * hand->bytes;
    hand->state = hand->states + bit;
    if (policy & POLICY_ZERO)
        __builtin_prefetch(hand->block, 1);
}

/* May the next block be issued: is there one, and is it as it was left? */
WARD_INLINE bool hand_is_fit(const struct hand *hand, unsigned policy, size_t most)
{
    uint32_t state = LOAD(hand->state);

    if (!(policy & POLICY_ZERO) || state != SLOT_FREE)
        return state <= SLOT_FREE;
    if (most > CHECKED_WHOLE && hand->bytes > CHECKED_WHOLE)
        return ward_clear_seems_(hand->block, hand->bytes, hand->turns);
    return slot_is_clear(hand->block, hand->bytes, most);
}

WARD_INLINE void *hand_issue(struct hand *hand, unsigned policy, size_t size)
{
    unsigned char *block = hand->block;
    size_t slack = hand->bytes - size;

    STORE(hand->state, (uint16_t)(SLOT_LIVE + slack));
    if (policy & POLICY_SLACK)
        slack_arm(block, size, slack);
    hand_advance(hand, policy);
    return block;
}

/* A block of size bytes in a slot of at least `bytes`, which is size and the slack there must be,
 * and at most `most`. */
WARD_INLINE void *span_alloc(unsigned policy, size_t size, size_t bytes, size_t most)
{
    struct hand *hand;

    if (WARD_UNLIKELY(bytes - 1 >= most))
        return ward_span_alloc_slow_(size, bytes);
    hand = &ward_owner_->hands[class_of(bytes)];
    if (WARD_UNLIKELY(!hand_is_fit(hand, policy, most)))
        return ward_span_alloc_slow_(size, bytes);
    return hand_issue(hand, policy, size);
}

/* --- Freeing ---------------------------------------------------------------------------------- */

/* Where an address lies. */
struct place {
    const struct class_info *class;
    struct span *span;
    uint32_t slot; /* NO_SLOT: it is not the start of one */
};

#define NO_SLOT UINT32_MAX

/* Was there ever a block, whatever became of the span since? Also where there only could have been
 * one, before. */
WARD_INLINE bool was_issued(const struct span *span, uint32_t slot)
{
    return LOAD(&span->states[slot]) != SLOT_NEW || slot < span->reached;
}

/* The place of an offset in a range, which the class has or shares. */
WARD_INLINE struct place place_at(const struct class_info *class, uint64_t off)
{
    uint64_t slot = ward_slot_index_(off & class->pitch_mask, class->inverse, class->shift);
    unsigned char *record = class->records + (off >> class->pitch_log2) * class->record_bytes;

    return (struct place){ class, (struct span *)(void *)record,
                           slot < class->slots ? (uint32_t)slot : NO_SLOT };
}

/* Where each class has a range of its own. The place does not leave the registers. Addresses far
 * away have the number of some class, too, and are beyond what was made of it. */
WARD_INLINE bool find_in_ranges(const void *block, struct place *place)
{
    uint64_t off = (uintptr_t)block - (uintptr_t)ward_root_.base;
    const struct class_info *class =
        &ward_root_.classes[(off >> ward_root_.range_log2) % CLASS_PLACES];

    if (WARD_UNLIKELY(off >= LOAD(&limit_of(class)->end)))
        return false;
    *place = place_at(class, off & ward_root_.range_mask);
    return true;
}

/* The same in a range that all classes share. */
WARD_COLD bool ward_shared_find_(const void *block, struct place *place);

/* The one door from an address to a record. False: outside of all spans that were ever made. */
WARD_INLINE bool find(const void *block, struct place *place)
{
    return find_in_ranges(block, place) || ward_shared_find_(block, place);
}

/* Makes a slot of the owner's free. */
WARD_INLINE void span_push(struct owner *owner, struct span *span, _Atomic uint16_t *state)
{
    STORE(state, SLOT_FREE);
    if (WARD_UNLIKELY(++span->free == span->notice))
        ward_span_changed_(owner, span);
}

/* A slot that sat in the quarantine is free. */
WARD_INLINE void span_leave(struct owner *owner, struct span *span, _Atomic uint16_t *state)
{
    if (WARD_LIKELY(LOAD(state) == SLOT_WAITING))
        span_push(owner, span, state);
    else
        ward_span_twice_(span, state);
}

/* A block takes a seat in the quarantine; who sat there is free. */
WARD_INLINE void span_wait(struct owner *owner, struct span *span, _Atomic uint16_t *state)
{
    struct seat *seat = &owner->seats[owner->seat++];
    struct seat leaves = *seat;

    STORE(state, SLOT_WAITING);
    seat->span = span;
    seat->state = state;
    if (WARD_LIKELY(leaves.span != NULL))
        span_leave(owner, leaves.span, leaves.state);
}

/* Is the place that of a live block of the owner's, with nothing written behind it? */
WARD_INLINE bool is_sound(unsigned policy, const struct owner *owner, const struct place *place,
                          const unsigned char *block)
{
    uint32_t state = LOAD(&place->span->states[place->slot]), slack = state - SLOT_LIVE;

    return WARD_LIKELY(
        state >= SLOT_LIVE && LOAD(&place->span->owner) == owner->number &&
        (!(policy & POLICY_SLACK) || slack_is(block, place->class->bytes - slack, slack)));
}

WARD_INLINE void span_free(unsigned policy, void *at)
{
    struct owner *owner = ward_owner_;
    unsigned char *block = (unsigned char *)at;
    _Atomic uint16_t *state;
    struct place place;

    if (WARD_UNLIKELY(!find_in_ranges(block, &place) || place.slot == NO_SLOT ||
                      !is_sound(policy, owner, &place, block))) {
        ward_span_free_slow_(block);
        return;
    }
    state = &place.span->states[place.slot];
    if (policy == POLICY_FAST) {
        span_push(owner, place.span, state);
    } else if (WARD_LIKELY(place.class->bytes <= CLASS_FINE_MAX)) {
        slot_clear(block, place.class->bytes, CLASS_FINE_MAX);
        span_wait(owner, place.span, state);
    } else {
        ward_span_wait_(owner, place.span, state, block);
    }
}

#endif
