/* SPDX-License-Identifier: MIT */
/*
 * Where the spans of a class come from and go to. Shared by all threads; every word is an atomic,
 * so that a fork leaves nothing half done that matters: at most a number is lost. The one lock is
 * that of ward_pool_commit_, which a forked child takes over.
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

void ward_pool_push_(enum pool_stack stack, struct span *span);
/* NULL: none there. */
struct span *ward_pool_pop_(enum pool_stack stack, unsigned class);
/* A span without a block goes to the stack of its kind. */
void ward_pool_give_(struct span *span);
/* One that keeps pages, if there is any, else one without; NULL: none. */
struct span *ward_pool_take_(unsigned class);
/* All that are there, chained by `next`. */
struct span *ward_pool_pop_all_(enum pool_stack stack, unsigned class);

/* In the child of a fork: a span that no slot was issued of can be touched, though the thread that
 * made it was cut off. False: it cannot. */
bool ward_pool_reopen_(const struct span *span);

/* How many numbers of a class were given to spans. */
uint32_t ward_pool_made_(unsigned class);

/* Where that number is. */
uintptr_t ward_pool_made_at_(unsigned class);

/* In a forked child: empties the stacks of a class, whose spans are all in the caller's hands. */
void ward_pool_forget_(unsigned class);

/* Makes [at, at + len), whole pages that can be touched, fault by markers. False: there are none,
 * or not there. */
bool ward_pool_mark_(unsigned char *at, size_t len);

/* Takes markers away; where none was ever set there is nothing to do. False: some may be left, as a
 * filter came to forbid it. */
bool ward_pool_unmark_(unsigned char *at, size_t len);

/* Makes [at, at + len) fault; in a span, behind its slots. True: by the protection of those pages,
 * which ward_pool_unguard_() has to undo; not by a marker. */
bool ward_pool_guard_(unsigned char *at, size_t len);

/* Takes such a guard away, and gives its mappings back. False: it is still there. */
bool ward_pool_unguard_(unsigned char *at, size_t len);

/* Takes two mappings from the budget of those that guards may cost. False: it is used up. */
bool ward_pool_split_(void);
void ward_pool_unsplit_(void);

/* Is a part of it in use? */
bool ward_pool_is_split_(void);

/* Drops the contents of the pages in [at, at + len), a page's start: they read as zero. */
void ward_pool_release_(unsigned char *at, size_t len);

/* Gives the pages back that a span without a block kept. */
void ward_pool_drop_(struct span *span);

/* A span without a block may keep `len` bytes of its pages for the next, if all together do not
 * keep too much; false: give them back. What was kept for more than a second is given back by
 * whoever calls this then: there is no thread that would do it in a process that frees nothing. */
bool ward_pool_keep_(struct span *span, size_t len);
void ward_pool_unkeep_(size_t len);

/* So many bytes more are in use from now on. What is kept stays within what the process had in use
 * before, and a little: more would be so much more at its peak. Not in a process that is small. */
void ward_pool_use_(size_t bytes);

/* Gives those pages back, but for about `leave` bytes of them. False: there were none to give. */
bool ward_pool_trim_(size_t leave);

/* Reserved pages that can be touched from now on, or not any more. False: they are as they were;
 * for opening also where the process would have more than RLIMIT_AS allows. Its reservations do not
 * count there, or nothing could be had under a limit that is set later. */
bool ward_pool_open_(unsigned char *at, size_t len);
bool ward_pool_close_(unsigned char *at, size_t len);

/* A range that is opened from its start on. */
struct prefix {
    unsigned char *base;
    size_t first; /* bytes of the first step; the others are larger, or the same */
    size_t most;  /* bytes of all */
};

/* Sees to it that the first `need` bytes of a range can be touched; *committed says how many can
 * be. One thread does so at a time. */
bool ward_pool_commit_(const struct prefix *prefix, _Atomic size_t *committed, size_t need);

#endif
