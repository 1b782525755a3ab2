/* SPDX-License-Identifier: MIT */
/*
 * ward/map.h: a region mapped from the system, with guards at both ends.
 *
 *      origin                base                        base + size
 *        |  front guard  ...  |  [committed prefix | lazy ]  |  back guard  |
 *
 * Both guards are outside the region, at least WARD_MAP_GUARD_BYTES each: a linear overflow of
 * less than that cannot reach another mapping. They are made of guard markers in the region's own
 * mapping where the system has them (no further mapping), of inaccessible pages otherwise: always
 * with WARD_MAP_WIPE_ON_FORK, as a child would lose the markers, and for guards of more than 1024
 * pages, whose markers would cost more memory than a mapping does.
 *
 * A lazy map is inaccessible address space until committed, and costs nothing: it is not charged
 * against the system's memory. It is committed as a growing prefix, which costs one boundary
 * between mappings however often it grows.
 *
 * A closed map is inaccessible address space as well, and is committed from the start: protect
 * opens any part of it, and what was never opened is not charged. It is for who hands out pages in
 * no order.
 *
 * After fork a child has its own copy, unless WARD_MAP_WIPE_ON_FORK. Cost: 1 to 3 system calls to
 * make, 1 to end.
 */
#ifndef WARD_MAP_H
#define WARD_MAP_H

#include <ward/region.h>

/* At least so many inaccessible bytes (and at least one page) lie on each side of a map. */
#define WARD_MAP_GUARD_BYTES ((size_t)65536)

/* Options of a map. What the system cannot do makes the init fail: nothing is ignored. */
enum ward_map_flag {
    WARD_MAP_LAZY = 1,          /* inaccessible until committed */
    WARD_MAP_POPULATE = 2,      /* all pages faulted in; not with LAZY (-EINVAL) */
    WARD_MAP_THP = 4,           /* transparent huge pages wanted; base is aligned to 2 MiB */
    WARD_MAP_NO_THP = 8,        /* not wanted; not with THP (-EINVAL) */
    WARD_MAP_NO_DUMP = 16,      /* left out of core dumps */
    WARD_MAP_WIPE_ON_FORK = 32, /* a child sees zeroes */
    WARD_MAP_RANDOM = 64,       /* each guard is longer by a random 0 to 255 pages */
    WARD_MAP_CLOSED = 128, /* inaccessible until protected; not with LAZY or POPULATE (-EINVAL) */
};

/* Everything that can be asked of a map. Zero means the default throughout. */
struct ward_map_spec {
    size_t size;        /* bytes, rounded up to pages; > 0 */
    size_t align;       /* of base: a power of two; 0: the page size */
    size_t guard_bytes; /* of each guard, rounded up to pages; at least WARD_MAP_GUARD_BYTES */
    unsigned flags;     /* of ward_map_flag */
};

struct ward_map {
    struct ward_region region;
    unsigned char *origin;     /* first byte of the mapping, the front guard's */
    size_t reserved;           /* bytes of the mapping, with both guards */
    size_t committed;          /* bytes from base; a multiple of grain */
    bool marked;               /* guard markers may stand inside the region */
    bool altered;              /* not all that is committed is WARD_RW */
    struct ward_splits splits; /* of guards inside */
};

WARD_EXTERN_C_BEGIN

/* A map of size bytes (rounded up to pages) with the given flags and defaults for the rest.
 * -EINVAL: map is NULL, size is 0 or too large, or flags are unknown or contradict each other;
 * -ENOMEM: no address space or memory; -ENOTSUP: the system cannot do what a flag asks. On
 * failure *map is all zero and nothing is mapped. */
WARD_API WARD_CHECKED int ward_map_init(struct ward_map *map, size_t size, unsigned flags);

/* The same with everything said. -EINVAL also: spec is NULL or align is no power of two. */
WARD_API WARD_CHECKED int ward_map_init_with(struct ward_map *map,
                                             const struct ward_map_spec *spec);

WARD_EXTERN_C_END

#endif
