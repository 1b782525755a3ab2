/* SPDX-License-Identifier: MIT */
/*
 * The six tests that the idea of a split came with, restated: what is allocated from a split comes
 * from its data side, and nothing done through it reaches the metadata.
 */
#include "backing.h"

#include <ward/bump.h>
#include <ward/map.h>
#include <ward/split.h>

#define KIB ((size_t)1024)

struct built {
    struct ward_map data;
    struct ward_split split;
    struct ward_bump bump;
};

static void build(struct built *b, size_t data_bytes, size_t meta_bytes)
{
    assert_int_equal(ward_map_init(&b->data, data_bytes, 0), 0);
    assert_int_equal(ward_split_init(&b->split, &b->data.region, meta_bytes), 0);
    assert_int_equal(ward_bump_init(&b->bump, &b->split.region), 0);
}

static void end(struct built *b)
{
    assert_int_equal(ward_region_fini(&b->split.region), 0);
    assert_int_equal(ward_region_fini(&b->data.region), 0);
}

static void meta_and_data_regions_are_disjoint_virtual_addresses(void **state)
{
    struct built b;
    uintptr_t meta, data;

    (void)state;
    build(&b, 64 * KIB, 64 * KIB);
    meta = (uintptr_t)ward_split_meta_base(&b.split);
    data = (uintptr_t)b.split.region.base;
    assert_true(meta + ward_split_meta_size(&b.split) <= data ||
                data + b.split.region.size <= meta);
    /* What the original could only hope for: they are not neighbours either. */
    assert_true(meta + ward_split_meta_size(&b.split) != data &&
                data + b.split.region.size != meta);
    assert_false(can_read((void *)(data + b.split.region.size)));
    assert_false(can_read((void *)(meta - 1)));
    end(&b);
}

static void allocation_goes_to_the_data_region(void **state)
{
    const struct ward_layout layout = { 128, 8 };
    struct built b;
    void *block;

    (void)state;
    build(&b, 64 * KIB, 16 * KIB);
    block = ward_bump_alloc(&b.bump, layout);
    assert_non_null(block);
    assert_true(ward_region_has(ward_split_data(&b.split), block, 128));
    ward_bump_free(&b.bump, block, 128);
    end(&b);
}

static void allocations_never_touch_the_metadata_region(void **state)
{
    const struct ward_layout layout = { 256, 8 };
    struct built b;
    uintptr_t meta, meta_end;
    int count = 0;
    void *block;

    (void)state;
    build(&b, 64 * KIB, 16 * KIB);
    meta = (uintptr_t)ward_split_meta_base(&b.split);
    meta_end = meta + ward_split_meta_size(&b.split);
    while ((block = ward_bump_alloc(&b.bump, layout))) {
        assert_true((uintptr_t)block + 256 <= meta || (uintptr_t)block >= meta_end);
        memset(block, 0xff, 256);
        count++;
    }
    assert_true(count >= 32);
    assert_true(is_all((void *)meta, meta_end - meta, 0));
    end(&b);
}

static void the_metadata_region_is_writable(void **state)
{
    const size_t places[] = { 0, 100, 1000, 4095 };
    struct built b;
    unsigned char *meta;

    (void)state;
    build(&b, 64 * KIB, 4 * KIB);
    meta = ward_split_meta_base(&b.split);
    memset(meta, 0xab, 4 * KIB);
    for (int i = 0; i < 4; i++)
        assert_int_equal(meta[places[i]], 0xab);
    end(&b);
}

static void the_split_has_the_range_of_its_data(void **state)
{
    struct built b;

    (void)state;
    build(&b, 64 * KIB, 16 * KIB);
    assert_ptr_equal(b.split.region.base, b.data.region.base);
    assert_int_equal(b.split.region.size, b.data.region.size);
    assert_ptr_equal(ward_split_data(&b.split), &b.data.region);
    end(&b);
}

static void protect_affects_the_data_region_only(void **state)
{
    struct built b;
    unsigned char *meta;

    (void)state;
    build(&b, 64 * KIB, 4 * KIB);
    meta = ward_split_meta_base(&b.split);
    memset(meta, 0x11, 4 * KIB);
    assert_int_equal(ward_region_protect(&b.split.region, 0, b.split.region.size, WARD_NONE), 0);
    assert_false(can_read(b.split.region.base));
    memset(meta, 0x22, 4 * KIB);
    assert_true(is_all(meta, 4 * KIB, 0x22));
    assert_int_equal(ward_region_protect(&b.split.region, 0, b.split.region.size, WARD_RW), 0);
    assert_true(can_write(b.split.region.base));
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta_and_data_regions_are_disjoint_virtual_addresses),
        cmocka_unit_test(allocation_goes_to_the_data_region),
        cmocka_unit_test(allocations_never_touch_the_metadata_region),
        cmocka_unit_test(the_metadata_region_is_writable),
        cmocka_unit_test(the_split_has_the_range_of_its_data),
        cmocka_unit_test(protect_affects_the_data_region_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
