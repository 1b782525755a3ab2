/* SPDX-License-Identifier: MIT */
/*
 * ward/huge.h: a region of explicit huge pages, from the system's pool.
 *
 * The grain is the huge page; base is aligned to it. Fails cleanly when the pool is empty:
 * falling back is the caller's choice (ward_map_init with WARD_MAP_THP is the usual one). Guards
 * at both ends are ordinary inaccessible pages outside the region. protect with WARD_GUARD works
 * in whole huge pages, by protection.
 *
 * release gives pages back to the pool (-ENOTSUP before Linux 5.18). Only recent kernels keep
 * them reserved for the region: on others the next touch is a SIGBUS if someone else took them.
 */
#ifndef WARD_HUGE_H
#define WARD_HUGE_H

#include <ward/region.h>

struct ward_huge {
    struct ward_region region;
    unsigned char *origin;     /* first byte of the reservation, the front guard's */
    size_t reserved;           /* bytes of it */
    bool altered;              /* not all of it is WARD_RW */
    struct ward_splits splits; /* of guards inside */
};

WARD_EXTERN_C_BEGIN

/* size bytes, rounded up to pages of page_bytes (a power of two the system has; 0: 2 MiB).
 * -EINVAL: huge is NULL, size is 0 or too large, page_bytes is no power of two or below 64 KiB;
 * -ENOMEM: the pool is empty; -ENOTSUP: no such page size. On failure *huge is all zero and
 * nothing is mapped. */
WARD_API WARD_CHECKED int ward_huge_init(struct ward_huge *huge, size_t size, size_t page_bytes);

WARD_EXTERN_C_END

#endif
