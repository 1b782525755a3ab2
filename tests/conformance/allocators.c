/* SPDX-License-Identifier: MIT */
#include "conformance.h"

static int make_bump(struct stack *stack, unsigned arg)
{
    int error = ward_bump_init(&stack->bump, top_of(stack));

    (void)arg;
    stack->mem = ward_mem_of_bump(&stack->bump);
    return error;
}

static struct ward_slab_spec spec_of(unsigned policy)
{
    struct ward_slab_spec spec = { { BLOCK_BYTES, BLOCK_ALIGN }, policy, 8, 2048 };

    return spec;
}

/* What could not be made is all zero. */
static int made(struct stack *stack, int error)
{
    static const struct ward_slab nothing;

    if (error && memcmp(&stack->slab, &nothing, sizeof nothing) != 0) {
        fputs("a slab that could not be made is not all zero\n", stderr);
        abort();
    }
    stack->mem = ward_mem_of_slab(&stack->slab);
    return error;
}

static int make_slab(struct stack *stack, unsigned policy)
{
    const struct ward_slab_spec spec = spec_of(policy);

    return made(stack, ward_slab_init(&stack->slab, &spec, top_of(stack)));
}

static int map_slab(struct stack *stack, unsigned policy)
{
    const struct ward_slab_spec spec = spec_of(policy);

    return made(stack, ward_slab_map(&stack->slab, &spec, 200));
}

static int map_secret_slab(struct stack *stack, unsigned policy)
{
    const struct ward_slab_spec spec = spec_of(policy);

    return made(stack, ward_slab_map_secret(&stack->slab, &spec, 200));
}

static int make_system(struct stack *stack, unsigned arg)
{
    (void)arg;
    stack->mem = ward_mem_of_system();
    return 0;
}

#define SLAB  (NEEDS_META | HAS_LIMITS)
#define ALONE (STANDS_ALONE | HAS_LIMITS)

const struct allocator allocators[] = {
    { "bump", make_bump, 0, IS_ARENA },
    { "slab_plain", make_slab, WARD_PLAIN, SLAB },
    { "slab_random", make_slab, WARD_RANDOM_SLOT, SLAB },
    { "slab_zero", make_slab, WARD_ZERO, SLAB },
    { "slab_poison", make_slab, WARD_POISON, SLAB },
    { "slab_canary", make_slab, WARD_CANARY, SLAB },
    { "slab_quarantine", make_slab, WARD_QUARANTINE, SLAB },
    { "slab_generation", make_slab, WARD_GENERATION, SLAB },
    { "slab_span_guard", make_slab, WARD_SPAN_GUARD, SLAB },
    { "slab_lock_meta", make_slab, WARD_LOCK_META, SLAB },
    { "slab_statistics", make_slab, WARD_STATISTICS, SLAB },
    { "slab_hardened", make_slab, WARD_HARDENED, SLAB },
    { "slab_paranoid", make_slab, WARD_PARANOID, SLAB },
    { "slab_map_plain", map_slab, WARD_PLAIN, ALONE },
    { "slab_map_hardened", map_slab, WARD_HARDENED, ALONE },
    { "slab_map_paranoid", map_slab, WARD_PARANOID, ALONE },
    { "slab_map_secret", map_secret_slab, WARD_HARDENED, ALONE },
    { "system", make_system, 0, STANDS_ALONE | NO_RESET },
};

const unsigned allocator_count = sizeof allocators / sizeof allocators[0];
