/* SPDX-License-Identifier: MIT */
/*
 * The fast paths of the slab. Not API; the structures are ABI, since this folds into user code.
 *
 * One body serves every slab: with a constant spec (WARD_SLAB_DEFINE) size, stride and policy fold
 * into it; ward_slab_alloc reads them from the geometry, which is read-only after init. Everything
 * that is not the common case is one call away in slab.c.
 *
 * What is trusted: the geometry. What is not: the state, whose every value is bounded before use,
 * and the data, of which no byte is ever followed.
 */
#ifndef WARD_INLINE_SLAB_H
#define WARD_INLINE_SLAB_H

#include <ward/inline/canary.h>
#include <ward/inline/fill.h>
#include <ward/inline/slot.h>
#include <ward/random.h>
#include <ward/slab.h>

/* The word of a slot: 1 .. 2^32 - 17 is the requested size of a live block; else it is one of
 * these. Any two of them differ in two bits or more, and so do all but the first from the size of
 * any block below 2 GiB: no single wrong bit makes a slot live, or free, that is not. */
#define WARD_SLOT_NEW         UINT32_C(0)          /* never issued */
#define WARD_SLOT_FREE        UINT32_C(0xfffffff0) /* free; reads as zero if the policy cares */
#define WARD_SLOT_POISONED    UINT32_C(0xfffffff3) /* free, full of poison */
#define WARD_SLOT_RETIRED     UINT32_C(0xfffffff5) /* never issued again */
#define WARD_SLOT_QUARANTINED UINT32_C(0xffffffff) /* waiting */
#define WARD_SLAB_STRIDE_MAX  UINT32_C(0xfffffff0)

/* Random choices are among so many slots. */
#define WARD_SLAB_WINDOW 256u

/* Why a slab takes the long way: its key is closed, or its memory does not survive fork. */
enum ward_slab_mode_ { WARD_SLAB_LOCKED = 1, WARD_SLAB_FORK = 2 };

/* One row per place: what is known of slot i, and entry i of the stack of free slots (which has
 * nothing to do with slot i). */
struct ward_slab_row_ {
    uint32_t word;  /* of slot i, see above */
    uint32_t entry; /* a free slot, for i < state->top */
};

#if defined(__clang__) && defined(__cplusplus)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions" /* where __extension__ says nothing to it */
#endif

/* What changes. Nothing here is believed without a test.
 * capacity == (top + capacity - fresh) + live + quarantined + retired */
struct WARD_ALIGNED(64) ward_slab_state_ {
    uint32_t top;   /* entries of the stack */
    uint32_t low;   /* refill at or below so many */
    uint32_t fresh; /* slots from here on were never issued */
    uint32_t quarantined, retired;
    uint32_t next_fifo;         /* the oldest entry of the queue */
    uint32_t spans_guarded;     /* so many have been tried: once is enough, also after reset */
    uint32_t spans_guarded_not; /* its complement */
    uint32_t guards_missing;
    uint64_t bugs;
    uint64_t allocs, frees, failures, live_bytes, peak_bytes;
    struct ward_random random;
    __extension__ struct ward_slab_row_ rows[]; /* [capacity] */
};

#if defined(__clang__) && defined(__cplusplus)
#pragma clang diagnostic pop
#endif

/* Where everything is, and the secrets. Written once by init, then read-only.
 *
 * The fast paths see the slab through `open` and `limit`. Of a slab whose metadata is closed they
 * see an empty one (open is `closed`, limit 0), and so leave everything to the functions that open
 * it. */
struct ward_slab_geometry_ {
    unsigned char *base; /* slot 0 */
    struct ward_slab_state_ *open;
    uint32_t limit;     /* capacity, or 0 */
    uint32_t capacity;  /* slots */
    uint64_t inverse;   /* of the odd part of stride */
    unsigned shift;     /* stride == odd << shift */
    size_t stride;      /* bytes */
    size_t front;       /* pattern bytes before the first slot of a span */
    uint64_t canary[2]; /* secret */
    const volatile uint64_t *fork_word;
    uint32_t *waiting; /* [random + fifo] quarantined slots + 1; 0: empty */
    uint32_t waiting_random, waiting_fifo;
    uint64_t *generations;    /* [capacity] issue count and its complement; 0: never issued */
    uint32_t per_span, spans; /* slots per span, spans; capacity and 1 without span guards */
    uint64_t span_reciprocal; /* of per_span */
    unsigned pitch_log2;      /* bytes from span to span */
    struct ward_slab_state_ *state;
    struct ward_slab_row_ *rows; /* [capacity] */
    unsigned mode;               /* of ward_slab_mode_ */
    bool fixed;                  /* this really is read-only: the region could do it */
    int key;                     /* the protection key, with WARD_SLAB_LOCKED */
    uint64_t epoch;              /* of the process this was made in */
    uint64_t salt;               /* secret: what handles are mixed with */
    struct ward_slab_spec spec;  /* a copy */
    struct ward_region *data, *meta;
    uint64_t check; /* a sum of all that stands above, and of where it stands */
    WARD_ALIGNED(64)
    unsigned char closed[64]; /* all zero: the start of an empty state; only read */
};

WARD_EXTERN_C_BEGIN

/* What the fast paths leave to others, with nothing changed yet. `at` is the entry of the stack
 * that turned out to be unfit, UINT32_MAX if none did. */
WARD_API WARD_COLD void *ward_slab_alloc_slow_(struct ward_slab *slab, size_t size, uint32_t at);
WARD_API WARD_COLD void ward_slab_free_slow_(struct ward_slab *slab, void *block, size_t size);

WARD_EXTERN_C_END

/* Is this call better left to the library? In code that is folded for a constant spec only requests
 * for whole blocks are, so that the slack is a constant: the rest would be in every caller's way.
 */
#define WARD_SLAB_LEAVE_(SPEC, SIZE)                                                               \
    (WARD_SLAB_IS_CONSTANT_(SPEC) && (SPEC)->policy & WARD_CANARY &&                               \
     !__builtin_constant_p(SIZE) && (SIZE) != (SPEC)->block.size)

/* Does the compiler know the spec? Then what follows from it is a constant too; else it is read
 * from the geometry, which holds the same. */
#define WARD_SLAB_IS_CONSTANT_(SPEC)                                                               \
    (__builtin_constant_p((SPEC)->block.size) && __builtin_constant_p((SPEC)->policy))

WARD_INLINE size_t ward_slab_stride_(const struct ward_slab_geometry_ *g,
                                     const struct ward_slab_spec *spec)
{
    size_t used = spec->block.size + (spec->policy & WARD_CANARY ? 8 : 0);

    return WARD_SLAB_IS_CONSTANT_(spec) ? (used + spec->block.align - 1) & ~(spec->block.align - 1)
                                        : g->stride;
}

/* The number of slot starts below an offset that is one; else something else. */
WARD_INLINE uint64_t ward_slab_slots_(const struct ward_slab_geometry_ *g,
                                      const struct ward_slab_spec *spec, uint64_t offset)
{
    uint64_t stride = ward_slab_stride_(g, spec);
    unsigned shift = WARD_SLAB_IS_CONSTANT_(spec) ? (unsigned)__builtin_ctzll(stride) : g->shift;
    uint64_t inverse =
        WARD_SLAB_IS_CONSTANT_(spec) ? ward_slot_inverse_(stride >> shift) : g->inverse;

    return ward_slot_index_(offset, inverse, shift);
}

WARD_INLINE unsigned char *ward_slab_at_(const struct ward_slab_geometry_ *g,
                                         const struct ward_slab_spec *spec, uint32_t index)
{
    uint32_t span;

    if (!(spec->policy & WARD_SPAN_GUARD))
        return g->base + index * ward_slab_stride_(g, spec);
    span = ward_slot_divide_(index, g->span_reciprocal);
    return g->base + ((size_t)span << g->pitch_log2) +
           (index - span * g->per_span) * ward_slab_stride_(g, spec);
}

/* The slot that starts at block; >= capacity if none does. */
WARD_INLINE uint64_t ward_slab_index_(const struct ward_slab_geometry_ *g,
                                      const struct ward_slab_spec *spec, const void *block)
{
    uint64_t off = (uintptr_t)block - (uintptr_t)g->base, span, slot;

    if (!(spec->policy & WARD_SPAN_GUARD))
        return ward_slab_slots_(g, spec, off);
    span = off >> g->pitch_log2;
    slot = ward_slab_slots_(g, spec, off & (((uint64_t)1 << g->pitch_log2) - 1));
    return span < g->spans && slot < g->per_span ? span * g->per_span + slot : UINT64_MAX;
}

WARD_INLINE bool ward_slab_is_first_(const struct ward_slab_geometry_ *g,
                                     const struct ward_slab_spec *spec, uint32_t index)
{
    if (!(spec->policy & WARD_SPAN_GUARD))
        return index == 0;
    return index - ward_slot_divide_(index, g->span_reciprocal) * g->per_span == 0;
}

/* The free slot is as free left it: its word, and by the policy its bytes. */
WARD_INLINE bool ward_slab_untouched_(const struct ward_slab_geometry_ *g,
                                      const struct ward_slab_spec *spec, uint32_t word,
                                      const unsigned char *block)
{
    size_t stride = ward_slab_stride_(g, spec);

    if (spec->policy & WARD_POISON && WARD_LIKELY(word == WARD_SLOT_POISONED))
        return ward_fill_is_(block, stride, WARD_POISON_BYTE);
    return word == WARD_SLOT_FREE &&
           (!(spec->policy & (WARD_ZERO | WARD_POISON)) || ward_fill_is_(block, stride, 0));
}

/* A generation that agrees with its complement, and is not the last. */
WARD_INLINE bool ward_slab_may_age_(uint64_t word)
{
    return word == 0 || ((uint32_t)(word >> 32) == ~(uint32_t)word && (uint32_t)word != UINT32_MAX);
}

/* May this slot be issued? */
WARD_INLINE bool ward_slab_is_fit_(const struct ward_slab_geometry_ *g,
                                   const struct ward_slab_spec *spec,
                                   const struct ward_slab_row_ *rows, uint32_t limit,
                                   uint32_t index)
{
    return index < limit &&
           ward_slab_untouched_(g, spec, rows[index].word, ward_slab_at_(g, spec, index)) &&
           (!(spec->policy & WARD_GENERATION) || ward_slab_may_age_(g->generations[index]));
}

WARD_INLINE void ward_slab_age_(const struct ward_slab_geometry_ *g, uint32_t index)
{
    uint32_t age = (uint32_t)g->generations[index] + 1;

    g->generations[index] = (uint64_t)~age << 32 | age;
}

WARD_INLINE void ward_slab_count_alloc_(struct ward_slab_state_ *st, size_t size)
{
    st->allocs++;
    st->live_bytes += size;
    if (st->live_bytes > st->peak_bytes)
        st->peak_bytes = st->live_bytes;
}

/* Makes a fit slot, no longer on the stack, a live block. */
WARD_INLINE void *ward_slab_issue_(const struct ward_slab_geometry_ *g,
                                   const struct ward_slab_spec *spec, struct ward_slab_state_ *st,
                                   struct ward_slab_row_ *row, uint32_t index, size_t size)
{
    unsigned char *block = ward_slab_at_(g, spec, index);

    row->word = (uint32_t)size;
    if (spec->policy & WARD_GENERATION)
        ward_slab_age_(g, index);
    if (spec->policy & WARD_CANARY)
        ward_canary_arm_(block + size, ward_slab_stride_(g, spec) - size,
                         ward_canary_word_(g->canary, index));
    if (spec->policy & WARD_STATISTICS)
        ward_slab_count_alloc_(st, size);
    return block;
}

/* Entry `at` leaves the stack, and the topmost takes its place (which it is, unless by choice). */
WARD_INLINE void ward_slab_drop_(const struct ward_slab_spec *spec, struct ward_slab_state_ *st,
                                 struct ward_slab_row_ *rows, uint32_t top, uint32_t at)
{
    if (spec->policy & WARD_RANDOM_SLOT)
        rows[at].entry = rows[top - 1].entry;
    st->top = top - 1;
}

/* A random one of the topmost entries of the stack, from a stream that is ready. */
WARD_INLINE uint32_t ward_slab_choose_(struct ward_slab_state_ *st, uint32_t top)
{
    if (WARD_LIKELY(top >= WARD_SLAB_WINDOW))
        return top - 1 - ward_random_byte_(&st->random);
    return top - 1 - ward_random_draw_(&st->random, top);
}

/* Can a random choice be made now, among enough? */
WARD_INLINE bool ward_slab_may_choose_(const struct ward_slab_geometry_ *g,
                                       const struct ward_slab_state_ *st, uint32_t top)
{
    return ward_random_is_ready_(&st->random, g->fork_word) &&
           (WARD_LIKELY(top >= WARD_SLAB_WINDOW) || top > st->low);
}

WARD_INLINE void *ward_slab_alloc_(struct ward_slab *slab, const struct ward_slab_spec *spec,
                                   size_t size)
{
    const struct ward_slab_geometry_ *g = slab->geometry;
    struct ward_slab_state_ *st = g->open;
    uint32_t top = st->top, limit = g->limit, at = top - 1, index;

    if (WARD_UNLIKELY(WARD_SLAB_LEAVE_(spec, size)))
        return ward_slab_alloc(slab, size);
    if (WARD_UNLIKELY(size - 1 >= spec->block.size))
        return NULL;
    if (WARD_UNLIKELY(at >= limit ||
                      (spec->policy & WARD_RANDOM_SLOT && !ward_slab_may_choose_(g, st, top))))
        return ward_slab_alloc_slow_(slab, size, UINT32_MAX);
    if (spec->policy & WARD_RANDOM_SLOT)
        at = ward_slab_choose_(st, top);
    index = st->rows[at].entry;
    if (WARD_UNLIKELY(!ward_slab_is_fit_(g, spec, st->rows, limit, index)))
        return ward_slab_alloc_slow_(slab, size, at);
    ward_slab_drop_(spec, st, st->rows, top, at);
    return ward_slab_issue_(g, spec, st, &st->rows[index], index, size);
}

/* Is everything around the block as alloc left it? */
WARD_INLINE bool ward_slab_is_intact_(const struct ward_slab_geometry_ *g,
                                      const struct ward_slab_spec *spec, uint32_t index,
                                      const unsigned char *block, size_t size)
{
    return !(spec->policy & WARD_CANARY) ||
           ward_canary_is_(block + size, ward_slab_stride_(g, spec) - size,
                           ward_canary_word_(g->canary, index));
}

/* What takes a slot's place in the quarantine: its number + 1; 0: nobody has to leave. */
struct ward_slab_place_ {
    uint32_t *random, *fifo; /* fifo: NULL if the queue does not move */
    uint32_t next_fifo;      /* the oldest entry of the queue from then on */
    uint32_t leaves;
};

/* A slot goes to a random place of an array, who was there to the queue, and the oldest of the
 * queue leaves. Finds the places and changes nothing but the stream of choices. */
WARD_INLINE struct ward_slab_place_ ward_slab_place_find_(const struct ward_slab_geometry_ *g,
                                                          struct ward_slab_state_ *st)
{
    struct ward_slab_place_ place;
    uint32_t oldest = st->next_fifo < g->waiting_fifo ? st->next_fifo : 0;

    place.random = &g->waiting[ward_random_byte_(&st->random) * g->waiting_random >> 8];
    place.leaves = *place.random;
    place.fifo = NULL;
    place.next_fifo = 0;
    if (place.leaves && g->waiting_fifo) {
        place.fifo = &g->waiting[g->waiting_random + oldest];
        place.next_fifo = oldest + 1;
        place.leaves = *place.fifo;
    }
    return place;
}

WARD_INLINE void ward_slab_place_take_(struct ward_slab_state_ *st,
                                       const struct ward_slab_place_ *place, uint32_t index)
{
    if (place->fifo) {
        *place->fifo = *place->random;
        st->next_fifo = place->next_fifo;
    }
    *place->random = index + 1;
}

/* Is the one that leaves a slot that waits? Nobody is, too. */
WARD_INLINE bool ward_slab_place_ok_(const struct ward_slab_geometry_ *g,
                                     const struct ward_slab_row_ *rows,
                                     const struct ward_slab_place_ *place)
{
    return place->leaves == 0 || (place->leaves - 1 < g->capacity &&
                                  rows[place->leaves - 1].word == WARD_SLOT_QUARANTINED);
}

/* Makes a slot free: onto the stack. */
WARD_INLINE void ward_slab_push_(const struct ward_slab_spec *spec, struct ward_slab_state_ *st,
                                 struct ward_slab_row_ *rows, uint32_t index)
{
    uint32_t top = st->top;

    rows[index].word = spec->policy & WARD_POISON ? WARD_SLOT_POISONED : WARD_SLOT_FREE;
    rows[top].entry = index;
    st->top = top + 1;
}

/* What a block leaves behind in its slot: by the policy nothing, and never its canary, which the
 * next owner could read. */
WARD_INLINE void ward_slab_scrub_(const struct ward_slab_geometry_ *g,
                                  const struct ward_slab_spec *spec, unsigned char *block,
                                  size_t size)
{
    size_t stride = ward_slab_stride_(g, spec);

    if (spec->policy & (WARD_ZERO | WARD_POISON))
        ward_fill_(block, stride, spec->policy & WARD_POISON ? WARD_POISON_BYTE : 0);
    else if (spec->policy & WARD_CANARY)
        ward_fill_(block + size, stride - size, 0);
}

WARD_INLINE void ward_slab_free_(struct ward_slab *slab, const struct ward_slab_spec *spec,
                                 void *at, size_t size)
{
    const struct ward_slab_geometry_ *g = slab->geometry;
    struct ward_slab_state_ *st = g->open;
    unsigned char *block = (unsigned char *)at;
    uint64_t found = ward_slab_index_(g, spec, block);
    uint32_t index = (uint32_t)found, limit = g->limit;
    struct ward_slab_place_ place = { NULL, NULL, 0, 0 };

    if (WARD_UNLIKELY(WARD_SLAB_LEAVE_(spec, size))) {
        ward_slab_free(slab, block, size);
        return;
    }
    if (WARD_UNLIKELY(found >= limit || st->rows[index].word != size ||
                      size - 1 >= spec->block.size || st->top >= limit ||
                      !ward_slab_is_intact_(g, spec, index, block, size) ||
                      (ward_slab_is_first_(g, spec, index) && g->front))) {
        ward_slab_free_slow_(slab, block, size);
        return;
    }
    if (spec->policy & WARD_QUARANTINE) {
        if (WARD_UNLIKELY(!ward_random_is_ready_(&st->random, g->fork_word) ||
                          (place = ward_slab_place_find_(g, st),
                           !ward_slab_place_ok_(g, st->rows, &place)))) {
            ward_slab_free_slow_(slab, block, size);
            return;
        }
        ward_slab_place_take_(st, &place, index);
        st->rows[index].word = WARD_SLOT_QUARANTINED;
        if (place.leaves)
            ward_slab_push_(spec, st, st->rows, place.leaves - 1);
        else
            st->quarantined++;
    } else {
        ward_slab_push_(spec, st, st->rows, index);
    }
    if (spec->policy & WARD_STATISTICS) {
        st->frees++;
        st->live_bytes -= size;
    }
    ward_slab_scrub_(g, spec, block, size);
}

#endif
