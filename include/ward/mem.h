/* SPDX-License-Identifier: MIT */
/*
 * ward/mem.h: any allocator, type-erased: two words, passed by value.
 *
 * For code that allocates and must not care from what: containers, parsers, plug-ins. No operation
 * is NULL; a wrapper forwards every one. The functions here check what can be checked for every
 * allocator alike (layouts, NULL) and call the table; cost: one indirect call.
 *
 * Threads and signal handlers: as the allocator behind it. A null handle (ops NULL) allocates
 * nothing and frees nothing.
 */
#ifndef WARD_MEM_H
#define WARD_MEM_H

#include <ward/bump.h>
#include <ward/layout.h>
#include <ward/slab.h>

/* The operations as an allocator provides them: layouts keep their invariant, blocks are not NULL.
 */
struct ward_mem_ops {
    const char *name; /* "slab", "bump", "system" */
    /* NULL: cannot serve this now. */
    void *(*alloc)(void *self, struct ward_layout layout, bool zeroed);
    void (*free)(void *self, void *block, struct ward_layout layout);
    /* NULL: the old block is untouched. */
    void *(*resize)(void *self, void *block, struct ward_layout was, struct ward_layout now);
    int (*reset)(void *self); /* -ENOTSUP: this one cannot */
    size_t (*usable)(void *self, const void *block, struct ward_layout layout);
    size_t (*capacity)(void *self); /* bytes of the largest sum of blocks; 0: not known */
    uint64_t (*bugs)(void *self);
};

struct ward_mem {
    const struct ward_mem_ops *ops;
    void *self;
};

WARD_EXTERN_C_BEGIN

/* A block for layout, contents unspecified (zeroed: all its layout.size bytes are 0). NULL: cannot
 * be served now, or layout breaks its invariant. */
WARD_API void *ward_mem_alloc(struct ward_mem mem, struct ward_layout layout);
WARD_API void *ward_mem_alloc_zeroed(struct ward_mem mem, struct ward_layout layout);

/* Takes a block back, with the layout it has. NULL is nothing. */
WARD_API void ward_mem_free(struct ward_mem mem, void *block, struct ward_layout layout);

/* The block with another layout, in place where possible; contents up to the smaller size are kept.
 * A NULL block is an alloc. NULL: the old block is untouched. now.align may exceed was.align. */
WARD_API void *ward_mem_resize(struct ward_mem mem, void *block, struct ward_layout was,
                               struct ward_layout now);

/* Frees every block at once: arenas and slabs; others -ENOTSUP. */
WARD_API WARD_CHECKED int ward_mem_reset(struct ward_mem mem);

/* Bytes of the block that may be used: at least layout.size; 0 for NULL. */
WARD_API size_t ward_mem_usable(struct ward_mem mem, const void *block, struct ward_layout layout);

/* Bytes this allocator can hand out in all when empty; 0: no bound is known. */
WARD_API size_t ward_mem_capacity(struct ward_mem mem);

/* Bugs contained so far; 0 for allocators that detect none. */
WARD_API uint64_t ward_mem_bugs(struct ward_mem mem);

/* The handles of ward's own allocators, which outlive them. The system heap is that of the C
 * library (hosted builds only). */
WARD_API struct ward_mem ward_mem_of_slab(struct ward_slab *slab);
WARD_API struct ward_mem ward_mem_of_bump(struct ward_bump *bump);
WARD_API struct ward_mem ward_mem_of_system(void);

WARD_EXTERN_C_END

#endif
