/* SPDX-License-Identifier: MIT */
#include "failing.h"

#include <ward/guard.h>
#include <ward/locked.h>
#include <ward/split.h>
#include <ward/static.h>

#include "inject.h"

static struct ward_map map;
static struct ward_guard guard;

static int setup(void **state)
{
    (void)state;
    inject_reset();
    dirty(guard);
    return ward_map_init(&map, 8 * PAGE, 0);
}

static int setup_lazy(void **state)
{
    (void)state;
    inject_reset();
    dirty(guard);
    return ward_map_init(&map, 8 * PAGE, WARD_MAP_LAZY);
}

static int teardown(void **state)
{
    (void)state;
    return ward_region_fini(&map.region) || inject_mapped()->count != 0;
}

static void make(void)
{
    assert_int_equal(ward_guard_init(&guard, &map.region), 0);
    assert_true(ward_region_ok(&guard.region));
}

static void end(void)
{
    assert_int_equal(ward_region_fini(&guard.region), 0);
    assert_all_zero(guard);
}

static void the_first_and_last_grain_are_inaccessible(void **state)
{
    (void)state;
    make();
    assert_ptr_equal(guard.region.base, map.region.base + PAGE);
    assert_int_equal(guard.region.size, 6 * PAGE);
    assert_int_equal(guard.region.grain, PAGE);
    assert_int_equal(ward_region_committed(&guard.region), 6 * PAGE);
    assert_string_equal(ward_region_name(&guard.region), "guard");
    assert_true(guard.region.facts & WARD_IS_GUARDED);
    memset(guard.region.base, 0x5a, guard.region.size);
    assert_write_dies(guard.region.base - 1);
    assert_write_dies(guard.region.base + guard.region.size);
    assert_true(is_closed(map.region.base, PAGE));
    assert_true(is_closed(map.region.base + 7 * PAGE, PAGE));
    end();
}

static void fini_makes_the_two_grains_usable_again_and_empty(void **state)
{
    (void)state;
    memset(map.region.base, 0x5a, map.region.size);
    make();
    end();
    assert_true(can_write(map.region.base) && can_write(map.region.base + 7 * PAGE));
    assert_true(is_all(map.region.base, PAGE, 0));
    assert_true(is_all(map.region.base + PAGE, 6 * PAGE, 0x5a));
    assert_true(is_all(map.region.base + 7 * PAGE, PAGE, 0));
    assert_int_equal(ward_region_fini(&guard.region), 0);
}

static void fini_that_fails_may_be_tried_again(void **state)
{
    unsigned long calls;

    (void)state;
    make();
    inject_arm(0, 0);
    assert_int_equal(ward_region_fini(&guard.region), 0);
    calls = inject_count();
    for (unsigned long n = 1; n <= calls; n++) {
        make();
        inject_arm(n, ENOMEM);
        assert_int_equal(ward_region_fini(&guard.region), -ENOMEM);
        assert_ptr_equal(guard.inner, &map.region);
        end();
        assert_true(can_write(map.region.base) && can_write(map.region.base + 7 * PAGE));
    }
}

static void guards_add_no_mapping(void **state)
{
    unsigned before = mappings_in(map.origin, map.reserved);

    (void)state;
    skip_unless(!(map.region.facts & WARD_IS_GUARD_SPLIT), "no guard markers");
    make();
    assert_int_equal(mappings_in(map.origin, map.reserved), before);
    assert_false(guard.region.facts & WARD_IS_GUARD_SPLIT);
    end();
}

static void without_markers_protection_does_it_and_says_so(void **state)
{
    (void)state;
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD));
    make();
    assert_true(guard.region.facts & WARD_IS_GUARD_SPLIT);
    assert_write_dies(guard.region.base - 1);
    assert_write_dies(guard.region.base + guard.region.size);
    end();
    assert_true(can_write(map.region.base) && can_write(map.region.base + 7 * PAGE));
}

static void release_passes_through_with_its_offset(void **state)
{
    (void)state;
    make();
    memset(guard.region.base, 0x5a, 6 * PAGE);
    assert_int_equal(ward_region_release(&guard.region, PAGE, 2 * PAGE), 0);
    assert_true(is_all(guard.region.base, PAGE, 0x5a));
    assert_true(is_all(guard.region.base + PAGE, 2 * PAGE, 0));
    assert_true(is_all(guard.region.base + 3 * PAGE, 3 * PAGE, 0x5a));
    assert_int_equal(ward_region_release(&guard.region, 0, 6 * PAGE), 0);
    assert_true(is_all(guard.region.base, 6 * PAGE, 0));
    assert_write_dies(guard.region.base - 1);
    assert_write_dies(guard.region.base + guard.region.size);
    end();
}

static void protection_passes_through_with_its_offset(void **state)
{
    (void)state;
    make();
    assert_int_equal(ward_region_protect(&guard.region, 0, PAGE, WARD_READ), 0);
    assert_false(can_write(guard.region.base));
    assert_true(can_read(guard.region.base) && can_write(guard.region.base + PAGE));
    assert_int_equal(ward_region_protect(&guard.region, 5 * PAGE, PAGE, WARD_GUARD), 0);
    assert_false(can_read(guard.region.base + 5 * PAGE));
    assert_true(can_write(guard.region.base + 4 * PAGE));
    end();
}

/* The guards themselves are outside the region: no range reaches them. */
static void the_guards_are_out_of_range(void **state)
{
    static const size_t ranges[][2] = { { 6, 1 }, { 0, 7 }, { 5, 2 }, { SIZE_MAX, 1 } };

    (void)state;
    make();
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        size_t off = ranges[i][0] * PAGE, len = ranges[i][1] * PAGE;

        assert_int_equal(ward_region_commit(&guard.region, off, len), -ERANGE);
        assert_int_equal(ward_region_release(&guard.region, off, len), -ERANGE);
        assert_int_equal(ward_region_protect(&guard.region, off, len, WARD_RW), -ERANGE);
    }
    assert_true(is_closed(map.region.base, PAGE));
    assert_true(is_closed(map.region.base + 7 * PAGE, PAGE));
    end();
}

static void over_a_lazy_region_commit_passes_through(void **state)
{
    (void)state;
    make();
    assert_false(guard.back);
    assert_int_equal(ward_region_committed(&guard.region), 0);
    assert_int_equal(ward_region_committed(&map.region), PAGE);
    assert_true(is_closed(map.region.base, 8 * PAGE));
    assert_int_equal(ward_region_commit(&guard.region, 0, 2 * PAGE), 0);
    assert_int_equal(ward_region_committed(&guard.region), 2 * PAGE);
    assert_true(can_write(guard.region.base) && can_write(guard.region.base + 2 * PAGE - 1));
    assert_true(is_closed(guard.region.base + 2 * PAGE, 4 * PAGE));
    assert_int_equal(ward_region_protect(&guard.region, 2 * PAGE, PAGE, WARD_READ), -ERANGE);
    assert_int_equal(ward_region_commit(&guard.region, 0, 6 * PAGE), 0);
    assert_int_equal(ward_region_committed(&guard.region), 6 * PAGE);
    assert_int_equal(ward_region_committed(&map.region), 7 * PAGE);
    memset(guard.region.base, 0x5a, 6 * PAGE);
    assert_write_dies(guard.region.base - 1);
    assert_write_dies(guard.region.base + 6 * PAGE);
    end();
    assert_int_equal(ward_region_commit(&map.region, 0, 8 * PAGE), 0);
    assert_true(can_write(map.region.base) && can_write(map.region.base + 7 * PAGE));
}

static void release_of_what_a_lazy_region_has_not_committed_is_nothing(void **state)
{
    (void)state;
    make();
    assert_int_equal(ward_region_release(&guard.region, 0, 6 * PAGE), 0);
    assert_int_equal(ward_region_commit(&guard.region, 0, PAGE), 0);
    memset(guard.region.base, 0x5a, PAGE);
    assert_int_equal(ward_region_release(&guard.region, 0, 6 * PAGE), 0);
    assert_true(is_all(guard.region.base, PAGE, 0));
    assert_int_equal(ward_region_committed(&guard.region), PAGE);
    end();
}

static void over_a_committed_lazy_region_both_grains_are_guarded(void **state)
{
    (void)state;
    assert_int_equal(ward_region_commit(&map.region, 0, 8 * PAGE), 0);
    make();
    assert_true(guard.back);
    assert_write_dies(guard.region.base - 1);
    assert_write_dies(guard.region.base + 6 * PAGE);
    end();
}

static void over_a_split_the_metadata_passes_through(void **state)
{
    struct ward_split split;

    (void)state;
    assert_int_equal(ward_split_init(&split, &map.region, PAGE), 0);
    assert_int_equal(ward_guard_init(&guard, &split.region), 0);
    assert_ptr_equal(ward_region_meta(&guard.region), ward_split_meta(&split));
    assert_write_dies(guard.region.base - 1);
    assert_true(can_write(ward_split_meta_base(&split)));
    end();
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_guard_init(&guard, &map.region), 0);
    assert_null(ward_region_meta(&guard.region));
    end();
}

static void a_guard_inside_a_guard_guards_again(void **state)
{
    struct ward_guard inner;

    (void)state;
    make();
    assert_int_equal(ward_guard_init(&inner, &guard.region), 0);
    assert_ptr_equal(inner.region.base, map.region.base + 2 * PAGE);
    assert_int_equal(inner.region.size, 4 * PAGE);
    assert_true(is_closed(map.region.base, 2 * PAGE));
    assert_true(is_closed(map.region.base + 6 * PAGE, 2 * PAGE));
    assert_int_equal(ward_region_fini(&inner.region), 0);
    assert_true(can_write(guard.region.base));
    assert_write_dies(guard.region.base - 1);
    end();
}

static void what_cannot_be_protected_cannot_be_guarded(void **state)
{
    static unsigned char buffer[64];
    struct ward_static bytes;
    struct ward_locked locked;

    (void)state;
    assert_int_equal(ward_static_init(&bytes, buffer, sizeof buffer), 0);
    dirty(guard);
    assert_int_equal(ward_guard_init(&guard, &bytes.region), -ENOTSUP);
    assert_all_zero(guard);
    assert_int_equal(ward_locked_init(&locked, 4 * PAGE), 0);
    dirty(guard);
    assert_int_equal(ward_guard_init(&guard, &locked.region), -ENOTSUP);
    assert_all_zero(guard);
    assert_true(can_write(locked.region.base) && can_write(locked.region.base + 3 * PAGE));
    assert_int_equal(ward_region_fini(&locked.region), 0);
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    struct ward_region none = { 0 };
    struct ward_map small;

    (void)state;
    assert_int_equal(ward_guard_init(NULL, &map.region), -EINVAL);
    dirty(guard);
    assert_int_equal(ward_guard_init(&guard, NULL), -EINVAL);
    assert_all_zero(guard);
    dirty(guard);
    assert_int_equal(ward_guard_init(&guard, &none), -EINVAL);
    assert_all_zero(guard);
    assert_int_equal(ward_map_init(&small, 2 * PAGE, 0), 0);
    dirty(guard);
    assert_int_equal(ward_guard_init(&guard, &small.region), -EINVAL);
    assert_all_zero(guard);
    assert_int_equal(ward_region_fini(&small.region), 0);
    assert_int_equal(ward_map_init(&small, 3 * PAGE, 0), 0);
    assert_int_equal(ward_guard_init(&guard, &small.region), 0);
    assert_int_equal(guard.region.size, PAGE);
    end();
    assert_int_equal(ward_region_fini(&small.region), 0);
}

static int init(void *object)
{
    return ward_guard_init(object, &map.region);
}

static void a_failed_init_leaves_the_inner_region_as_it_was(void **state)
{
    static const unsigned takes[] = { 0, INJECT_NO_ADVICE(WARD_HOST_GUARD) };

    (void)state;
    for (int i = 0; i < 2; i++) {
        inject_take(takes[i]);
        assert_true(fail_each_call(init, &guard, sizeof guard) >= 2);
        assert_true(can_write(map.region.base) && can_write(map.region.base + 7 * PAGE));
    }
    inject_split_budget(map.splits.charged + 3);
    dirty(guard);
    assert_int_equal(ward_guard_init(&guard, &map.region), -ENOSPC);
    assert_all_zero(guard);
    assert_true(can_write(map.region.base) && can_write(map.region.base + 7 * PAGE));
}

static void a_failed_init_over_a_lazy_region_leaves_it_usable(void **state)
{
    (void)state;
    assert_true(fail_each_call(init, &guard, sizeof guard) >= 2);
    assert_int_equal(ward_region_commit(&map.region, 0, 8 * PAGE), 0);
    memset(map.region.base, 0x5a, 8 * PAGE);
}

#define test(NAME)      cmocka_unit_test_setup_teardown(NAME, setup, teardown)
#define test_lazy(NAME) cmocka_unit_test_setup_teardown(NAME, setup_lazy, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_first_and_last_grain_are_inaccessible),
        test(fini_makes_the_two_grains_usable_again_and_empty),
        test(fini_that_fails_may_be_tried_again),
        test(guards_add_no_mapping),
        test(without_markers_protection_does_it_and_says_so),
        test(release_passes_through_with_its_offset),
        test(protection_passes_through_with_its_offset),
        test(the_guards_are_out_of_range),
        test_lazy(over_a_lazy_region_commit_passes_through),
        test_lazy(release_of_what_a_lazy_region_has_not_committed_is_nothing),
        test_lazy(over_a_committed_lazy_region_both_grains_are_guarded),
        test(over_a_split_the_metadata_passes_through),
        test(a_guard_inside_a_guard_guards_again),
        test(what_cannot_be_protected_cannot_be_guarded),
        test(bad_arguments_are_refused_and_leave_a_zero_object),
        test(a_failed_init_leaves_the_inner_region_as_it_was),
        test_lazy(a_failed_init_over_a_lazy_region_leaves_it_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
