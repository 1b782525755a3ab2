/* SPDX-License-Identifier: MIT */
/*
 * Every init where the system gives little: each limit of the process in small steps, down to
 * nothing. An init then answers what its header says or succeeds; the object is all zero or works;
 * nothing crashes. tests/vm runs this once more with the limits of a whole machine lowered.
 */
#include "sanitized.h"
#include "slabs.h"

#include <ward/bump.h>
#include <ward/heap.h>
#include <ward/huge.h>
#include <ward/locked.h>
#include <ward/map.h>
#include <ward/split.h>

enum { BYTES = 1 << 20, NOBODY = 65534 };

#define INSTRUMENTED (UNDER_ASAN || UNDER_TSAN || RUNNING_ON_VALGRIND)

/* What an init may answer when there is too little of something. */
static bool is_documented(int error)
{
    return error == 0 || error == -ENOMEM || error == -EPERM || error == -ENOTSUP ||
           error == -ENOSPC;
}

/* --- one object after the other; 0 or the line that went wrong -------------------------------- */

static int use_region(struct ward_region *region, int error, size_t bytes)
{
    EXPECT(is_documented(error));
    if (error) {
        EXPECT(is_all(region, bytes, 0));
        return 0;
    }
    error = ward_region_commit(region, 0, region->size);
    EXPECT(is_documented(error));
    if (!error) {
        memset(region->base, 1, region->size);
        error = ward_region_release(region, 0, region->size);
        EXPECT(is_documented(error) && (error || is_all(region->base, region->size, 0)));
        error = ward_region_protect(region, 0, region->grain, WARD_GUARD);
        EXPECT(is_documented(error));
    }
    EXPECT(ward_region_fini(region) == 0);
    return 0;
}

static int use_maps(void)
{
    const unsigned flags[] = { 0, WARD_MAP_LAZY, WARD_MAP_POPULATE, WARD_MAP_THP,
                               WARD_MAP_WIPE_ON_FORK | WARD_MAP_RANDOM };
    struct ward_map map;
    int wrong = 0;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && !wrong; i++)
        wrong = use_region(&map.region, ward_map_init(&map, BYTES, flags[i]), sizeof map);
    return wrong;
}

static int use_locked(void)
{
    struct ward_locked locked;
    int wrong = use_region(&locked.region, ward_locked_init(&locked, BYTES), sizeof locked);

    return wrong ? wrong
                 : use_region(&locked.region, ward_secret_init(&locked, BYTES), sizeof locked);
}

static int use_others(void)
{
    struct ward_heap heap;
    struct ward_huge huge;
    int wrong = use_region(&huge.region, ward_huge_init(&huge, BYTES, 0), sizeof huge);

    return wrong ? wrong : use_region(&heap.region, ward_heap_init(&heap, BYTES, 0), sizeof heap);
}

static int use_split(void)
{
    struct ward_split split;
    struct ward_map map;
    int error = ward_map_init(&map, BYTES, WARD_MAP_LAZY), wrong;

    EXPECT(is_documented(error));
    if (error)
        return 0;
    wrong = use_region(&split.region, ward_split_init(&split, &map.region, BYTES), sizeof split);
    EXPECT(ward_region_fini(&map.region) == 0);
    return wrong;
}

/* A slab that came to be works: it allocates or says that it cannot, and stays whole. */
static int use_slab(struct ward_slab *slab, int error)
{
    void *blocks[100];

    EXPECT(is_documented(error));
    if (error) {
        EXPECT(is_all(slab, sizeof *slab, 0));
        return 0;
    }
    for (int i = 0; i < 100; i++) {
        blocks[i] = ward_slab_alloc(slab, 200);
        if (blocks[i])
            memset(blocks[i], 1, 200);
    }
    EXPECT(ward_slab_verify(slab));
    for (int i = 0; i < 100; i++)
        ward_slab_free(slab, blocks[i], 200);
    EXPECT(ward_slab_verify(slab));
    error = ward_slab_reset(slab);
    EXPECT(is_documented(error));
    EXPECT(ward_slab_fini(slab) == 0);
    return 0;
}

static int use_slabs(void)
{
    struct ward_slab slab;
    int wrong = 0;

    for (int i = 0; i < POLICIES && !wrong; i++) {
        const struct ward_slab_spec spec = spec_of(200, 8, all_policies[i]);

        wrong = use_slab(&slab, ward_slab_map(&slab, &spec, 2000));
        if (!wrong && spec.policy & WARD_ZERO)
            wrong = use_slab(&slab, ward_slab_map_secret(&slab, &spec, 2000));
    }
    return wrong;
}

/* --- under each limit ------------------------------------------------------------------------- */

struct limit {
    __rlimit_resource_t resource;
    rlim_t most;
};

static int use_all(void *arg)
{
    int (*const use[])(void) = { use_maps, use_locked, use_others, use_split, use_slabs };
    const struct limit *limit = arg;
    const struct rlimit both = { limit->most, limit->most };

    EXPECT(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0); /* root has no limits */
    EXPECT(setrlimit(limit->resource, &both) == 0);
    for (size_t i = 0; i < sizeof use / sizeof use[0]; i++)
        if (use[i]())
            return 1 + (int)i;
    return 0;
}

static void assert_works(__rlimit_resource_t resource, rlim_t most)
{
    struct limit limit = { resource, most };
    int ended = in_child(use_all, &limit);

    if (ended)
        print_message("limit %d at %llu\n", (int)resource, (unsigned long long)most);
    assert_int_equal(ended, 0);
}

static void works_without_limits(void **state)
{
    (void)state;
    assert_works(RLIMIT_CORE, 0);
}

static void little_locked_memory_is_an_error_or_a_fallback(void **state)
{
    (void)state;
    skip_unless(!RUNNING_ON_VALGRIND, "takes minutes under valgrind");
    for (rlim_t most = 0; most <= 4 * BYTES; most += BYTES / 4)
        assert_works(RLIMIT_MEMLOCK, most);
}

static void few_descriptors_are_an_error_or_a_fallback(void **state)
{
    (void)state;
    skip_unless(!RUNNING_ON_VALGRIND, "valgrind keeps descriptors of its own");
    for (rlim_t most = 0; most <= 5; most++)
        assert_works(RLIMIT_NOFILE, most);
}

static void little_address_space_is_an_error(void **state)
{
    (void)state;
    skip_unless(!INSTRUMENTED, "the tool this runs under needs its address space");
    for (rlim_t most = 0; most <= 32 * BYTES; most += BYTES / 2)
        assert_works(RLIMIT_AS, most);
}

static void little_data_is_an_error(void **state)
{
    (void)state;
    skip_unless(!INSTRUMENTED, "the tool this runs under needs its memory");
    for (rlim_t most = 0; most <= 16 * BYTES; most += BYTES / 2)
        assert_works(RLIMIT_DATA, most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_without_limits),
        cmocka_unit_test(little_locked_memory_is_an_error_or_a_fallback),
        cmocka_unit_test(few_descriptors_are_an_error_or_a_fallback),
        cmocka_unit_test(little_address_space_is_an_error),
        cmocka_unit_test(little_data_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
