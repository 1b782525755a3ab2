/* SPDX-License-Identifier: MIT */
/*
 * ward/slab.h: blocks of one kind, with the bookkeeping somewhere else.
 *
 * A slab hands out blocks of up to spec.block.size bytes from slots of equal stride. Its free
 * structure, the state and requested size of every slot, generations, quarantine and secrets live
 * in the metadata region of the region it is built on; the data holds user bytes (and canaries and
 * poison) and nothing the slab ever follows.
 *
 *   data      | front pattern | slot 0 | slot 1 | ... | slot capacity-1 || guard
 *   metadata  | geometry, secrets: read-only || state | sizes | stack | generations | quarantine |
 *
 * Data is right-justified: the last slot ends at the end of the region, where a map has its guard.
 *
 * Invariant: capacity == free + live + quarantined + retired.
 *
 * Caught in O(1), always: a second free (certain until the slot is issued again), a free of a
 * foreign, interior or misaligned pointer, a wrong size, a damaged record. A bug costs at most
 * the block concerned, never the list: a wrong call is refused, and a block that was damaged, or
 * written while free, is retired. Geometry that was made writable and changed is
 * reported by the next slow path (verify just answers false), and then every one refuses. Further
 * defences are chosen by policy (ward/policy.h).
 *
 * Threads: a slab is not synchronised; one thread at a time, and not from a signal handler that may
 * interrupt an operation. After fork both processes go on; the child's random choices differ. On
 * memory that a fork wipes or leaves behind (ward/locked.h) every call in the child is refused with
 * a report until the slab is initialised again.
 *
 * The struct itself is ordinary memory: it points at the metadata. Keep it where an overflow does
 * not reach.
 *
 * Cost: alloc and free are O(1), without division, indirect call or lock; see README for figures.
 * Metadata per slot: 8 bytes, 16 with WARD_GENERATION, 4 more per quarantined slot.
 *
 * Out-of-line free structures: hardened_malloc, mimalloc 3. Division-free test of a slot's address:
 * exact division by multiplication (Granlund and Montgomery 1994).
 */
#ifndef WARD_SLAB_H
#define WARD_SLAB_H

#include <ward/layout.h>
#include <ward/locked.h>
#include <ward/map.h>
#include <ward/policy.h>
#include <ward/region.h>
#include <ward/split.h>

/* What a slab is made of. Constant for the slab's life; best a `static const`. */
struct ward_slab_spec {
    struct ward_layout block; /* the largest block; align <= the region's page size */
    unsigned policy;          /* of ward_policy */
    uint32_t guard_every;     /* with WARD_SPAN_GUARD: slots per span; 0: about 64 KiB worth */
    size_t quarantine_bytes;  /* with WARD_QUARANTINE: at most so many wait, but at least one
                               * slot, and at most half of them; 0: 64 KiB */
};

struct ward_slab_geometry_;

struct ward_slab {
    const struct ward_slab_geometry_ *geometry; /* NULL: not initialised */
    struct ward_region *data, *meta;            /* borrowed, or the two below */
    struct ward_map own;                        /* what ward_slab_map mapped; else all zero */
    struct ward_locked own_secret;              /* what ward_slab_map_secret mapped; else zero */
    struct ward_split split;                    /* over one of them */
};

/* A block by slot and generation, one word. 0 is no block. A handle may outlive its block: it then
 * is told from every successor (for 2^32 - 1 issues, after which the slot is retired). A handle of
 * another slab is taken for one of this with probability 2^-32. No capability: who knows one handle
 * can guess others. */
typedef struct {
    uint64_t word;
} ward_handle;

/* A count of everything; see ward_slab_info_get. */
struct ward_slab_info {
    uint32_t capacity, free, live, quarantined, retired; /* slots */
    size_t stride;                                       /* bytes from slot to slot */
    uint64_t bugs;                                       /* contained so far */
    bool locked;                      /* the metadata is behind a protection key */
    bool geometry_fixed;              /* geometry and secrets are read-only */
    uint32_t guards_missing;          /* spans whose guard the system refused */
    uint64_t allocs, frees, failures; /* calls; 0 without WARD_STATISTICS */
    uint64_t live_bytes, peak_bytes;  /* requested; 0 without WARD_STATISTICS */
};

WARD_EXTERN_C_BEGIN

/* Bytes of metadata for capacity slots, with this host's page size; 0: there can be no such slab
 * (spec NULL or wrong, capacity 0, too large). */
WARD_API size_t ward_slab_meta_bytes(const struct ward_slab_spec *spec, uint32_t capacity);

/* Bytes of data for capacity slots, without the front pattern; 0 as above or too large. */
WARD_API size_t ward_slab_data_bytes(const struct ward_slab_spec *spec, uint32_t capacity);

/* A slab over a region that has metadata (a split, a guard over a split): as many slots as fit in
 * the data and can be described in the metadata, whose base is a multiple of 64. Both sides are
 * emptied: what they held is lost. Metadata is committed at once, data as it is needed (with
 * WARD_SPAN_GUARD a span at a time). -EINVAL: a NULL, a spec that makes no sense, no region, or
 * align beyond the page size; -EOVERFLOW: blocks of 4 GiB or more, or more than 2^32 - 1 slots once
 * the last span is full; -ENOTSUP: the region has no metadata, or metadata that a fork wipes or
 * leaves behind (a child's blocks still need it), or cannot do what the policy requires; -ENOSPC:
 * not one slot fits into one of the two, or no key is left; else what the host answers. On failure
 * *slab is all zero. */
WARD_API WARD_CHECKED int ward_slab_init(struct ward_slab *slab, const struct ward_slab_spec *spec,
                                         struct ward_region *region);

/* The recipe: maps what is needed (a lazy map with guards, split) for at least capacity slots (more
 * only to fill the last span of WARD_SPAN_GUARD). Errors as above, and -EINVAL for capacity 0. */
WARD_API WARD_CHECKED int ward_slab_map(struct ward_slab *slab, const struct ward_slab_spec *spec,
                                        uint32_t capacity);

/* The recipe for keys and secrets: data in secret memory (or locked, see own_secret.region.facts),
 * always cleared on free: -EINVAL unless the policy has WARD_ZERO. */
WARD_API WARD_CHECKED int ward_slab_map_secret(struct ward_slab *slab,
                                               const struct ward_slab_spec *spec,
                                               uint32_t capacity);

/* Ends the slab and gives back what map made, or empties the caller's regions; live blocks die. 0,
 * or -EPERM: sealed, the addresses stay taken. *slab is all zero afterwards. Another error is the
 * host's: regions that could not be emptied are the caller's again; where map's could not be
 * unmapped, *slab keeps what is left, and fini may be tried again. NULL and all zero are nothing.
 */
WARD_API int ward_slab_fini(struct ward_slab *slab);

/* A block of size bytes, aligned to spec.block.align. NULL: size is 0 or above spec.block.size, or
 * every slot is taken. The block is zero with WARD_ZERO; else its contents are unspecified. */
WARD_API void *ward_slab_alloc(struct ward_slab *slab, size_t size);

/* Takes a block back. size is what was requested. NULL is nothing; all else that is not a live
 * block of that size is a bug, reported. */
WARD_API void ward_slab_free(struct ward_slab *slab, void *block, size_t size);

/* Changes the requested size in place: 0, or -EINVAL (size is 0 or above spec.block.size) with the
 * block untouched. was is its size so far; a block that is not live, was not requested with was, or
 * overflowed is a bug; contained, the call answers -EFAULT. */
WARD_API WARD_CHECKED int ward_slab_resize(struct ward_slab *slab, void *block, size_t was,
                                           size_t size);

/* The requested size of a live block, all of which is usable; 0 for anything else (no report). */
WARD_API size_t ward_slab_usable(const struct ward_slab *slab, const void *block);

/* The handle of a live block; 0 for anything else, and without WARD_GENERATION. */
WARD_API ward_handle ward_slab_handle(const struct ward_slab *slab, const void *block);

/* The block of a handle; NULL if it is gone, or never was this slab's. Not a bug: asking is what
 * handles are for. */
WARD_API void *ward_slab_get(const struct ward_slab *slab, ward_handle handle);

/* Frees by handle: a stale one is a bug (WARD-STALE-HANDLE), 0 is nothing. */
WARD_API void ward_slab_free_handle(struct ward_slab *slab, ward_handle handle);

/* Calls each for every live block, in the order of addresses, until it returns false. each may free
 * the block it is given and no other. */
WARD_API void ward_slab_each(struct ward_slab *slab,
                             bool (*each)(void *block, size_t size, void *arg), void *arg);

/* Gives the pages of wholly free parts of the data back to the system; the free structure stays.
 * Returns the bytes given back, or a negative error number (-ENOTSUP: the region cannot). */
WARD_API WARD_CHECKED ptrdiff_t ward_slab_release(struct ward_slab *slab);

/* Frees every block at once, quarantine included; retired slots come back, generations go on, so
 * that no old handle gets valid. Contents are dropped. O(slots ever issued). 0, or what dropping
 * answers, and then nothing changed. */
WARD_API WARD_CHECKED int ward_slab_reset(struct ward_slab *slab);

/* Recounts everything from the metadata, and checks the canary of every live block, the poison or
 * zero of every free one, and the front pattern. True: all is well;
 * O(capacity), reports nothing. */
WARD_API bool ward_slab_verify(const struct ward_slab *slab);

/* Fills *info; all zero if slab is not initialised. O(1). */
WARD_API void ward_slab_info_get(const struct ward_slab *slab, struct ward_slab_info *info);

/* The same objects as a region wrapper sees them: NULL if slab is not initialised. */
WARD_API struct ward_region *ward_slab_data(const struct ward_slab *slab);
WARD_API struct ward_region *ward_slab_meta(const struct ward_slab *slab);

WARD_EXTERN_C_END

#include <ward/inline/slab.h>

/*
 * A pool type of its own for blocks of type T: `struct NAME` and
 *
 *   int  NAME_map(struct NAME *, uint32_t capacity);
 *   T   *NAME_alloc(struct NAME *);
 *   void NAME_free(struct NAME *, T *);
 *   int  NAME_fini(struct NAME *);
 *
 * as their ward_slab_ counterparts, with size, stride and policy folded into the code. A policy
 * that makes no sense does not compile.
 */
#define WARD_SLAB_DEFINE(NAME, T, POLICY)                                                          \
    WARD_STATIC_ASSERT(WARD_POLICY_OK(POLICY),                                                     \
                       #NAME ": this combination of policies makes no sense");                     \
    static const struct ward_slab_spec NAME##_spec = { WARD_LAYOUT_OF(T), (POLICY), 0, 0 };        \
    struct NAME {                                                                                  \
        struct ward_slab slab;                                                                     \
    };                                                                                             \
    WARD_CHECKED WARD_INLINE int NAME##_map(struct NAME *pool, uint32_t capacity)                  \
    {                                                                                              \
        return ward_slab_map(pool ? &pool->slab : NULL, &NAME##_spec, capacity);                   \
    }                                                                                              \
    WARD_INLINE T *NAME##_alloc(struct NAME *pool)                                                 \
    {                                                                                              \
        return (T *)ward_slab_alloc_(&pool->slab, &NAME##_spec, sizeof(T));                        \
    }                                                                                              \
    WARD_INLINE void NAME##_free(struct NAME *pool, T *block)                                      \
    {                                                                                              \
        ward_slab_free_(&pool->slab, &NAME##_spec, block, sizeof(T));                              \
    }                                                                                              \
    WARD_INLINE int NAME##_fini(struct NAME *pool)                                                 \
    {                                                                                              \
        return ward_slab_fini(pool ? &pool->slab : NULL);                                          \
    }                                                                                              \
    WARD_STATIC_ASSERT(sizeof(T) > 0, #NAME ": a block needs at least one byte")

#endif
