/* SPDX-License-Identifier: MIT */
#include "failing.h"

#include <ward/split.h>
#include <ward/static.h>

#include "inject.h"

static struct ward_map data;
static struct ward_split split;

static int setup(void **state)
{
    (void)state;
    inject_reset();
    dirty(data);
    dirty(split);
    return ward_map_init(&data, 8 * PAGE, 0);
}

static int teardown(void **state)
{
    (void)state;
    return ward_region_fini(&data.region) || inject_mapped()->count != 0;
}

static unsigned char *meta_of(const struct ward_split *of)
{
    return ward_split_meta_base(of);
}

static void a_split_is_the_data_region_to_its_callers(void **state)
{
    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, 5000), 0);
    assert_ptr_equal(split.region.base, data.region.base);
    assert_int_equal(split.region.size, data.region.size);
    assert_int_equal(split.region.grain, data.region.grain);
    assert_int_equal(split.region.facts, data.region.facts);
    assert_int_equal(ward_region_committed(&split.region), 8 * PAGE);
    assert_string_equal(ward_region_name(&split.region), "split");
    assert_true(ward_region_ok(&split.region));
    assert_ptr_equal(ward_split_data(&split), &data.region);
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static void the_metadata_is_zeroed_writable_pages_of_its_own(void **state)
{
    struct ward_region *meta;

    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, 5000), 0);
    meta = ward_region_meta(&split.region);
    assert_ptr_equal(meta, ward_split_meta(&split));
    assert_ptr_equal(meta, &split.own.region);
    assert_ptr_equal(ward_split_meta_base(&split), meta->base);
    assert_int_equal(ward_split_meta_size(&split), (5000 + PAGE - 1) / PAGE * PAGE);
    assert_int_equal(meta->size, ward_split_meta_size(&split));
    assert_true(is_all(meta->base, meta->size, 0));
    memset(meta->base, 0xff, meta->size);
    assert_true(is_all(data.region.base, data.region.size, 0));
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static size_t gap_of(const struct ward_split *of)
{
    const struct ward_region *d = of->data, *m = of->meta;

    return d->base < m->base ? (size_t)(m->base - d->base) - d->size
                             : (size_t)(d->base - m->base) - m->size;
}

/* Two plain mappings lie back to back where the system puts them: the gap would be 0. */
static void data_and_metadata_are_never_adjacent(void **state)
{
    static struct ward_map maps[64];
    static struct ward_split splits[64];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(ward_map_init(&maps[i], (i % 5 + 1) * PAGE, 0), 0);
        assert_int_equal(ward_split_init(&splits[i], &maps[i].region, (i % 3 + 1) * PAGE), 0);
        assert_true(gap_of(&splits[i]) >= WARD_MAP_GUARD_BYTES);
    }
    for (size_t i = 0; i < 64; i++) {
        const struct ward_region *meta = splits[i].meta;

        assert_true(is_closed(meta->base - WARD_MAP_GUARD_BYTES, WARD_MAP_GUARD_BYTES));
        assert_true(is_closed(meta->base + meta->size, WARD_MAP_GUARD_BYTES));
        assert_int_equal(ward_region_fini(&splits[i].region), 0);
        assert_int_equal(ward_region_fini(&maps[i].region), 0);
    }
}

/* Each made beside the one before it, and all kept: no hole of an earlier one is used again. */
static void the_distance_of_data_and_metadata_is_random(void **state)
{
    static struct ward_map maps[64];
    static struct ward_split splits[64];
    unsigned different = 0;

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        bool known = false;

        assert_int_equal(ward_map_init(&maps[i], PAGE, 0), 0);
        assert_int_equal(ward_split_init(&splits[i], &maps[i].region, PAGE), 0);
        for (size_t k = 0; k < i; k++)
            known = known || gap_of(&splits[k]) == gap_of(&splits[i]);
        different += !known;
    }
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(ward_region_fini(&splits[i].region), 0);
        assert_int_equal(ward_region_fini(&maps[i].region), 0);
    }
    /* 64 draws from 256: 57 are expected, and 32 or fewer have a probability below 2^-50. */
    assert_true(different > 32);
}

/* Data that brings no guards, right where the metadata would lie. */
static void a_static_buffer_beside_the_metadata_is_as_far_away(void **state)
{
    static unsigned char buffer[64];
    struct ward_static bytes;

    (void)state;
    assert_int_equal(ward_static_init(&bytes, buffer, sizeof buffer), 0);
    assert_int_equal(ward_split_init(&split, &bytes.region, 100), 0);
    assert_true(gap_of(&split) >= WARD_MAP_GUARD_BYTES);
    assert_int_equal(ward_region_protect(&split.region, 0, 1, WARD_READ), -ENOTSUP);
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static int write_back_from_data(void *arg)
{
    volatile unsigned char *at = data.region.base;

    (void)arg;
    for (size_t i = 0; i <= WARD_MAP_GUARD_BYTES; i++)
        *--at = 0xff;
    return 0;
}

static void an_underflow_of_the_data_dies_before_the_metadata(void **state)
{
    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, PAGE), 0);
    assert_int_equal(in_child(write_back_from_data, NULL), -SIGSEGV);
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static void what_is_done_to_the_data_leaves_the_metadata_alone(void **state)
{
    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, 2 * PAGE), 0);
    memset(meta_of(&split), 0x11, 2 * PAGE);
    memset(data.region.base, 0x5a, 8 * PAGE);
    assert_int_equal(ward_region_release(&split.region, 0, 8 * PAGE), 0);
    assert_true(is_all(data.region.base, 8 * PAGE, 0));
    assert_int_equal(ward_region_protect(&split.region, 0, 8 * PAGE, WARD_NONE), 0);
    assert_true(is_closed(data.region.base, 8 * PAGE));
    assert_true(can_write(meta_of(&split)));
    assert_int_equal(ward_region_protect(&split.region, 0, 8 * PAGE, WARD_GUARD), 0);
    assert_true(is_all(meta_of(&split), 2 * PAGE, 0x11));
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static void what_is_done_to_the_metadata_leaves_the_data_alone(void **state)
{
    struct ward_region *meta;

    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, 2 * PAGE), 0);
    meta = ward_split_meta(&split);
    memset(data.region.base, 0x5a, 8 * PAGE);
    memset(meta->base, 0x11, 2 * PAGE);
    assert_int_equal(ward_region_protect(meta, 0, PAGE, WARD_READ), 0);
    assert_write_dies(meta->base);
    assert_true(can_write(data.region.base));
    assert_int_equal(ward_region_release(meta, PAGE, PAGE), 0);
    assert_true(is_all(meta->base, PAGE, 0x11));
    assert_true(is_all(data.region.base, 8 * PAGE, 0x5a));
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static void commit_passes_through(void **state)
{
    struct ward_map lazy;

    (void)state;
    assert_int_equal(ward_map_init(&lazy, 8 * PAGE, WARD_MAP_LAZY), 0);
    assert_int_equal(ward_split_init(&split, &lazy.region, PAGE), 0);
    assert_int_equal(ward_region_committed(&split.region), 0);
    assert_int_equal(ward_region_protect(&split.region, 0, PAGE, WARD_READ), -ERANGE);
    assert_int_equal(ward_region_commit(&split.region, PAGE, PAGE), 0);
    assert_int_equal(ward_region_committed(&split.region), 2 * PAGE);
    assert_int_equal(ward_region_committed(&lazy.region), 2 * PAGE);
    assert_true(can_write(split.region.base));
    assert_int_equal(ward_region_commit(&split.region, 8 * PAGE, PAGE), -ERANGE);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_region_fini(&lazy.region), 0);
}

static void guards_that_split_the_data_show_in_the_facts(void **state)
{
    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, PAGE), 0);
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD));
    assert_int_equal(ward_region_protect(&split.region, 0, PAGE, WARD_GUARD), 0);
    assert_true(split.region.facts & WARD_IS_GUARD_SPLIT);
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static void metadata_of_the_callers_is_used_as_it_is(void **state)
{
    struct ward_map meta;

    (void)state;
    assert_int_equal(ward_map_init(&meta, PAGE, 0), 0);
    memset(meta.region.base, 0x11, PAGE);
    assert_int_equal(ward_split_init_with(&split, &data.region, &meta.region), 0);
    assert_ptr_equal(ward_split_meta(&split), &meta.region);
    assert_ptr_equal(ward_region_meta(&split.region), &meta.region);
    assert_ptr_equal(ward_split_meta_base(&split), meta.region.base);
    assert_int_equal(ward_split_meta_size(&split), PAGE);
    assert_all_zero(split.own);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_all_zero(split);
    assert_true(is_all(meta.region.base, PAGE, 0x11));
    assert_int_equal(ward_region_fini(&meta.region), 0);
}

static void regions_that_overlap_are_refused(void **state)
{
    static unsigned char buffer[100];
    static const size_t overlaps[][4] = {
        { 0, 50, 0, 50 },  { 0, 50, 49, 51 }, { 10, 20, 0, 100 },
        { 0, 100, 40, 1 }, { 49, 51, 0, 50 },
    };
    static const size_t apart[][4] = { { 0, 50, 50, 50 }, { 50, 50, 0, 50 }, { 0, 1, 99, 1 } };
    struct ward_static a, b;

    (void)state;
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        assert_int_equal(ward_static_init(&a, buffer + overlaps[i][0], overlaps[i][1]), 0);
        assert_int_equal(ward_static_init(&b, buffer + overlaps[i][2], overlaps[i][3]), 0);
        dirty(split);
        assert_int_equal(ward_split_init_with(&split, &a.region, &b.region), -EINVAL);
        assert_all_zero(split);
    }
    for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++) {
        assert_int_equal(ward_static_init(&a, buffer + apart[i][0], apart[i][1]), 0);
        assert_int_equal(ward_static_init(&b, buffer + apart[i][2], apart[i][3]), 0);
        assert_int_equal(ward_split_init_with(&split, &a.region, &b.region), 0);
    }
    assert_int_equal(ward_split_init_with(&split, &data.region, &data.region), -EINVAL);
}

static void a_region_inside_the_others_wrapper_is_refused(void **state)
{
    struct ward_split outer;

    (void)state;
    assert_int_equal(ward_split_init(&split, &data.region, PAGE), 0);
    assert_int_equal(ward_split_init_with(&outer, &split.region, &data.region), -EINVAL);
    assert_int_equal(ward_split_init_with(&outer, &data.region, &split.region), -EINVAL);
    assert_all_zero(outer);
    assert_int_equal(ward_region_fini(&split.region), 0);
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    static const size_t bad[] = { 0, SIZE_MAX, (size_t)PTRDIFF_MAX + 1 };
    struct ward_region none = { 0 };

    (void)state;
    assert_int_equal(ward_split_init(NULL, &data.region, PAGE), -EINVAL);
    assert_int_equal(ward_split_init_with(NULL, &data.region, &data.region), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dirty(split);
        assert_int_equal(ward_split_init(&split, &data.region, bad[i]), -EINVAL);
        assert_all_zero(split);
    }
    for (int i = 0; i < 4; i++) {
        struct ward_region *missing = i & 1 ? NULL : &none;

        dirty(split);
        if (i & 2)
            assert_int_equal(ward_split_init_with(&split, &data.region, missing), -EINVAL);
        else
            assert_int_equal(ward_split_init_with(&split, missing, &data.region), -EINVAL);
        assert_all_zero(split);
        dirty(split);
        assert_int_equal(ward_split_init(&split, missing, PAGE), -EINVAL);
        assert_all_zero(split);
    }
    assert_null(ward_split_data(NULL));
    assert_null(ward_split_meta(NULL));
    assert_null(ward_split_meta_base(NULL));
    assert_int_equal(ward_split_meta_size(NULL), 0);
    assert_null(ward_split_meta_base(&split));
    assert_int_equal(ward_split_meta_size(&split), 0);
}

static int init(void *object)
{
    return ward_split_init(object, &data.region, PAGE);
}

static void a_host_call_that_fails_leaves_nothing_mapped(void **state)
{
    (void)state;
    assert_true(fail_each_call(init, &split, sizeof split) >= 2);
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD));
    assert_true(fail_each_call(init, &split, sizeof split) >= 4);
}

static void fini_ends_the_metadata_and_leaves_the_data(void **state)
{
    unsigned char *meta;

    (void)state;
    data.region.base[0] = 7;
    assert_int_equal(ward_split_init(&split, &data.region, PAGE), 0);
    meta = meta_of(&split);
    inject_arm(1, ENOMEM);
    assert_int_equal(ward_region_fini(&split.region), -ENOMEM);
    assert_ptr_equal(meta_of(&split), meta);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_all_zero(split);
    assert_false(can_read(meta));
    assert_int_equal(data.region.base[0], 7);
    assert_int_equal(ward_region_fini(&split.region), 0);
}

#define test(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_split_is_the_data_region_to_its_callers),
        test(the_metadata_is_zeroed_writable_pages_of_its_own),
        test(data_and_metadata_are_never_adjacent),
        test(the_distance_of_data_and_metadata_is_random),
        test(a_static_buffer_beside_the_metadata_is_as_far_away),
        test(an_underflow_of_the_data_dies_before_the_metadata),
        test(what_is_done_to_the_data_leaves_the_metadata_alone),
        test(what_is_done_to_the_metadata_leaves_the_data_alone),
        test(commit_passes_through),
        test(guards_that_split_the_data_show_in_the_facts),
        test(metadata_of_the_callers_is_used_as_it_is),
        test(regions_that_overlap_are_refused),
        test(a_region_inside_the_others_wrapper_is_refused),
        test(bad_arguments_are_refused_and_leave_a_zero_object),
        test(a_host_call_that_fails_leaves_nothing_mapped),
        test(fini_ends_the_metadata_and_leaves_the_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
