/* SPDX-License-Identifier: MIT */
#include "conformance.h"

static int make_static(struct stack *stack, unsigned skip)
{
    static _Alignas(64) unsigned char buffer[DATA_BYTES + 64];

    memset(buffer, 0, sizeof buffer);
    return push(stack, &stack->fixed.region,
                ward_static_init(&stack->fixed, buffer + skip, DATA_BYTES - skip));
}

static int make_inline(struct stack *stack, unsigned arg)
{
    (void)arg;
    return push(stack, &stack->inside.in.region, inline_region_init(&stack->inside));
}

static int make_heap(struct stack *stack, unsigned align)
{
    return push(stack, &stack->heap.region, ward_heap_init(&stack->heap, DATA_BYTES, align));
}

static int make_map(struct stack *stack, unsigned flags)
{
    return push(stack, &stack->map.region, ward_map_init(&stack->map, DATA_BYTES, flags));
}

static int make_aligned(struct stack *stack, unsigned align)
{
    const struct ward_map_spec spec = { .size = DATA_BYTES, .align = align };

    return push(stack, &stack->map.region, ward_map_init_with(&stack->map, &spec));
}

static int make_huge(struct stack *stack, unsigned page_bytes)
{
    return push(stack, &stack->huge.region, ward_huge_init(&stack->huge, 1, page_bytes));
}

static int make_locked(struct stack *stack, unsigned secret)
{
    int error = secret ? ward_secret_init(&stack->locked, DATA_BYTES)
                       : ward_locked_init(&stack->locked, DATA_BYTES);

    return push(stack, &stack->locked.region, error);
}

#define PAGED (CAN_GUARD | CAN_SEAL)

const struct backing backings[] = {
    { "static", make_static, 0, 0 },
    { "static_odd", make_static, 7, 0 },
    { "inline", make_inline, 0, 0 },
    { "heap", make_heap, 0, 0 },
    { "heap_aligned", make_heap, 4096, 0 },
    { "map", make_map, 0, PAGED },
    { "map_lazy", make_map, WARD_MAP_LAZY, PAGED },
    { "map_populate", make_map, WARD_MAP_POPULATE, PAGED },
    { "map_random", make_map, WARD_MAP_RANDOM | WARD_MAP_NO_DUMP, PAGED },
    { "map_wiped", make_map, WARD_MAP_WIPE_ON_FORK, PAGED },
    { "map_aligned", make_aligned, 1u << 20, PAGED },
    { "huge", make_huge, 0, 0 }, /* sealing would use up the pool */
    { "locked", make_locked, false, CAN_SEAL },
    { "secret", make_locked, true, CAN_SEAL },
};

const unsigned backing_count = sizeof backings / sizeof backings[0];
