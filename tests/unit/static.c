/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <ward/static.h>

static unsigned char buffer[100];

static void a_static_region_is_the_callers_bytes_as_they_are(void **state)
{
    struct ward_static region;

    (void)state;
    dirty(region);
    memset(buffer, 0x5a, sizeof buffer);
    assert_int_equal(ward_static_init(&region, buffer + 3, 77), 0);
    assert_ptr_equal(region.region.base, buffer + 3);
    assert_int_equal(region.region.size, 77);
    assert_int_equal(region.region.grain, 1);
    assert_int_equal(region.region.facts, 0);
    assert_int_equal(ward_region_committed(&region.region), 77);
    assert_string_equal(ward_region_name(&region.region), "static");
    assert_true(ward_region_ok(&region.region));
    assert_true(is_all(buffer, sizeof buffer, 0x5a));
}

static void release_clears_the_range_and_nothing_else(void **state)
{
    struct ward_static region;

    (void)state;
    memset(buffer, 0x5a, sizeof buffer);
    assert_int_equal(ward_static_init(&region, buffer + 10, 50), 0);
    assert_int_equal(ward_region_release(&region.region, 7, 20), 0);
    assert_true(is_all(buffer, 17, 0x5a));
    assert_true(is_all(buffer + 17, 20, 0));
    assert_true(is_all(buffer + 37, sizeof buffer - 37, 0x5a));
}

static void release_outside_touches_nothing(void **state)
{
    struct ward_static region;

    (void)state;
    memset(buffer, 0x5a, sizeof buffer);
    assert_int_equal(ward_static_init(&region, buffer + 10, 50), 0);
    assert_int_equal(ward_region_release(&region.region, 0, 51), -ERANGE);
    assert_int_equal(ward_region_release(&region.region, 50, 1), -ERANGE);
    assert_int_equal(ward_region_release(&region.region, SIZE_MAX, 2), -ERANGE);
    assert_int_equal(ward_region_commit(&region.region, 1, 50), -ERANGE);
    assert_true(is_all(buffer, sizeof buffer, 0x5a));
}

static void everything_is_committed_and_nothing_can_be_protected(void **state)
{
    struct ward_static region;

    (void)state;
    assert_int_equal(ward_static_init(&region, buffer, sizeof buffer), 0);
    assert_int_equal(ward_region_commit(&region.region, 0, sizeof buffer), 0);
    assert_int_equal(ward_region_protect(&region.region, 0, 1, WARD_READ), -ENOTSUP);
    assert_int_equal(ward_region_protect(&region.region, 0, 1, WARD_GUARD), -ENOTSUP);
    assert_null(ward_region_meta(&region.region));
}

static void fini_zeroes_the_object_and_leaves_the_bytes(void **state)
{
    struct ward_static region;

    (void)state;
    memset(buffer, 0x5a, sizeof buffer);
    assert_int_equal(ward_static_init(&region, buffer, sizeof buffer), 0);
    assert_int_equal(ward_region_fini(&region.region), 0);
    assert_all_zero(region);
    assert_true(is_all(buffer, sizeof buffer, 0x5a));
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    const struct {
        void *bytes;
        size_t size;
    } bad[] = {
        { NULL, 8 },
        { buffer, 0 },
        { buffer, SIZE_MAX },
        { (void *)(UINTPTR_MAX - 7), 9 },
    };
    struct ward_static region;

    (void)state;
    assert_int_equal(ward_static_init(NULL, buffer, 8), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dirty(region);
        assert_int_equal(ward_static_init(&region, bad[i].bytes, bad[i].size), -EINVAL);
        assert_all_zero(region);
    }
}

WARD_INLINE_REGION_DEFINE(small, 24);

static void an_inline_region_lies_inside_its_object(void **state)
{
    struct small small;

    (void)state;
    dirty(small);
    assert_int_equal(small_init(&small), 0);
    assert_ptr_equal(small.in.region.base, small.bytes);
    assert_int_equal(small.in.region.size, 24);
    assert_int_equal((uintptr_t)small.bytes % 16, 0);
    assert_int_equal(ward_region_release(&small.in.region, 0, 24), 0);
    assert_true(is_all(small.bytes, 24, 0));
    assert_true(ward_region_ok(&small.in.region));
    assert_int_equal(small_init(NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_static_region_is_the_callers_bytes_as_they_are),
        cmocka_unit_test(release_clears_the_range_and_nothing_else),
        cmocka_unit_test(release_outside_touches_nothing),
        cmocka_unit_test(everything_is_committed_and_nothing_can_be_protected),
        cmocka_unit_test(fini_zeroes_the_object_and_leaves_the_bytes),
        cmocka_unit_test(bad_arguments_are_refused_and_leave_a_zero_object),
        cmocka_unit_test(an_inline_region_lies_inside_its_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
