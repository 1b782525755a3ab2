/* SPDX-License-Identifier: MIT */
/*
 * Where the spans of a class come from and go to.
 *
 * Spans are numbered, and made in that order, from info->first on. One that nobody has stands in
 * one of three stacks of its class (root.h), by whether it has blocks, and if not, whether it keeps
 * pages (kept.h). Who pops it has it to himself.
 *
 *   made == spans in use + spans in the stacks + spans that a fork lost
 *
 * Shared by all threads; every word is an atomic, so that a fork leaves nothing half done that
 * matters: at most a span is lost. Only one that nobody had yet takes a lock, that of memory.h.
 */
#ifndef WARD_MALLOC_POOL_H
#define WARD_MALLOC_POOL_H

#include "span.h"

/* A new span, zero but for base, class and number. Of a small class its slots can be touched and
 * its end is guarded. NULL: the range is used up, or there is no memory. */
struct span *ward_pool_make_(unsigned class);

/* Span number `number` of a class. */
WARD_INLINE struct span *pool_span(unsigned class, uint32_t number)
{
    const struct class_info *info = &ward_root_.classes[class];

    return (struct span *)(void *)(info->records + (size_t)number * info->record_bytes);
}

/* The pages of all slots of a span. */
WARD_INLINE size_t span_bytes(const struct class_info *info)
{
    return round_up((size_t)info->slots * info->bytes, ward_root_.page);
}

/* Which class serves a request for one of this. A class that nobody uses yet costs a range of its
 * own, with mappings and tables of pages: so its first few blocks come from a larger one in use, of
 * at most twice the size, whose slots are at least as aligned. */
unsigned ward_pool_serving_(unsigned class);

/* The record of span number `number` says which span it is. */
WARD_INLINE struct span *pool_name(unsigned class, uint32_t number)
{
    const struct class_info *info = &ward_root_.classes[class];
    struct span *span = pool_span(class, number);

    span->base = info->base + ((size_t)number << info->pitch_log2);
    span->class = (uint16_t) class;
    span->number = number;
    return span;
}

/* The span, which the caller has, stands there from now on. */
void ward_pool_push_(enum pool_stack stack, struct span *span);

/* The last that was pushed; NULL: none is there. */
struct span *ward_pool_pop_(enum pool_stack stack, unsigned class);

/* All that are there, chained by `next`. */
struct span *ward_pool_pop_all_(enum pool_stack stack, unsigned class);

/* Pushes a span without a block where it belongs. */
void ward_pool_give_(struct span *span);

/* Pops one that keeps pages, if there is any, else one without; NULL: none. */
struct span *ward_pool_take_(unsigned class);

/* In the child of a fork: a span that no slot was issued of can be touched, though the thread that
 * made it was cut off. False: it cannot. */
bool ward_pool_reopen_(const struct span *span);

/* Spans were made of the numbers of a class from its first one to this one, exclusive. */
uint32_t ward_pool_end_(unsigned class);

/* Where the number of spans that were made is. */
uintptr_t ward_pool_made_at_(unsigned class);

/* In a forked child: empties the stacks of a class, whose spans are all in the caller's hands. */
void ward_pool_forget_(unsigned class);

#endif
