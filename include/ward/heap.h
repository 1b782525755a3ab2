/* SPDX-License-Identifier: MIT */
/*
 * ward/heap.h: a region over one block of the process's heap (malloc). Hosted only.
 *
 * Grain 1, zeroed, always committed; release clears; protect is -ENOTSUP; no guards. fini clears
 * nothing and frees the block. For arenas smaller than a page; for all else a map is as cheap.
 */
#ifndef WARD_HEAP_H
#define WARD_HEAP_H

#include <ward/region.h>

struct ward_heap {
    struct ward_region region;
};

WARD_EXTERN_C_BEGIN

/* A region of size bytes aligned to align (a power of two; 0: that of max_align_t). -EINVAL: heap
 * is NULL, size is 0 or too large, or align is no power of two; -ENOMEM. On failure *heap is all
 * zero. */
WARD_API WARD_CHECKED int ward_heap_init(struct ward_heap *heap, size_t size, size_t align);

WARD_EXTERN_C_END

#endif
