/* SPDX-License-Identifier: MIT */
/*
 * The fast paths of the slab. Not API; the structures are ABI, since this folds into user code.
 *
 * One body serves every slab: with a constant spec (WARD_SLAB_DEFINE) size, stride and policy fold
 * into it; ward_slab_alloc reads them from the geometry, which is read-only after init. Everything
 * that is not the common case is one call away in slab.c.
 *
 * What is trusted: the geometry. What is not: the state, whose every value is bounded before use, and
 * the data, of which no byte is ever followed.
 */
#ifndef WARD_INLINE_SLAB_H
#define WARD_INLINE_SLAB_H

#include <ward/inline/canary.h>
#include <ward/inline/fill.h>
#include <ward/inline/slot.h>
#include <ward/random.h>
#include <ward/slab.h>

/* The words of a slot: 1 .. 2^32 - 17 is the requested size of a live block. A row that was never
 * touched is 0: free, and the slot reads as zero. */
enum ward_slab_word_ {
    WARD_SLOT_FREE = 0,
};
#define WARD_SLOT_POISONED UINT32_C(0xfffffffd)    /* free, full of poison */
#define WARD_SLOT_RETIRED UINT32_C(0xfffffffe)     /* never issued again */
#define WARD_SLOT_QUARANTINED UINT32_C(0xffffffff) /* waiting */
#define WARD_SLAB_STRIDE_MAX UINT32_C(0xfffffff0)

/* Random choices are among so many slots. */
#define WARD_SLAB_WINDOW 256u

/* Why a slab takes the long way: its key is closed, or its memory does not survive fork. */
enum ward_slab_mode_ { WARD_SLAB_LOCKED = 1, WARD_SLAB_FORK = 2 };

/* Where everything is, and the secrets. Written once by init, then read-only. */
struct ward_slab_geometry_ {
    unsigned char *base;  /* slot 0 */
    uint64_t inverse;     /* of the odd part of stride */
    unsigned shift;       /* stride == odd << shift */
    uint32_t capacity;    /* slots */
    size_t stride;        /* bytes */
    struct ward_slab_state_ *state;
    uint32_t *sizes;      /* [capacity] a word per slot, see above */
    uint32_t *stack;      /* [capacity] free slots below `fresh`: [0, state->top) */
    uint64_t *generations; /* [capacity] issue count and its complement; 0: never issued */
    uint32_t *waiting;    /* [random + fifo] quarantined slots + 1; 0: empty */
    uint32_t waiting_random, waiting_fifo;
    unsigned mode;        /* of ward_slab_mode_ */
    bool fixed;           /* this really is read-only: the region could do it */
    int key;              /* the protection key, with WARD_SLAB_LOCKED */
    const volatile uint64_t *fork_word;
    uint64_t epoch;       /* of the process this was made in */
    uint64_t canary[2];   /* secret */
    uint64_t salt;        /* secret: what handles are mixed with */
    size_t front;         /* pattern bytes before the first slot of a span */
    uint32_t per_span, spans;   /* slots per span, spans; capacity and 1 without span guards */
    uint64_t span_reciprocal;   /* of per_span */
    unsigned pitch_log2;        /* bytes from span to span */
    struct ward_slab_spec spec; /* a copy */
    struct ward_region *data, *meta;
};

/* What changes. Nothing here is believed without a test.
 * capacity == (top + capacity - fresh) + live + quarantined + retired */
struct ward_slab_state_ {
    uint32_t top;         /* entries of the stack */
    uint32_t low;         /* refill at or below so many */
    uint32_t fresh;       /* slots from here on were never issued */
    uint32_t quarantined, retired;
    uint32_t next_fifo;   /* the oldest entry of the queue */
    uint32_t guards_missing;
    uint64_t bugs;
    uint64_t allocs, frees, failures, live_bytes, peak_bytes;
    struct ward_random random;
};

WARD_EXTERN_C_BEGIN

/* The long ways, out of line. */
WARD_API WARD_COLD void *ward_slab_alloc_closed_(struct ward_slab *slab, size_t size);
WARD_API WARD_COLD void ward_slab_free_closed_(struct ward_slab *slab, void *block, size_t size);
WARD_API WARD_COLD bool ward_slab_refill_(struct ward_slab *slab);
WARD_API WARD_COLD void ward_slab_bad_entry_(struct ward_slab *slab, const void *entry);
WARD_API WARD_COLD void ward_slab_bad_slot_(struct ward_slab *slab, uint32_t index);
WARD_API WARD_COLD void ward_slab_bad_free_(struct ward_slab *slab, void *block, size_t size);
WARD_API WARD_COLD bool ward_slab_front_is_(const struct ward_slab_geometry_ *g,
                                            const unsigned char *first);
WARD_API WARD_COLD void ward_slab_damaged_(struct ward_slab *slab, uint32_t index, size_t size);

WARD_EXTERN_C_END

WARD_INLINE size_t ward_slab_stride_(const struct ward_slab_geometry_ *g,
                                     const struct ward_slab_spec *spec)
{
    size_t used = spec->block.size + (spec->policy & WARD_CANARY ? 8 : 0);

    if (__builtin_constant_p(spec->block.size) && __builtin_constant_p(spec->policy))
        return (used + spec->block.align - 1) & ~(spec->block.align - 1);
    return g->stride;
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
        return ward_slot_index_(off, g->inverse, g->shift);
    span = off >> g->pitch_log2;
    slot = ward_slot_index_(off & (((uint64_t)1 << g->pitch_log2) - 1), g->inverse, g->shift);
    return span < g->spans && slot < g->per_span ? span * g->per_span + slot : UINT64_MAX;
}

WARD_INLINE bool ward_slab_is_first_(const struct ward_slab_geometry_ *g,
                                     const struct ward_slab_spec *spec, uint32_t index)
{
    if (!(spec->policy & WARD_SPAN_GUARD))
        return index == 0;
    return index - ward_slot_divide_(index, g->span_reciprocal) * g->per_span == 0;
}

/* A slot number at random among the topmost of the stack, which it is taken from. */
WARD_INLINE uint32_t ward_slab_pop_(const struct ward_slab_geometry_ *g,
                                    const struct ward_slab_spec *spec, uint32_t top)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t at = top - 1, index;

    if (spec->policy & WARD_RANDOM_SLOT)
        at -= ward_random_below_(&st->random, g->fork_word,
                                 top < WARD_SLAB_WINDOW ? top : WARD_SLAB_WINDOW);
    index = g->stack[at];
    if (spec->policy & WARD_RANDOM_SLOT)
        g->stack[at] = g->stack[top - 1];
    st->top = top - 1;
    return index;
}

/* The free slot is as free left it? Returns false if its word or its bytes are not. */
WARD_INLINE bool ward_slab_untouched_(const struct ward_slab_geometry_ *g,
                                      const struct ward_slab_spec *spec, uint32_t index,
                                      const unsigned char *block)
{
    uint32_t word = g->sizes[index];
    size_t stride = ward_slab_stride_(g, spec);

    if (!(spec->policy & WARD_POISON))
        return word == WARD_SLOT_FREE &&
               (!(spec->policy & WARD_ZERO) || ward_fill_is_(block, stride, 0));
    return (word == WARD_SLOT_POISONED && ward_fill_is_(block, stride, WARD_POISON_BYTE)) ||
           (word == WARD_SLOT_FREE && ward_fill_is_(block, stride, 0));
}

/* Counts an issue. False: the record is damaged, or the slot was issued too often. */
WARD_INLINE bool ward_slab_age_(const struct ward_slab_geometry_ *g, uint32_t index)
{
    uint64_t word = g->generations[index];
    uint32_t age = (uint32_t)word;

    if (WARD_UNLIKELY((word != 0 && (uint32_t)(word >> 32) != ~age) || age == UINT32_MAX))
        return false;
    age++;
    g->generations[index] = (uint64_t)~age << 32 | age;
    return true;
}

WARD_INLINE void ward_slab_count_alloc_(struct ward_slab_state_ *st, size_t size)
{
    st->allocs++;
    st->live_bytes += size;
    if (st->live_bytes > st->peak_bytes)
        st->peak_bytes = st->live_bytes;
}

/* Allocates with the metadata at hand (ward_slab_alloc_ saw to that). */
WARD_INLINE void *ward_slab_take_(struct ward_slab *slab, const struct ward_slab_geometry_ *g,
                                  const struct ward_slab_spec *spec, size_t size)
{
    struct ward_slab_state_ *st = g->state;
    unsigned char *block;
    uint32_t index, top;

    if (WARD_UNLIKELY(size - 1 >= spec->block.size))
        return NULL;
    for (;;) {
        top = st->top;
        if (WARD_UNLIKELY(top <= st->low || top > g->capacity)) {
            if (!ward_slab_refill_(slab))
                return NULL;
            top = st->top;
        }
        index = ward_slab_pop_(g, spec, top);
        if (WARD_UNLIKELY(index >= g->capacity)) {
            ward_slab_bad_entry_(slab, &g->stack[top - 1]);
            continue;
        }
        block = ward_slab_at_(g, spec, index);
        if (WARD_LIKELY(ward_slab_untouched_(g, spec, index, block)) &&
            (!(spec->policy & WARD_GENERATION) || WARD_LIKELY(ward_slab_age_(g, index))))
            break;
        ward_slab_bad_slot_(slab, index);
    }
    g->sizes[index] = (uint32_t)size;
    if (spec->policy & WARD_CANARY)
        ward_canary_arm_(block + size, ward_slab_stride_(g, spec) - size,
                         ward_canary_word_(g->canary, index));
    if (spec->policy & WARD_STATISTICS)
        ward_slab_count_alloc_(st, size);
    return block;
}

/* Everything around the block is as alloc left it? */
WARD_INLINE bool ward_slab_intact_(const struct ward_slab_geometry_ *g,
                                   const struct ward_slab_spec *spec, uint32_t index,
                                   const unsigned char *block, size_t size)
{
    if (WARD_UNLIKELY(ward_slab_is_first_(g, spec, index)) && g->front &&
        !ward_slab_front_is_(g, block))
        return false;
    return !(spec->policy & WARD_CANARY) ||
           ward_canary_is_(block + size, ward_slab_stride_(g, spec) - size,
                           ward_canary_word_(g->canary, index));
}

/* Puts a slot into the quarantine; another one may come out: its number + 1, else 0. It goes through
 * a random place of an array, and from there through a queue. */
WARD_INLINE uint32_t ward_slab_wait_(const struct ward_slab_geometry_ *g, uint32_t index)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t *fifo = g->waiting + g->waiting_random, out, at;

    at = ward_random_below_(&st->random, g->fork_word, g->waiting_random);
    out = g->waiting[at];
    g->waiting[at] = index + 1;
    if (g->waiting_fifo == 0 || out == 0)
        return out;
    at = st->next_fifo < g->waiting_fifo ? st->next_fifo : 0;
    st->next_fifo = at + 1;
    index = fifo[at];
    fifo[at] = out;
    return index;
}

/* Makes a slot that waited free again. False: no such slot waited. */
WARD_INLINE bool ward_slab_push_(const struct ward_slab_geometry_ *g,
                                 const struct ward_slab_spec *spec, uint32_t index)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t top = st->top;

    if (WARD_UNLIKELY(top >= g->capacity))
        return false;
    g->sizes[index] = spec->policy & WARD_POISON ? WARD_SLOT_POISONED : WARD_SLOT_FREE;
    g->stack[top] = index;
    st->top = top + 1;
    return true;
}

/* Frees with the metadata at hand. */
WARD_INLINE void ward_slab_put_(struct ward_slab *slab, const struct ward_slab_geometry_ *g,
                                const struct ward_slab_spec *spec, void *at, size_t size)
{
    struct ward_slab_state_ *st = g->state;
    unsigned char *block = (unsigned char *)at;
    uint64_t found = ward_slab_index_(g, spec, block);
    uint32_t index = (uint32_t)found, out;

    if (WARD_UNLIKELY(found >= g->capacity || g->sizes[index] != size ||
                      size - 1 >= spec->block.size)) {
        ward_slab_bad_free_(slab, block, size);
        return;
    }
    if (WARD_UNLIKELY(!ward_slab_intact_(g, spec, index, block, size))) {
        ward_slab_damaged_(slab, index, size);
        return;
    }
    if (spec->policy & (WARD_ZERO | WARD_POISON))
        __builtin_memset(block, spec->policy & WARD_POISON ? WARD_POISON_BYTE : 0,
                         ward_slab_stride_(g, spec));
    if (spec->policy & WARD_STATISTICS) {
        st->frees++;
        st->live_bytes -= size;
    }
    if (spec->policy & WARD_QUARANTINE) {
        g->sizes[index] = WARD_SLOT_QUARANTINED;
        st->quarantined++;
        out = ward_slab_wait_(g, index);
        if (out == 0)
            return;
        index = out - 1;
        st->quarantined--;
        if (WARD_UNLIKELY(index >= g->capacity || g->sizes[index] != WARD_SLOT_QUARANTINED)) {
            ward_slab_bad_entry_(slab, g->waiting);
            return;
        }
    }
    if (WARD_UNLIKELY(!ward_slab_push_(g, spec, index)))
        ward_slab_bad_entry_(slab, &st->top);
}

WARD_INLINE void *ward_slab_alloc_(struct ward_slab *slab, const struct ward_slab_spec *spec,
                                   size_t size)
{
    const struct ward_slab_geometry_ *g = slab->geometry;

    if (WARD_UNLIKELY(g->mode))
        return ward_slab_alloc_closed_(slab, size);
    return ward_slab_take_(slab, g, spec, size);
}

WARD_INLINE void ward_slab_free_(struct ward_slab *slab, const struct ward_slab_spec *spec,
                                 void *block, size_t size)
{
    const struct ward_slab_geometry_ *g = slab->geometry;

    if (WARD_UNLIKELY(g->mode))
        ward_slab_free_closed_(slab, block, size);
    else
        ward_slab_put_(slab, g, spec, block, size);
}

#endif
