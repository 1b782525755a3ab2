/* SPDX-License-Identifier: MIT */
#include "failing.h"

#include <ward/huge.h>
#include <ward/map.h>

#include "inject.h"

#define HUGE_BYTES ((size_t)2 << 20)
#define POOL       "/proc/sys/vm/nr_hugepages"
#define WANTED     4

static long pool_before = -1;

static long read_pool(void)
{
    FILE *file = fopen(POOL, "r");
    long pages = -1;

    if (file && fscanf(file, "%ld", &pages) != 1)
        pages = -1;
    if (file)
        fclose(file);
    return pages;
}

static void write_pool(long pages)
{
    FILE *file = fopen(POOL, "w");

    if (!file)
        return;
    fprintf(file, "%ld\n", pages);
    fclose(file);
}

static void give_pool_back(void)
{
    if (pool_before >= 0)
        write_pool(pool_before);
}

/* The pool is the machine's: asked for here, given back at exit. */
static bool has_pool(void)
{
    if (pool_before < 0) {
        pool_before = read_pool();
        if (pool_before < 0 || atexit(give_pool_back))
            return false;
        if (pool_before < WANTED)
            write_pool(WANTED);
    }
    return read_pool() >= WANTED;
}

#define skip_without_pool() skip_unless(has_pool(), "no huge pages, and " POOL " does not grow")

static int setup(void **state)
{
    (void)state;
    inject_reset();
    return 0;
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    static const size_t bad[][2] = {
        { 0, 0 },           { SIZE_MAX, 0 }, { (size_t)PTRDIFF_MAX + 1, 0 },
        { 4096, 3 },        { 4096, 32768 }, { 4096, HUGE_BYTES + 4096 },
        { 4096, SIZE_MAX },
    };
    struct ward_huge huge;

    (void)state;
    assert_int_equal(ward_huge_init(NULL, 4096, 0), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dirty(huge);
        assert_int_equal(ward_huge_init(&huge, bad[i][0], bad[i][1]), -EINVAL);
        assert_all_zero(huge);
    }
    assert_int_equal(inject_count(), 0);
}

static void an_empty_pool_is_enomem_and_leaves_nothing_mapped(void **state)
{
    struct ward_huge huge;

    (void)state;
    dirty(huge);
    assert_int_equal(ward_huge_init(&huge, (size_t)1 << 44, 0), -ENOMEM);
    assert_all_zero(huge);
    assert_int_equal(inject_mapped()->count, 0);
}

static void a_page_size_the_system_has_not_is_not_supported(void **state)
{
    struct ward_huge huge;

    (void)state;
    dirty(huge);
    assert_int_equal(ward_huge_init(&huge, 4096, (size_t)1 << 20), -ENOTSUP);
    assert_all_zero(huge);
    inject_take(INJECT_NO_HUGE);
    dirty(huge);
    assert_int_equal(ward_huge_init(&huge, 4096, 0), -ENOTSUP);
    assert_all_zero(huge);
    assert_int_equal(inject_mapped()->count, 0);
}

/* Another thread's mapping may take the place between making room and filling it. */
static void a_place_that_others_always_take_is_enomem(void **state)
{
    struct ward_huge huge;

    (void)state;
    inject_take(INJECT_NO_FIXED);
    dirty(huge);
    assert_int_equal(ward_huge_init(&huge, 4096, 0), -ENOMEM);
    assert_all_zero(huge);
    assert_int_equal(inject_mapped()->count, 0);
}

static int init(void *object)
{
    return ward_huge_init(object, HUGE_BYTES, 0);
}

static void a_host_call_that_fails_leaves_nothing_mapped(void **state)
{
    struct ward_huge huge;

    (void)state;
    skip_without_pool();
    assert_true(fail_each_call(init, &huge, sizeof huge) >= 3);
}

static void a_huge_region_is_zeroed_huge_pages_between_guards(void **state)
{
    struct ward_huge huge;
    unsigned char *end;

    (void)state;
    skip_without_pool();
    dirty(huge);
    assert_int_equal(ward_huge_init(&huge, HUGE_BYTES + 1, 0), 0);
    assert_int_equal(huge.region.size, 2 * HUGE_BYTES);
    assert_int_equal(huge.region.grain, HUGE_BYTES);
    assert_int_equal((uintptr_t)huge.region.base % HUGE_BYTES, 0);
    assert_true(ward_region_ok(&huge.region));
    assert_true(huge.region.facts & WARD_IS_HUGE);
    assert_string_equal(ward_region_name(&huge.region), "huge");
    assert_true(has_vm_flag(huge.region.base, "ht"));
    assert_true(is_all(huge.region.base, huge.region.size, 0));
    memset(huge.region.base, 0x5a, huge.region.size);
    end = huge.region.base + huge.region.size;
    assert_true((size_t)(huge.region.base - huge.origin) >= WARD_MAP_GUARD_BYTES);
    assert_true((size_t)(huge.origin + huge.reserved - end) >= WARD_MAP_GUARD_BYTES);
    assert_true(is_closed(huge.origin, (size_t)(huge.region.base - huge.origin)));
    assert_true(is_closed(end, (size_t)(huge.origin + huge.reserved - end)));
    assert_write_dies(huge.region.base - 1);
    assert_write_dies(end);
    assert_int_equal(ward_region_fini(&huge.region), 0);
    assert_all_zero(huge);
    assert_int_equal(inject_mapped()->count, 0);
}

static void release_of_a_huge_page_reads_zero(void **state)
{
    struct ward_huge huge;

    (void)state;
    skip_without_pool();
    assert_int_equal(ward_huge_init(&huge, 2 * HUGE_BYTES, 0), 0);
    memset(huge.region.base, 0x5a, 2 * HUGE_BYTES);
    assert_int_equal(ward_region_release(&huge.region, HUGE_BYTES, HUGE_BYTES), 0);
    assert_true(is_all(huge.region.base, HUGE_BYTES, 0x5a));
    assert_true(is_all(huge.region.base + HUGE_BYTES, HUGE_BYTES, 0));
    assert_int_equal(ward_region_release(&huge.region, 4096, HUGE_BYTES), -EINVAL);
    assert_int_equal(ward_region_release(&huge.region, HUGE_BYTES, 2 * HUGE_BYTES), -ERANGE);
    assert_int_equal(ward_region_fini(&huge.region), 0);
}

static void protection_and_guards_work_in_huge_pages(void **state)
{
    struct ward_huge huge;
    unsigned char *second;

    (void)state;
    skip_without_pool();
    assert_int_equal(ward_huge_init(&huge, 2 * HUGE_BYTES, 0), 0);
    second = huge.region.base + HUGE_BYTES;
    memset(huge.region.base, 0x5a, 2 * HUGE_BYTES);
    assert_int_equal(ward_region_protect(&huge.region, 0, HUGE_BYTES, WARD_READ), 0);
    assert_true(can_read(huge.region.base));
    assert_false(can_write(huge.region.base));
    assert_int_equal(ward_region_protect(&huge.region, HUGE_BYTES, HUGE_BYTES, WARD_GUARD), 0);
    assert_int_equal(huge.splits.charged, 2);
    assert_read_dies(second);
    assert_int_equal(ward_region_protect(&huge.region, HUGE_BYTES, HUGE_BYTES, WARD_RW), 0);
    assert_true(is_all(second, HUGE_BYTES, 0));
    assert_true(is_all(huge.region.base, HUGE_BYTES, 0x5a));
    assert_int_equal(huge.splits.charged, 0);
    inject_split_budget(3);
    assert_int_equal(ward_region_protect(&huge.region, HUGE_BYTES, HUGE_BYTES, WARD_GUARD), 0);
    assert_int_equal(ward_region_protect(&huge.region, 0, HUGE_BYTES, WARD_GUARD), -ENOSPC);
    assert_int_equal(ward_region_fini(&huge.region), 0);
    assert_int_equal(ward_huge_init(&huge, HUGE_BYTES, 0), 0);
    assert_int_equal(ward_region_protect(&huge.region, 0, HUGE_BYTES, WARD_GUARD), 0);
    assert_int_equal(ward_region_fini(&huge.region), 0);
}

static void fini_that_fails_changes_nothing_and_may_be_tried_again(void **state)
{
    struct ward_huge huge, was;

    (void)state;
    skip_without_pool();
    assert_int_equal(ward_huge_init(&huge, HUGE_BYTES, 0), 0);
    was = huge;
    inject_arm(1, ENOMEM);
    assert_int_equal(ward_region_fini(&huge.region), -ENOMEM);
    assert_memory_equal(&huge, &was, sizeof was);
    assert_int_equal(ward_region_fini(&huge.region), 0);
    assert_all_zero(huge);
}

#define test(NAME) cmocka_unit_test_setup(NAME, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(bad_arguments_are_refused_and_leave_a_zero_object),
        test(an_empty_pool_is_enomem_and_leaves_nothing_mapped),
        test(a_page_size_the_system_has_not_is_not_supported),
        test(a_place_that_others_always_take_is_enomem),
        test(a_host_call_that_fails_leaves_nothing_mapped),
        test(a_huge_region_is_zeroed_huge_pages_between_guards),
        test(release_of_a_huge_page_reads_zero),
        test(protection_and_guards_work_in_huge_pages),
        test(fini_that_fails_changes_nothing_and_may_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
