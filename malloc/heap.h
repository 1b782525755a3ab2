/* SPDX-License-Identifier: MIT */
/*
 * The heap: what malloc and its relatives are made of, without their names. NULL is ENOMEM, which
 * is in errno; a size of 0 is a block without bytes. What is no live block is reported.
 */
#ifndef WARD_MALLOC_HEAP_H
#define WARD_MALLOC_HEAP_H

#include "span.h"

WARD_INLINE void *heap_alloc(size_t size);
WARD_INLINE void heap_free(void *block);

/* The same for who says how large it is: another size than requested is reported. */
void ward_heap_free_sized_(void *block, size_t size);

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
 * They are chosen by what stands in a read-only page. */
void *ward_heap_alloc_balanced_(size_t size);
void ward_heap_free_balanced_(void *block);

WARD_INLINE void *heap_alloc(size_t size)
{
    if (ward_root_.policy)
        return ward_heap_alloc_balanced_(size);
    return span_alloc(POLICY_FAST, size, size, CLASS_SMALL_MAX);
}

WARD_INLINE void heap_free(void *block)
{
    if (ward_root_.policy)
        ward_heap_free_balanced_(block);
    else
        span_free(POLICY_FAST, block);
}

#endif
