/* SPDX-License-Identifier: MIT */
/*
 * The product of the three tables, as cmocka tests. What seals keeps its addresses for good, so
 * those run in a child, whose end gives all back.
 */
#include "conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "inject.h"

/* --- one combination -------------------------------------------------------------------------- */

static const char *run_cases(const struct combination *of)
{
    static struct stack stack;
    bool keeps = of->wrapper && of->wrapper->traits & KEEPS_PLACES;

    for (unsigned i = 0; i < case_count; i++) {
        static struct inject_ledger before;
        const char *wrong;
        int error;

        before = *inject_mapped();
        NEED(build(&stack, of) == 0);
        wrong = cases[i].run(&stack, of);
        error = demolish(&stack);
        if (wrong) {
            print_message("%s\n", cases[i].name);
            return wrong;
        }
        NEED(error == (keeps && top_of(&stack) == NULL && error ? -EPERM : 0));
        NEED(keeps || inject_mapped_is(&before));
    }
    return survives_every_failing_call(of);
}

/* Without metadata there is no slab, and it says so. */
static const char *refuses(const struct combination *of)
{
    static struct stack stack;

    NEED(build(&stack, of) == -ENOTSUP);
    return NULL;
}

static bool has_what_it_needs(const struct combination *of)
{
    return !(of->allocator->traits & NEEDS_META) || of->wrapper->traits & HAS_META;
}

static const char *run(const struct combination *of)
{
    const char *wrong = has_what_it_needs(of) ? run_cases(of) : refuses(of);

    if (wrong)
        print_error("%s\n", wrong);
    return wrong;
}

static bool runs_in_child(const struct combination *of)
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(run(of) ? 1 : 0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void conforms(void **state)
{
    const struct combination *of = (const struct combination *)*state;

    assert_true(of->wrapper && of->wrapper->traits & KEEPS_PLACES ? runs_in_child(of) : !run(of));
}

/* --- all of them ------------------------------------------------------------------------------ */

enum { NAME_BYTES = 96, COMBINATIONS_MAX = 2048 };

static struct combination combination[COMBINATIONS_MAX];
static char name[COMBINATIONS_MAX][NAME_BYTES];
static struct CMUnitTest tests[COMBINATIONS_MAX];
static unsigned count;

static void add(const struct combination *of, CMUnitTestFunction function)
{
    const struct CMUnitTest test = { name[count], function, NULL, NULL, &combination[count] };

    if (count == COMBINATIONS_MAX)
        abort();
    combination[count] = *of;
    snprintf(name[count], NAME_BYTES, "%s%s%s%s%s", of->backing ? of->backing->name : "",
             of->backing ? "__" : "", of->wrapper ? of->wrapper->name : "", of->wrapper ? "__" : "",
             of->allocator ? of->allocator->name : "");
    memcpy(&tests[count++], &test, sizeof test);
}

static void is_not_to_be_had_here(void **state)
{
    struct combination *of = (struct combination *)*state;

    print_message("this system has no %s memory to give\n", of->backing->name);
    skip();
}

/* What the machine may not have: tried once, and skipped as a whole. */
static bool is_here(const struct backing *backing)
{
    static struct stack stack;
    int error;

    memset(&stack, 0, sizeof stack);
    error = backing->make(&stack, backing->arg);
    (void)demolish(&stack);
    return error != -ENOMEM && error != -ENOTSUP && error != -EPERM;
}

static bool can_seal(void)
{
    static struct ward_map map;
    static struct ward_seal seal;
    int status = 1;
    pid_t child = fork();

    if (child == 0)
        _exit(ward_map_init(&map, DATA_BYTES, 0) || ward_seal_init(&seal, &map.region));
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void add_backing(const struct backing *backing, bool sealing)
{
    for (unsigned w = 0; w < wrapper_count; w++)
        for (unsigned a = 0; a < allocator_count; a++) {
            const struct combination of = { backing, &wrappers[w], &allocators[a] };
            unsigned needs = wrappers[w].needs;

            if ((needs & backing->traits) == needs && !(allocators[a].traits & STANDS_ALONE) &&
                (sealing || !(needs & CAN_SEAL)))
                add(&of, conforms);
        }
}

static void sealing_is_not_to_be_had_here(void **state)
{
    (void)state;
    print_message("this system cannot seal\n");
    skip();
}

int main(void)
{
    bool sealing = can_seal();

    (void)ward_host_fork_epoch(); /* its page is mapped once and kept */
    for (unsigned b = 0; b < backing_count; b++) {
        const struct combination none = { &backings[b], NULL, NULL };

        if (is_here(&backings[b]))
            add_backing(&backings[b], sealing);
        else
            add(&none, is_not_to_be_had_here);
    }
    for (unsigned a = 0; a < allocator_count; a++) {
        const struct combination alone = { NULL, NULL, &allocators[a] };

        if (allocators[a].traits & STANDS_ALONE)
            add(&alone, conforms);
    }
    if (!sealing) {
        const struct combination none = { NULL, &wrappers[wrapper_count - 1], NULL };

        add(&none, sealing_is_not_to_be_had_here);
    }
    return _cmocka_run_group_tests("conformance", tests, count, NULL, NULL);
}
