/* SPDX-License-Identifier: MIT */
/*
 * Spans and their slots, owners, and the two paths that are walked most.
 *
 * A span belongs to one owner, a thread, or to nobody. Only its owner issues its slots and makes
 * them free again; who else frees a block says so in the slot's state and sets its bit in
 * `pending`, and the owner folds those in when it runs out. So the owner's paths need no lock, no
 * atomic read-modify-write and no fence: the words that others write are relaxed atomics.
 *
 *   state      FREE      never issued, or free
 *              WAITING   freed by its owner, in quarantine
 *              PENDING   freed by another thread, not folded yet
 *              RETIRED   never to be issued again: a bug was found there and contained
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

#include <ward/inline/canary.h>
#include <ward/inline/fill.h>
#include <ward/inline/slot.h>
#include <ward/random.h>

#include "root.h"

#define LOAD(AT)         atomic_load_explicit((AT), memory_order_relaxed)
#define STORE(AT, VALUE) atomic_store_explicit((AT), (VALUE), memory_order_relaxed)

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_PENDING, SLOT_RETIRED, SLOT_BIG, SLOT_LIVE = 16 };

/* The record of a span, all zero before it is made.
 * slots == free + waiting + pending + retired + live + (slots - fresh) */
struct span {
    unsigned char *base;        /* slot 0 */
    _Atomic uint32_t owner;     /* its number; 0: nobody */
    uint32_t free;              /* slots below fresh whose state is FREE */
    uint32_t fresh;             /* slots from here on were never issued, nor their pages touched */
    uint32_t class, number;     /* of the span in its class */
    struct span *next, *before; /* in its owner's list of spans with enough free slots */
    struct span *next_owned, *before_owned;
    _Atomic uint32_t queued;      /* in some owner's queue of spans with pending frees */
    uint32_t stack;               /* 1 + the next in a stack of its class */
    _Atomic(struct span *) queue; /* the next there */
    size_t size;                  /* of a big block: requested */
    size_t open;                  /* of a big class: bytes before the guard; 0: none was set yet */
    size_t kept;                  /* without a block: bytes of pages it kept */
    bool listed;
    _Atomic uint64_t pending[]; /* [words], then the states */
};

/* Where an owner issues from: 64 slots of its current span of a class. */
struct hand {
    uint64_t bits; /* of those that may be issued */
    _Atomic uint16_t *states;
    unsigned char *base; /* of the first of them */
    struct span *span;
};

/* A place in the quarantine. */
struct seat {
    struct span *span; /* of who waits there; NULL: nobody */
    uint32_t slot;
};

enum { QUARANTINE_SEATS = 256, QUARANTINE_BYTES = 128 << 10 };

/* What a thread has. In the metadata, for ever; another thread may take it later. */
struct owner {
    struct hand hands[CLASS_SMALL];
    uint32_t number;
    uint32_t stack;               /* 1 + the next of those nobody has */
    _Atomic uint32_t taken;       /* a thread has it */
    _Atomic(struct span *) queue; /* spans of this owner with pending frees */
    struct ward_random random;
    struct span *partial[CLASS_SMALL]; /* others with free slots */
    struct span *owned;
    size_t owned_spans, looked_spans; /* owned; and when all were last looked at for frees */
    uint32_t until_sample, interval;  /* empty hands to the next guarded slot; and on average */
    uint64_t sampled_at;              /* the clock at the last one */
    struct seat seats[QUARANTINE_SEATS];
    uint64_t held[CLASS_SMALL]; /* slots that ever came into a hand: what is gone was issued */
};

/* This thread's; never NULL: before its first block one that owns nothing. */
extern __thread struct owner *ward_owner_ __attribute__((tls_model("initial-exec")));

/* What the fast paths leave to others, with nothing changed. */
WARD_COLD void *ward_span_alloc_slow_(size_t size, size_t bytes);
WARD_COLD void ward_span_free_slow_(void *block);

/* The owner's span has enough free slots again, or no other than free ones. */
WARD_COLD void ward_span_changed_(struct owner *owner, struct span *span);

WARD_INLINE _Atomic uint16_t *span_states(struct span *span, const struct class_info *class)
{
    return (_Atomic uint16_t *)(void *)((unsigned char *)span + class->states);
}

/* What a slot must hold for a block of size bytes: it, the slack there must be, and something. */
WARD_INLINE size_t bytes_for(size_t size)
{
    return size + (ward_root_.policy & POLICY_SLACK || size == 0);
}

/* --- The canary: the first bytes behind a block, up to 8 -------------------------------------- */

WARD_INLINE uint64_t slack_word(const unsigned char *block)
{
    return ward_canary_word_(ward_root_.canary, (uintptr_t)block);
}

/* With less than 8 bytes behind the block, it is the end of the last 8 bytes of the slot. */
WARD_INLINE void slack_arm(unsigned char *block, size_t size, size_t slack)
{
    uint64_t word = slack_word(block), kept;
    unsigned shift = (unsigned)(64 - 8 * slack) & 63;
    unsigned char *last = block + size + slack - 8;

    if (WARD_LIKELY(slack >= 8)) {
        ward_store64_(block + size, word);
        return;
    }
    kept = ward_load64_(last) & ~(~UINT64_C(0) << shift);
    ward_store64_(last, kept | word << shift);
}

WARD_INLINE bool slack_is(const unsigned char *block, size_t size, size_t slack)
{
    uint64_t word = slack_word(block);
    unsigned shift = (unsigned)(64 - 8 * slack) & 63;

    if (WARD_LIKELY(slack >= 8))
        return ward_load64_(block + size) == word;
    return (ward_load64_(block + size + slack - 8) ^ word << shift) >> shift == 0;
}

/* --- Clearing: slots are aligned to 16 bytes, and multiples of it ----------------------------- */

WARD_INLINE bool slot_is_clear(const unsigned char *at, size_t bytes)
{
    const ward_fill_pair_ none = { 0, 0 };
    const unsigned char *end = at + bytes;
    ward_fill_pair_ seen = none;

    if (bytes & 16) {
        seen = ward_fill_load_(at);
        at += 16;
    }
    if (bytes & 32) {
        seen |= ward_fill_load_(at) | ward_fill_load_(at + 16);
        at += 32;
    }
    for (; at != end; at += 64)
        seen |= ward_fill_diff64_(at, none);
    return (seen[0] | seen[1]) == 0;
}

WARD_INLINE void slot_clear(unsigned char *at, size_t bytes)
{
    const ward_fill_pair_ none = { 0, 0 };
    unsigned char *end = at + bytes;

    if (bytes & 16) {
        ward_fill_store_(at, none);
        at += 16;
    }
    if (bytes & 32) {
        ward_fill_store_(at, none);
        ward_fill_store_(at + 16, none);
        at += 32;
    }
    for (; at != end; at += 64) {
        ward_fill_store_(at, none);
        ward_fill_store_(at + 16, none);
        ward_fill_store_(at + 32, none);
        ward_fill_store_(at + 48, none);
    }
}

/* --- Allocating ------------------------------------------------------------------------------ */

/* One of the free bits: by policy a random one, from a stream that is ready. */
WARD_INLINE unsigned choose(struct owner *owner, unsigned policy, uint64_t bits)
{
    unsigned turn;

    if (!(policy & POLICY_RANDOM))
        return (unsigned)__builtin_ctzll(bits);
    turn = ward_random_byte_(&owner->random) & 63;
    return ((unsigned)__builtin_ctzll(ward_slot_rotate_(bits, turn)) + turn) & 63;
}

/* May the slot be issued: is it as it was left? */
WARD_INLINE bool is_fit(unsigned policy, const struct hand *hand, unsigned bit,
                        const unsigned char *block, size_t bytes)
{
    return LOAD(&hand->states[bit]) == SLOT_FREE &&
           (!(policy & POLICY_ZERO) || slot_is_clear(block, bytes));
}

WARD_INLINE void *issue(unsigned policy, struct hand *hand, unsigned bit, unsigned char *block,
                        size_t bytes, size_t size)
{
    hand->bits &= ~(UINT64_C(1) << bit);
    hand->span->free--;
    STORE(&hand->states[bit], (uint16_t)(SLOT_LIVE + (bytes - size)));
    if (policy & POLICY_SLACK)
        slack_arm(block, size, bytes - size);
    return block;
}

/* A block of size bytes in a slot of at least `bytes`, which is size and the slack there must be.
 */
WARD_INLINE void *span_alloc(unsigned policy, size_t size, size_t bytes)
{
    struct owner *owner = ward_owner_;
    struct hand *hand;
    unsigned char *block;
    size_t slot_bytes;
    uint64_t bits;
    unsigned bit, index;

    if (WARD_UNLIKELY(bytes - 1 >= CLASS_SMALL_MAX))
        return ward_span_alloc_slow_(size, bytes);
    index = class_of(bytes);
    hand = &owner->hands[index];
    bits = hand->bits;
    if (WARD_UNLIKELY(bits == 0 || (policy & POLICY_RANDOM &&
                                    !ward_random_is_ready_(&owner->random, ward_root_.fork_word))))
        return ward_span_alloc_slow_(size, bytes);
    bit = choose(owner, policy, bits);
    slot_bytes = ward_root_.classes[index].bytes;
    block = hand->base + bit * slot_bytes;
    if (WARD_UNLIKELY(!is_fit(policy, hand, bit, block, slot_bytes)))
        return ward_span_alloc_slow_(size, bytes);
    return issue(policy, hand, bit, block, slot_bytes, size);
}

/* --- Freeing --------------------------------------------------------------------------------- */

/* Where an address lies. */
struct place {
    const struct class_info *class;
    struct span *span;
    uint32_t slot; /* NO_SLOT: it is not the start of one */
};

#define NO_SLOT UINT32_MAX

/* The one door from an address to a record. False: outside of all classes. Where no span was made
 * yet the record reads as zero, and no slot of it is live. */
WARD_INLINE bool find(const void *block, struct place *place)
{
    uint64_t off = (uintptr_t)block - (uintptr_t)ward_root_.base, slot;
    const struct class_info *class = &ward_root_.classes[off >> ward_root_.range_log2];

    if (WARD_UNLIKELY(off >= ward_root_.bytes))
        return false;
    off &= ward_root_.range_mask;
    slot = ward_slot_index_(off & class->pitch_mask, class->inverse, class->shift);
    place->class = class;
    place->span =
        (struct span *)(void *)(class->records + (off >> class->pitch_log2) * class->record_bytes);
    place->slot = slot < class->slots ? (uint32_t)slot : NO_SLOT;
    return true;
}

/* Makes a slot of the owner's free. */
WARD_INLINE void span_push(struct owner *owner, struct span *span, const struct class_info *class,
                           uint32_t slot)
{
    STORE(&span_states(span, class)[slot], SLOT_FREE);
    span->free++;
    if (WARD_UNLIKELY(span->free == class->enough || span->free == class->slots))
        ward_span_changed_(owner, span);
}

/* A block takes a seat in the quarantine; who sat there is free. */
WARD_INLINE void span_wait(struct owner *owner, const struct place *place)
{
    struct seat *seat = &owner->seats[ward_random_byte_(&owner->random) * place->class->seats >> 8];
    struct seat leaves = *seat;

    STORE(&span_states(place->span, place->class)[place->slot], SLOT_WAITING);
    seat->span = place->span;
    seat->slot = place->slot;
    if (WARD_LIKELY(leaves.span != NULL))
        span_push(owner, leaves.span, &ward_root_.classes[leaves.span->class], leaves.slot);
}

WARD_INLINE void span_free(unsigned policy, void *at)
{
    struct owner *owner = ward_owner_;
    unsigned char *block = (unsigned char *)at;
    struct place place;
    uint32_t state;

    if (WARD_UNLIKELY(!find(block, &place) || place.slot == NO_SLOT)) {
        ward_span_free_slow_(block);
        return;
    }
    state = LOAD(&span_states(place.span, place.class)[place.slot]);
    if (WARD_UNLIKELY(
            state < SLOT_LIVE || LOAD(&place.span->owner) != owner->number ||
            (policy & POLICY_SLACK &&
             !slack_is(block, place.class->bytes + SLOT_LIVE - state, state - SLOT_LIVE)) ||
            (policy & POLICY_QUARANTINE &&
             !ward_random_is_ready_(&owner->random, ward_root_.fork_word)))) {
        ward_span_free_slow_(block);
        return;
    }
    if (policy & POLICY_ZERO)
        slot_clear(block, place.class->bytes);
    if (policy & POLICY_QUARANTINE)
        span_wait(owner, &place);
    else
        span_push(owner, place.span, place.class, place.slot);
}

#endif
