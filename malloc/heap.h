/* SPDX-License-Identifier: MIT */
/*
 * The heap: what malloc and its relatives are made of, without their names. NULL is ENOMEM, which
 * is in errno; a size of 0 is a block without bytes. What is no live block is reported.
 */
#ifndef WARD_MALLOC_HEAP_H
#define WARD_MALLOC_HEAP_H

#include "rows.h"
#include "span.h"

WARD_INLINE void *heap_alloc(size_t size);
/* family: of the function that frees (rows.h). */
WARD_INLINE void heap_free(void *block, unsigned family);

/* The same for who says how large it is, and how aligned (0: does not say): another size than
 * requested is reported, and an alignment that the block has not. */
void ward_heap_free_sized_(void *block, size_t align, size_t size, unsigned family);

void *ward_heap_alloc_zeroed_(size_t size);

/* align: a power of two. */
void *ward_heap_alloc_aligned_(size_t align, size_t size);

void *ward_heap_resize_(void *block, size_t size);

/* The requested size; 0 of what is no live block. */
size_t ward_heap_size_(const void *block);

size_t ward_heap_page_(void);

/* Says the text on standard error, and ends the process. */
WARD_COLD void ward_heap_die_(const char *text) __attribute__((noreturn));

/* Two instances of each path: one for no policy at all, which is shortest, and one for the usual.
 * They are chosen by what stands in a read-only page. What is unusual reads the policy as it goes.
 */
void *ward_heap_alloc_balanced_(size_t size);
void ward_heap_free_balanced_(void *block);
void *ward_heap_alloc_unusual_(size_t size);
void ward_heap_free_unusual_(void *block, unsigned family);

WARD_INLINE void *heap_alloc(size_t size)
{
    unsigned policy = ward_root_.policy;

    if (WARD_LIKELY(policy == POLICY_FAST))
        return span_alloc(POLICY_FAST, size, size, CLASS_SMALL_MAX);
    return WARD_LIKELY((int)policy > 0) ? ward_heap_alloc_balanced_(size)
                                        : ward_heap_alloc_unusual_(size);
}

WARD_INLINE void heap_free(void *block, unsigned family)
{
    unsigned policy = ward_root_.policy;

    if (policy == POLICY_FAST)
        span_free(POLICY_FAST, block);
    else if (WARD_LIKELY((int)policy > 0))
        ward_heap_free_balanced_(block);
    else
        ward_heap_free_unusual_(block, family);
}

/* A new block is of this family. */
WARD_INLINE void *heap_name(void *block, unsigned family)
{
    if (WARD_UNLIKELY(ward_root_.policy & POLICY_FAMILY) && block)
        ward_rows_name_(block, family);
    return block;
}

#endif
