/* SPDX-License-Identifier: MIT */
/*
 * One suite for every backing, region wrapper and allocator. Each joins by one line in a table
 * (backings.c, wrappers.c, allocators.c); every combination of the three then goes through every
 * case (cases.c), and once more with each of its host calls failing in turn.
 */
#ifndef WARD_TESTS_CONFORMANCE_H
#define WARD_TESTS_CONFORMANCE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ward/ward.h>

/* Bytes of the data of every stack; of what a huge page is, one. */
#define DATA_BYTES ((size_t)128 << 10)
#define META_BYTES ((size_t)512 << 10)

/* The largest block and alignment that is asked of an allocator. */
enum { BLOCK_BYTES = 256, BLOCK_ALIGN = 64 };

WARD_INLINE_REGION_DEFINE(inline_region, 128 << 10);

/* What is built: a backing, wrappers over it, an allocator on top. Of each kind there is room for
 * one. */
struct stack {
    struct ward_region *layer[4]; /* from the backing up */
    unsigned layers;
    struct ward_mem mem;

    struct ward_static fixed;
    struct inline_region inside;
    struct ward_heap heap;
    struct ward_map map;
    struct ward_huge huge;
    struct ward_locked locked;
    struct ward_split split;
    struct ward_guard guard;
    struct ward_seal seal;
    struct ward_bump bump;
    struct ward_slab slab;
};

/* What the rows of the tables need or give. */
enum trait {
    CAN_GUARD = 1,      /* backing: protect works on single pages, with WARD_GUARD */
    CAN_SEAL = 2,       /* backing: it is a mapping of its own */
    HAS_META = 4,       /* wrapper: what is built on it has metadata */
    NEEDS_META = 8,     /* allocator: it does not work without */
    STANDS_ALONE = 16,  /* allocator: brings its memory, or needs none */
    IS_ARENA = 32,      /* allocator: only the newest block is freed */
    NO_RESET = 64,      /* allocator */
    HAS_LIMITS = 128,   /* allocator: no block above BLOCK_BYTES and BLOCK_ALIGN */
    KEEPS_PLACES = 256, /* wrapper: what it sealed stays mapped when it ends */
};

/* Each layer is made over the one below and becomes the top. 0, or a negative error number. */
struct backing {
    const char *name;
    int (*make)(struct stack *, unsigned arg);
    unsigned arg, traits;
};

struct wrapper {
    const char *name;
    int (*make)(struct stack *);
    unsigned needs, traits; /* what it needs of the backing */
};

struct allocator {
    const char *name;
    int (*make)(struct stack *, unsigned arg);
    unsigned arg, traits;
};

extern const struct backing backings[];
extern const struct wrapper wrappers[];
extern const struct allocator allocators[];
extern const unsigned backing_count, wrapper_count, allocator_count;

/* One combination. backing and wrapper are NULL for an allocator that stands alone. */
struct combination {
    const struct backing *backing;
    const struct wrapper *wrapper;
    const struct allocator *allocator;
};

static inline struct ward_region *top_of(const struct stack *stack)
{
    return stack->layers ? stack->layer[stack->layers - 1] : NULL;
}

/* Makes region the top if init went well. */
static inline int push(struct stack *stack, struct ward_region *region, int error)
{
    if (!error)
        stack->layer[stack->layers++] = region;
    return error;
}

/* Builds all of it; on failure nothing is left. Ends all of it: 0, or -EPERM where something was
 * sealed. */
int build(struct stack *stack, const struct combination *of);
int demolish(struct stack *stack);

/* A case says what is not as it should be, or NULL. */
typedef const char *conformance_case(struct stack *stack, const struct combination *of);

extern const struct named_case {
    const char *name;
    conformance_case *run;
} cases[];
extern const unsigned case_count;

/* Every host call of building, using and ending it fails in turn. */
const char *survives_every_failing_call(const struct combination *of);

#define TEXT_OF_(X) #X
#define TEXT_OF(X)  TEXT_OF_(X)
#define NEED(C)                                                                                    \
    do                                                                                             \
        if (!(C))                                                                                  \
            return __FILE__ ":" TEXT_OF(__LINE__) ": not so: " #C;                                 \
    while (0)

#endif
