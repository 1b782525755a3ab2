/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <errno.h>

#include <ward/heap.h>

static void a_heap_region_is_one_zeroed_block(void **state)
{
    struct ward_heap heap;

    (void)state;
    dirty(heap);
    assert_int_equal(ward_heap_init(&heap, 1001, 0), 0);
    assert_int_equal(heap.region.size, 1001);
    assert_int_equal(heap.region.grain, 1);
    assert_int_equal(heap.region.facts, WARD_IS_ZEROED);
    assert_int_equal((uintptr_t)heap.region.base % WARD_ALIGNOF(max_align_t), 0);
    assert_true(is_all(heap.region.base, 1001, 0));
    assert_int_equal(ward_region_committed(&heap.region), 1001);
    assert_string_equal(ward_region_name(&heap.region), "heap");
    assert_true(ward_region_ok(&heap.region));
    memset(heap.region.base, 1, 1001);
    assert_int_equal(ward_region_fini(&heap.region), 0);
    assert_all_zero(heap);
}

/* A block that was used before is what an aligned allocation is likely to get again. */
static void every_alignment_is_kept_and_zeroed(void **state)
{
    struct ward_heap heap;

    (void)state;
    for (size_t align = 1; align <= 65536; align *= 2) {
        for (int round = 0; round < 2; round++) {
            assert_int_equal(ward_heap_init(&heap, 333, align), 0);
            assert_int_equal((uintptr_t)heap.region.base % align, 0);
            assert_true(is_all(heap.region.base, 333, 0));
            memset(heap.region.base, 0xff, 333);
            assert_int_equal(ward_region_fini(&heap.region), 0);
        }
    }
}

static void release_clears_the_range_and_nothing_else(void **state)
{
    struct ward_heap heap;

    (void)state;
    assert_int_equal(ward_heap_init(&heap, 64, 0), 0);
    memset(heap.region.base, 0x5a, 64);
    assert_int_equal(ward_region_release(&heap.region, 5, 11), 0);
    assert_true(is_all(heap.region.base, 5, 0x5a));
    assert_true(is_all(heap.region.base + 5, 11, 0));
    assert_true(is_all(heap.region.base + 16, 48, 0x5a));
    assert_int_equal(ward_region_release(&heap.region, 60, 5), -ERANGE);
    assert_true(is_all(heap.region.base + 16, 48, 0x5a));
    assert_int_equal(ward_region_fini(&heap.region), 0);
}

static void nothing_can_be_protected(void **state)
{
    struct ward_heap heap;

    (void)state;
    assert_int_equal(ward_heap_init(&heap, 8192, 4096), 0);
    assert_int_equal(ward_region_commit(&heap.region, 0, 8192), 0);
    assert_int_equal(ward_region_protect(&heap.region, 0, 4096, WARD_READ), -ENOTSUP);
    assert_null(ward_region_meta(&heap.region));
    assert_int_equal(ward_region_fini(&heap.region), 0);
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    static const size_t bad[][2] = { { 0, 0 }, { SIZE_MAX, 0 }, { (size_t)PTRDIFF_MAX + 1, 0 },
                                     { 8, 3 }, { 8, SIZE_MAX }, { 8, 48 } };
    struct ward_heap heap;

    (void)state;
    assert_int_equal(ward_heap_init(NULL, 8, 0), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dirty(heap);
        assert_int_equal(ward_heap_init(&heap, bad[i][0], bad[i][1]), -EINVAL);
        assert_all_zero(heap);
    }
}

static void what_the_heap_cannot_serve_is_enomem_and_leaves_errno_alone(void **state)
{
    static const size_t large[][2] = { { (size_t)PTRDIFF_MAX, 0 },
                                       { (size_t)PTRDIFF_MAX, 4096 },
                                       { 8, (size_t)1 << 63 } };
    struct ward_heap heap;

    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        dirty(heap);
        errno = 4711;
        assert_int_equal(ward_heap_init(&heap, large[i][0], large[i][1]), -ENOMEM);
        assert_int_equal(errno, 4711);
        assert_all_zero(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_region_is_one_zeroed_block),
        cmocka_unit_test(every_alignment_is_kept_and_zeroed),
        cmocka_unit_test(release_clears_the_range_and_nothing_else),
        cmocka_unit_test(nothing_can_be_protected),
        cmocka_unit_test(bad_arguments_are_refused_and_leave_a_zero_object),
        cmocka_unit_test(what_the_heap_cannot_serve_is_enomem_and_leaves_errno_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
