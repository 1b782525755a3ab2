/* SPDX-License-Identifier: MIT */
/*
 * ward/region.h: a range of address space that can be committed, released and protected.
 *
 * A region has a fixed base, size and grain. Backings make regions (map, static, heap, huge,
 * locked, secret); wrappers are regions over a region (split, guard, seal) and borrow it: the
 * inner region outlives the wrapper. Every concrete type has a `struct ward_region region` as its
 * first member, so a wrapper takes `&map.region` and nothing else compiles.
 *
 * All of a region's state is in storage the caller owns. Initialise it in place, never copy or
 * move it. A region is not synchronised: one thread at a time calls the functions that return
 * int; has, committed and meta only read and may run in parallel with each other.
 *
 * Who maps, guards: every mapping has inaccessible pages outside [base, base + size) at both
 * ends. What a region cannot do is -ENOTSUP, and its header says which.
 */
#ifndef WARD_REGION_H
#define WARD_REGION_H

#include <ward/arith.h>
#include <ward/base.h>
#include <ward/prot.h>

struct ward_region;

/* What a region got, said by the region itself: `facts` is a set of these. A wrapper adds its own
 * to those of its inner region. Append only. */
enum ward_region_fact {
    WARD_IS_MAPPED = 1,           /* a mapping of its own, page-grained */
    WARD_IS_LAZY = 2,             /* no access until committed; committed as a growing prefix */
    WARD_IS_GUARDED = 4,          /* inaccessible pages at both ends, outside the range */
    WARD_IS_GUARD_SPLIT = 8,      /* some guards had to be made with protect: two mappings each */
    WARD_IS_LOCKED = 16,          /* kept in memory */
    WARD_IS_SECRET = 32,          /* not readable through the kernel */
    WARD_IS_HUGE = 64,            /* from the pool of huge pages */
    WARD_IS_NO_DUMP = 128,        /* not in core dumps */
    WARD_IS_WIPED_ON_FORK = 256,  /* a child sees zeroes */
    WARD_IS_ABSENT_ON_FORK = 512, /* a child sees nothing */
    WARD_IS_SEALED = 1024,        /* committed pages can never be unmapped or protected again */
    WARD_IS_ZEROED = 2048,        /* bytes nobody wrote yet read as zero */
    WARD_IS_CLOSED = 4096,        /* no access until protect gives it */
};

/* The raw operations of a region: ranges come checked and not empty. One that is NULL gives
 * -ENOTSUP (commit, committed: all is committed from the start; meta: none; fini: nothing to do
 * but zero the object). On error nothing changed. */
struct ward_region_ops {
    const char *name; /* "map", "split": for reports */
    int (*commit)(struct ward_region *, size_t off, size_t len);
    int (*release)(struct ward_region *, size_t off, size_t len);
    int (*protect)(struct ward_region *, size_t off, size_t len, unsigned prot);
    size_t (*committed)(const struct ward_region *);
    struct ward_region *(*meta)(const struct ward_region *);
    int (*fini)(struct ward_region *);
};

struct ward_region {
    const struct ward_region_ops *ops;
    unsigned char *base; /* fixed for life */
    size_t size;         /* bytes, a multiple of grain, fixed for life */
    size_t grain;        /* offsets and lengths are multiples of it: a page size, or 1 */
    unsigned facts;      /* of ward_region_fact */
};

enum { WARD_SPLITS_KNOWN = 4 };

/*
 * For backings: what a region's guards that split a mapping are charged against the process's
 * budget (ward_host_split_budget). The last few ranges are known, apart from each other, and given
 * back when another protection opens them; what is forgotten, when one protection covers the whole
 * region. 2 * (known ranges) <= charged <= 2 * (grains of the region). A hole that another
 * protection makes in a guard is not charged, as no other protection is.
 */
struct ward_splits {
    size_t charged; /* mappings */
    struct {
        size_t off, len; /* bytes; a length of 0: none */
    } known[WARD_SPLITS_KNOWN];
    unsigned next; /* the one to be forgotten next, modulo their count */
};

WARD_EXTERN_C_BEGIN

/*
 * The three operations. off and len are bytes from base. A length of 0 within the region succeeds
 * and does nothing. -EINVAL: region is NULL or not initialised, or off or len is no multiple of
 * grain; -ERANGE: outside the region; -ENOTSUP: this region cannot; else what the host answers.
 * On error nothing changed.
 */

/* Makes [off, off + len) readable and writable. Idempotent; a lazy region commits everything up
 * to off + len. Fresh pages read as zero if WARD_IS_ZEROED. A region that is not lazy is
 * committed from the start, and this only checks the range. -ENOMEM: no memory to promise. */
WARD_API WARD_CHECKED int ward_region_commit(struct ward_region *region, size_t off, size_t len);

/* Drops the contents of [off, off + len); the range stays committed and reads as zero.
 * Page-grained regions give the memory back to the system, others clear it; so does secret memory
 * (ward/locked.h), which keeps its pages. What is not committed stays so. */
WARD_API WARD_CHECKED int ward_region_release(struct ward_region *region, size_t off, size_t len);

/* Sets the protection (ward_prot) of a committed range. WARD_GUARD: no access by the cheapest
 * means there is, contents dropped; any later protect ends it, and the range then reads as zero.
 * -ERANGE also for what is not committed; -EINVAL also for flags that make no sense together
 * (unknown ones, WARD_GUARD with others, WARD_KEYED alone); -EPERM: sealed; -ENOSPC: a guard that
 * would have to split a mapping, beyond the share of mappings ward allows itself
 * (ward_host_split_budget). */
WARD_API WARD_CHECKED int ward_region_protect(struct ward_region *region, size_t off, size_t len,
                                              unsigned prot);

/* Bytes from base that are committed: size unless the region is lazy; 0 for NULL. */
WARD_API size_t ward_region_committed(const struct ward_region *region);

/* The region that holds the metadata of what is built on this one; NULL: it has none. */
WARD_API struct ward_region *ward_region_meta(const struct ward_region *region);

/* Ends this layer only: a backing gives its memory back, a wrapper takes back what it did to the
 * inner region. 0, or -EPERM when sealed: the pages are dropped, the addresses stay taken for the
 * life of the process. After these two the object is all zero and may be initialised again.
 * Another error is the host's (it could not unmap): the object is unchanged and fini may be tried
 * again. NULL and an object that is all zero are nothing: 0. */
WARD_API int ward_region_fini(struct ward_region *region);

/* "map", "split", ... ; "none" for NULL. */
WARD_API const char *ward_region_name(const struct ward_region *region);

/* True if the len bytes at p lie within the region. Constant time; any p and len. */
WARD_INLINE bool ward_region_has(const struct ward_region *region, const void *p, size_t len);

/* Constant time: do the fields keep the invariants above? False for NULL. */
WARD_API bool ward_region_ok(const struct ward_region *region);

WARD_EXTERN_C_END

/* ------------------------------------------------------------------------------------------- */

WARD_INLINE bool ward_region_has(const struct ward_region *region, const void *p, size_t len)
{
    return ward_within((uintptr_t)p - (uintptr_t)region->base, len, region->size);
}

#endif
