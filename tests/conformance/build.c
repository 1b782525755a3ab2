/* SPDX-License-Identifier: MIT */
/*
 * Building and ending a stack, and doing so with host calls that fail.
 */
#include "conformance.h"
#include "inject.h"

/* Did an armed call come since arm? Disarming forgets it in the injector. */
static bool came;

static void disarm(void)
{
    came = came || inject_fired();
    inject_arm(0, 0);
}

static void arm(unsigned long n, bool on)
{
    came = false;
    if (on)
        inject_arm_from(n, ENOMEM);
    else
        inject_arm(n, ENOMEM);
}

/* An end that the host refused may be tried again: the second time nothing fails any more. */
static int fini_region(struct ward_region *region)
{
    int error = ward_region_fini(region);

    if (error && error != -EPERM) {
        disarm();
        error = ward_region_fini(region);
    }
    return error;
}

int demolish(struct stack *stack)
{
    int result = 0, error;

    error = ward_slab_fini(&stack->slab);
    if (error && error != -EPERM) {
        disarm();
        error = ward_slab_fini(&stack->slab);
    }
    result = error ? error : result;
    while (stack->layers > 0) {
        error = fini_region(stack->layer[--stack->layers]);
        result = error ? error : result;
    }
    return result;
}

int build(struct stack *stack, const struct combination *of)
{
    int error = 0;

    memset(stack, 0, sizeof *stack);
    if (of->backing)
        error = of->backing->make(stack, of->backing->arg);
    if (!error && of->wrapper)
        error = of->wrapper->make(stack);
    if (!error)
        error = of->allocator->make(stack, of->allocator->arg);
    if (error)
        (void)demolish(stack);
    return error;
}

/* --- failing calls ---------------------------------------------------------------------------- */

static const struct ward_layout layout = { 200, 32 };

/* Whatever fails meanwhile: blocks that were given out keep what they hold, and there are no
 * bugs. */
static const char *use(struct stack *stack)
{
    unsigned char *block[24] = { NULL }, *moved;
    const struct ward_layout more = { BLOCK_BYTES, 32 };

    for (unsigned i = 0; i < 24; i++) {
        block[i] = ward_mem_alloc(stack->mem, layout);
        if (block[i])
            memset(block[i], (int)i + 1, layout.size);
    }
    for (unsigned i = 0; i < 24; i++) {
        moved = ward_mem_resize(stack->mem, block[i], layout, more);
        for (size_t k = 0; block[i] && k < layout.size; k++)
            NEED((moved ? moved : block[i])[k] == i + 1);
        if (moved)
            ward_mem_free(stack->mem, moved, more);
        else
            ward_mem_free(stack->mem, block[i], layout);
    }
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

static const char *use_and_reset(struct stack *stack, const struct combination *of)
{
    const char *wrong = use(stack);
    void *block;
    int error;

    if (wrong)
        return wrong;
    error = ward_mem_reset(stack->mem);
    NEED(error == 0 || inject_fired() || of->allocator->traits & NO_RESET);
    disarm();
    /* With a host that works again so does the allocator. */
    block = ward_mem_alloc(stack->mem, layout);
    NEED(block);
    ward_mem_free(stack->mem, block, layout);
    if (of->allocator->traits & HAS_LIMITS)
        NEED(ward_slab_verify(&stack->slab));
    return NULL;
}

static bool keeps_places(const struct combination *of)
{
    return of->wrapper && of->wrapper->traits & KEEPS_PLACES;
}

/* The n-th call fails while all is built and used. *done: there was no n-th. */
static const char *while_in_use(const struct combination *of, unsigned long n, bool on, bool *done)
{
    static struct inject_ledger before;
    static struct stack stack;
    const char *wrong = NULL;
    int error;

    before = *inject_mapped();
    arm(n, on);
    error = build(&stack, of);
    if (!error) {
        wrong = use_and_reset(&stack, of);
        error = demolish(&stack);
        NEED(error == 0 || (error == -EPERM && keeps_places(of)));
    }
    disarm();
    *done = !came;
    if (wrong)
        return wrong;
    NEED(!*done || error == 0 || keeps_places(of));
    /* If every call fails, unmapping does too. */
    NEED(on || keeps_places(of) || inject_mapped_is(&before));
    return NULL;
}

/* The n-th call fails at the end, which then is tried again. */
static const char *at_the_end(const struct combination *of, unsigned long n, bool on, bool *done)
{
    static struct inject_ledger before;
    static struct stack stack;
    int error;

    before = *inject_mapped();
    arm(0, false);
    NEED(build(&stack, of) == 0 && !use(&stack));
    arm(n, on);
    error = demolish(&stack);
    disarm();
    *done = !came;
    NEED(error == 0 || (error == -EPERM && keeps_places(of)));
    NEED(keeps_places(of) || inject_mapped_is(&before));
    return NULL;
}

static const char *every_one(const struct combination *of,
                             const char *(*attempt)(const struct combination *, unsigned long, bool,
                                                    bool *))
{
    const char *wrong = NULL;
    bool done = false;

    for (unsigned long n = 1; !done && !wrong; n++) {
        wrong = attempt(of, n, false, &done);
        if (!done && !wrong)
            wrong = attempt(of, n, true, &done);
        NEED(n < 10000);
    }
    return wrong;
}

const char *survives_every_failing_call(const struct combination *of)
{
    const char *wrong = every_one(of, while_in_use);

    return wrong ? wrong : every_one(of, at_the_end);
}
