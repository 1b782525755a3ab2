/* SPDX-License-Identifier: MIT */
/*
 * The one backing that needs libc, and so is not in a freestanding build.
 */
#include <errno.h>
#include <stdlib.h>

#include <ward/heap.h>

static int heap_release(struct ward_region *region, size_t off, size_t len)
{
    __builtin_memset(region->base + off, 0, len);
    return 0;
}

static int heap_fini(struct ward_region *region)
{
    int saved = errno; /* free of old libcs may set it */

    free(region->base);
    errno = saved;
    *region = (struct ward_region){ 0 };
    return 0;
}

static const struct ward_region_ops heap_ops = {
    .name = "heap",
    .release = heap_release,
    .fini = heap_fini,
};

/* calloc knows which pages are fresh and need no clearing; what it aligns to is enough for
 * most. */
static void *alloc_zeroed(size_t size, size_t align)
{
    int saved = errno;
    size_t rounded = 0;
    void *block = NULL;

    if (align <= WARD_ALIGNOF(max_align_t)) {
        block = calloc(1, size);
    } else if (ward_round_up(size, align, &rounded) && rounded <= (size_t)PTRDIFF_MAX) {
        block = aligned_alloc(align, rounded);
        if (block)
            __builtin_memset(block, 0, size);
    }
    errno = saved;
    return block;
}

int ward_heap_init(struct ward_heap *heap, size_t size, size_t align)
{
    void *block;

    if (!heap)
        return -EINVAL;
    *heap = (struct ward_heap){ 0 };
    if (size == 0 || size > (size_t)PTRDIFF_MAX || (align != 0 && !ward_is_pow2(align)))
        return -EINVAL;
    block = alloc_zeroed(size, align);
    if (!block)
        return -ENOMEM;
    heap->region.ops = &heap_ops;
    heap->region.base = block;
    heap->region.size = size;
    heap->region.grain = 1;
    heap->region.facts = WARD_IS_ZEROED;
    return 0;
}
