/* SPDX-License-Identifier: MIT */
#include "conformance.h"

static int make_none(struct stack *stack)
{
    (void)stack;
    return 0;
}

static int make_split(struct stack *stack)
{
    return push(stack, &stack->split.region,
                ward_split_init(&stack->split, top_of(stack), META_BYTES));
}

static int make_guard(struct stack *stack)
{
    return push(stack, &stack->guard.region, ward_guard_init(&stack->guard, top_of(stack)));
}

static int make_guard_of_split(struct stack *stack)
{
    int error = make_split(stack);

    return error ? error : make_guard(stack);
}

static int make_seal_of_split(struct stack *stack)
{
    int error = make_split(stack);

    return error ? error
                 : push(stack, &stack->seal.region, ward_seal_init(&stack->seal, top_of(stack)));
}

const struct wrapper wrappers[] = {
    { "bare", make_none, 0, 0 },
    { "split", make_split, 0, HAS_META },
    { "guard", make_guard, CAN_GUARD, 0 },
    { "guard_split", make_guard_of_split, CAN_GUARD, HAS_META },
    { "seal_split", make_seal_of_split, CAN_SEAL, HAS_META | KEEPS_PLACES },
};

const unsigned wrapper_count = sizeof wrappers / sizeof wrappers[0];
