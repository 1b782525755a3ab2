/* SPDX-License-Identifier: MIT */
/*
 * What the makers of a slab take and refuse, what they leave behind, and the typed pool.
 */
#include "slabs.h"

#include <ward/guard.h>
#include <ward/static.h>

#include "inject.h"

/* --- what init takes and refuses -------------------------------------------------------------- */

static _Alignas(64) unsigned char data_bytes[4096], meta_bytes[64 * 1024];

/* Data and metadata in static buffers, for as many slots as fit. */
struct in_buffers {
    struct ward_static data, meta;
    struct ward_split split;
};

static struct ward_region *in_buffers(struct in_buffers *b, size_t skip_data, size_t skip_meta,
                                      size_t meta)
{
    memset(data_bytes, 0x5a, sizeof data_bytes);
    memset(meta_bytes, 0, sizeof meta_bytes);
    assert_int_equal(
        ward_static_init(&b->data, data_bytes + skip_data, sizeof data_bytes - skip_data - 1), 0);
    assert_int_equal(ward_static_init(&b->meta, meta_bytes + skip_meta, meta), 0);
    assert_int_equal(ward_split_init_with(&b->split, &b->data.region, &b->meta.region), 0);
    return &b->split.region;
}

static void a_slab_lives_in_two_static_buffers_that_are_aligned_to_nothing(void **state)
{
    const unsigned policies[] = { WARD_PLAIN, WARD_HARDENED, WARD_POISON | WARD_CANARY,
                                  WARD_GENERATION | WARD_ZERO };

    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++)
        for (size_t skip = 0; skip < 20; skip++) {
            const struct ward_slab_spec spec = spec_of(48, 16, policies[p]);
            struct in_buffers b;
            struct ward_slab slab;
            struct ends ends;

            assert_int_equal(
                ward_slab_init(&slab, &spec, in_buffers(&b, skip, 0, sizeof meta_bytes)), 0);
            assert_in_range(info_of(&slab).capacity, 4000 / 64, 4096 / 48);
            assert_false(info_of(&slab).geometry_fixed);
            ends = ends_of(&slab, 48);
            assert_int_equal((uintptr_t)ends.first % 16, 0);
            assert_true(ends.first >= data_bytes + skip);
            assert_in_range(data_bytes + 4095 - (ends.last + info_of(&slab).stride), 0, 15);
            assert_true(is_whole(&slab));
            assert_int_equal(ward_slab_fini(&slab), 0);
            assert_int_equal(data_bytes[4095], 0x5a);
            assert_true(is_all(data_bytes, skip, 0x5a));
        }
}

static void a_slab_has_no_more_slots_than_its_metadata_can_describe(void **state)
{
    const struct ward_slab_spec spec = spec_of(8, 8, WARD_PLAIN);
    struct in_buffers b;
    struct ward_slab slab;
    uint32_t all;

    (void)state;
    assert_int_equal(ward_slab_init(&slab, &spec, in_buffers(&b, 0, 0, sizeof meta_bytes)), 0);
    all = info_of(&slab).capacity;
    assert_int_equal(ward_slab_fini(&slab), 0);
    for (uint32_t slots = 1; slots < all; slots += 7) {
        size_t bytes = ward_slab_meta_bytes(&spec, slots);

        assert_int_equal(ward_slab_init(&slab, &spec, in_buffers(&b, 0, 0, bytes)), 0);
        assert_in_range(info_of(&slab).capacity, slots, all);
        assert_true(ward_slab_meta_bytes(&spec, info_of(&slab).capacity) <= bytes);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void metadata_that_is_too_small_or_not_aligned_is_refused(void **state)
{
    const struct ward_slab_spec spec = spec_of(48, 16, WARD_HARDENED);
    struct in_buffers b;
    struct ward_slab slab;
    size_t need;

    (void)state;
    need = ward_slab_meta_bytes(&spec, 1);
    assert_int_equal(ward_slab_init(&slab, &spec, in_buffers(&b, 0, 0, need)), 0);
    assert_int_equal(ward_slab_fini(&slab), 0);
    for (size_t less = 1; less < need; less += less < 70 ? 1 : 777) {
        dirty(slab);
        assert_int_equal(ward_slab_init(&slab, &spec, in_buffers(&b, 0, 0, need - less)), -ENOSPC);
        assert_all_zero(slab);
        assert_true(is_all(data_bytes, sizeof data_bytes, 0x5a));
        assert_true(is_all(meta_bytes, sizeof meta_bytes, 0));
    }
    for (size_t skip = 1; skip < 64; skip++) {
        dirty(slab);
        assert_int_equal(ward_slab_init(&slab, &spec, in_buffers(&b, 0, skip, need + 64)), -EINVAL);
        assert_all_zero(slab);
        assert_true(is_all(data_bytes, sizeof data_bytes, 0x5a));
        assert_true(is_all(meta_bytes, sizeof meta_bytes, 0));
    }
}

static void assert_refuses(const struct ward_slab_spec *spec, struct ward_region *region, int want)
{
    struct ward_slab slab;

    dirty(slab);
    assert_int_equal(ward_slab_init(&slab, spec, region), want);
    assert_all_zero(slab);
    assert_true(is_all(data_bytes, sizeof data_bytes, 0x5a));
    assert_true(is_all(meta_bytes, sizeof meta_bytes, 0));
}

static void init_refuses_what_makes_no_sense_and_changes_nothing(void **state)
{
    const struct ward_layout wrong[] = {
        { 0, 8 }, { 8, 0 }, { 8, 3 }, { 8, (size_t)1 << 63 }, { SIZE_MAX, 8 }, { 8, SIZE_MAX },
    };
    struct in_buffers b;
    struct ward_region *region = in_buffers(&b, 0, 0, sizeof meta_bytes), nothing = { 0 };
    struct ward_slab_spec spec = spec_of(48, 16, WARD_HARDENED);

    (void)state;
    assert_int_equal(ward_slab_init(NULL, &spec, region), -EINVAL);
    assert_refuses(NULL, region, -EINVAL);
    assert_refuses(&spec, NULL, -EINVAL);
    assert_refuses(&spec, &nothing, -EINVAL);
    assert_refuses(&spec, &b.data.region, -ENOTSUP); /* no metadata */
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        spec.block = wrong[i];
        assert_refuses(&spec, region, -EINVAL);
    }
    spec = spec_of(48, 2 * PAGE, WARD_PLAIN);
    assert_refuses(&spec, region, -EINVAL);
    spec = spec_of(48, 16, WARD_ZERO | WARD_POISON);
    assert_refuses(&spec, region, -EINVAL);
    spec = spec_of(5000, 16, WARD_PLAIN);
    assert_refuses(&spec, region, -ENOSPC);
    spec = spec_of((size_t)1 << 32, 16, WARD_PLAIN);
    assert_refuses(&spec, region, -EOVERFLOW);
}

static void map_refuses_what_makes_no_sense_and_maps_nothing(void **state)
{
    static struct inject_ledger before;
    struct ward_slab_spec spec = spec_of(48, 16, WARD_HARDENED);
    struct ward_slab slab;

    (void)state;
    before = *inject_mapped();
    dirty(slab);
    assert_int_equal(ward_slab_map(&slab, &spec, 0), -EINVAL);
    assert_all_zero(slab);
    dirty(slab);
    assert_int_equal(ward_slab_map(&slab, NULL, 10), -EINVAL);
    assert_all_zero(slab);
    assert_int_equal(ward_slab_map(NULL, &spec, 10), -EINVAL);
    spec.block.align = 3;
    dirty(slab);
    assert_int_equal(ward_slab_map(&slab, &spec, 10), -EINVAL);
    assert_all_zero(slab);
    assert_true(inject_mapped_is(&before));
}

static void blocks_of_four_gib_are_an_overflow_and_just_below_are_not(void **state)
{
    const size_t most = WARD_SLAB_STRIDE_MAX - 64;
    struct ward_slab_spec spec = spec_of(most, 8, WARD_PLAIN);
    struct ward_slab slab;
    unsigned char *block;

    (void)state;
    assert_int_equal(ward_slab_map(&slab, &spec, 2), 0);
    block = ward_slab_alloc(&slab, 100);
    assert_non_null(block);
    memset(block, 1, 100);
    assert_int_equal(ward_slab_fini(&slab), 0);
    for (size_t size = (size_t)1 << 32; size <= (size_t)1 << 57; size <<= 5) {
        spec.block.size = size;
        dirty(slab);
        assert_int_equal(ward_slab_map(&slab, &spec, 2), -EOVERFLOW);
        assert_all_zero(slab);
        assert_int_equal(ward_slab_meta_bytes(&spec, 2), 0);
        assert_int_equal(ward_slab_data_bytes(&spec, 2), 0);
    }
}

static void a_slab_too_large_for_the_address_space_is_refused(void **state)
{
    struct ward_slab_spec spec = spec_of((size_t)1 << 31, 8, WARD_PLAIN);
    struct ward_slab slab;
    int error;

    (void)state;
    dirty(slab);
    error = ward_slab_map(&slab, &spec, UINT32_MAX);
    assert_true(error == -EOVERFLOW || error == -ENOMEM);
    assert_all_zero(slab);
}

static void bytes_are_zero_for_what_can_be_no_slab(void **state)
{
    const struct ward_slab_spec good = spec_of(48, 16, WARD_HARDENED), bad = spec_of(48, 3, 0);

    (void)state;
    assert_int_equal(ward_slab_meta_bytes(NULL, 1), 0);
    assert_int_equal(ward_slab_data_bytes(NULL, 1), 0);
    assert_int_equal(ward_slab_meta_bytes(&good, 0), 0);
    assert_int_equal(ward_slab_data_bytes(&good, 0), 0);
    assert_int_equal(ward_slab_meta_bytes(&bad, 1), 0);
    assert_int_equal(ward_slab_data_bytes(&bad, 1), 0);
    assert_int_equal(ward_slab_meta_bytes(&good, 1) % PAGE, 0);
}

/* 8 bytes a slot, 16 with generations, as the header says: beyond the fixed pages. */
static void metadata_per_slot_is_what_the_header_says(void **state)
{
    struct ward_slab_spec spec = spec_of(64, 8, WARD_PLAIN);
    size_t few, many;

    (void)state;
    few = ward_slab_meta_bytes(&spec, 1);
    many = ward_slab_meta_bytes(&spec, 1 << 20);
    assert_in_range(many - few, (8u << 20) - PAGE, (8u << 20) + PAGE);
    spec.policy = WARD_GENERATION;
    few = ward_slab_meta_bytes(&spec, 1);
    many = ward_slab_meta_bytes(&spec, 1 << 20);
    assert_in_range(many - few, (16u << 20) - PAGE, (16u << 20) + PAGE);
}

static void a_slab_works_over_every_kind_of_split(void **state)
{
    const struct ward_slab_spec spec = spec_of(56, 8, WARD_HARDENED);
    struct ward_slab slab;
    struct ward_split split;
    struct ward_guard guard;
    struct ward_map map;

    (void)state;
    for (unsigned lazy = 0; lazy < 2; lazy++)
        for (unsigned guarded = 0; guarded < 2; guarded++) {
            assert_int_equal(ward_map_init(&map, 16 * PAGE, lazy ? WARD_MAP_LAZY : 0), 0);
            assert_int_equal(ward_split_init(&split, &map.region, 16 * PAGE), 0);
            memset(&guard, 0, sizeof guard);
            if (guarded)
                assert_int_equal(ward_guard_init(&guard, &split.region), 0);
            assert_int_equal(ward_slab_init(&slab, &spec, guarded ? &guard.region : &split.region),
                             0);
            assert_int_equal(info_of(&slab).capacity, (guarded ? 14 : 16) * PAGE / 64);
            assert_true(info_of(&slab).geometry_fixed);
            assert_ptr_equal(ward_slab_meta(&slab), ward_split_meta(&split));
            assert_ptr_equal(ends_of(&slab, 56).last + 64,
                             ward_slab_data(&slab)->base + ward_slab_data(&slab)->size);
            assert_true(is_whole(&slab));
            assert_int_equal(ward_slab_fini(&slab), 0);
            assert_int_equal(ward_region_fini(&guard.region), 0);
            assert_int_equal(ward_region_fini(&split.region), 0);
            assert_int_equal(ward_region_fini(&map.region), 0);
        }
}

/* Geometry and secrets stand in a page that cannot be written. */
static void the_geometry_is_read_only(void **state)
{
    struct ward_slab slab;

    (void)state;
    make(&slab, 64, WARD_HARDENED, 10);
    assert_true(info_of(&slab).geometry_fixed);
    assert_true(can_read(slab.geometry));
    assert_false(can_write((void *)(uintptr_t)slab.geometry));
    assert_write_dies(ward_slab_meta(&slab)->base);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* The same region twice: the second slab finds the first one's read-only page and starts clean. */
static void a_region_can_be_a_slab_again(void **state)
{
    const struct ward_slab_spec a = spec_of(24, 8, WARD_PARANOID),
                                b = spec_of(100, 4, WARD_HARDENED);
    struct ward_split split;
    struct ward_map map;
    struct ward_slab slab;

    (void)state;
    assert_int_equal(ward_map_init(&map, 16 * PAGE, 0), 0);
    assert_int_equal(ward_split_init(&split, &map.region, 64 * PAGE), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ward_slab_init(&slab, &a, &split.region), 0);
        (void)ends_of(&slab, 24);
        assert_int_equal(ward_slab_init(&slab, &b, &split.region), 0); /* without fini */
        (void)ends_of(&slab, 100);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_region_fini(&map.region), 0);
}

static void what_is_not_initialised_has_no_regions_and_no_counts(void **state)
{
    struct ward_slab none = { 0 };
    struct ward_slab_info info = info_of(&none);

    (void)state;
    assert_all_zero(info);
    ward_slab_info_get(&none, NULL);
    info = info_of(NULL);
    assert_all_zero(info);
    assert_null(ward_slab_data(&none));
    assert_null(ward_slab_meta(&none));
    assert_null(ward_slab_data(NULL));
    assert_false(ward_slab_verify(&none));
    assert_false(ward_slab_verify(NULL));
    assert_int_equal(ward_slab_release(&none), -EINVAL);
    assert_int_equal(ward_slab_release(NULL), -EINVAL);
    assert_int_equal(ward_slab_reset(&none), -EINVAL);
    assert_int_equal(ward_slab_reset(NULL), -EINVAL);
    assert_int_equal(ward_slab_fini(&none), 0);
    assert_int_equal(ward_slab_fini(NULL), 0);
}

static void fini_leaves_nothing_mapped(void **state)
{
    static struct inject_ledger before;
    struct ward_slab slab;

    (void)state;
    before = *inject_mapped();
    for (int p = 0; p < POLICIES; p++) {
        make(&slab, 64, all_policies[p], 1000);
        (void)ends_of(&slab, 64);
        assert_int_equal(ward_slab_fini(&slab), 0);
        assert_all_zero(slab);
        assert_int_equal(ward_slab_fini(&slab), 0);
        assert_true(inject_mapped_is(&before));
    }
}

/* --- the typed pool --------------------------------------------------------------------------- */

struct point {
    double x, y;
    char tag;
};

WARD_SLAB_DEFINE(plain_points, struct point, WARD_PLAIN);
WARD_SLAB_DEFINE(hard_points, struct point, WARD_HARDENED);
WARD_SLAB_DEFINE(paranoid_points, struct point, WARD_PARANOID | WARD_STATISTICS);

/* The stride folded into the code is the one the slab was made with. */
#define assert_pool_works(NAME)                                                                    \
    do {                                                                                           \
        struct NAME pool;                                                                          \
        struct point *point[100];                                                                  \
        assert_int_equal(NAME##_map(&pool, 100), 0);                                               \
        assert_int_equal(ward_slab_stride_(pool.slab.geometry, &NAME##_spec),                      \
                         info_of(&pool.slab).stride);                                              \
        for (int i = 0; i < 3000; i++) {                                                           \
            if (i >= 100)                                                                          \
                NAME##_free(&pool, point[i % 100]);                                                \
            point[i % 100] = NAME##_alloc(&pool);                                                  \
            assert_non_null(point[i % 100]);                                                       \
            assert_int_equal(ward_slab_usable(&pool.slab, point[i % 100]), sizeof(struct point));  \
            memset(point[i % 100], i, sizeof(struct point));                                       \
        }                                                                                          \
        NAME##_free(&pool, NULL);                                                                  \
        assert_true(is_whole(&pool.slab));                                                         \
        for (int i = 0; i < 100; i++)                                                              \
            ward_slab_free(&pool.slab, point[i], sizeof(struct point));                            \
        assert_int_equal(info_of(&pool.slab).live, 0);                                             \
        assert_int_equal(NAME##_fini(&pool), 0);                                                   \
        assert_int_equal(NAME##_map(NULL, 1), -EINVAL);                                            \
        assert_int_equal(NAME##_fini(NULL), 0);                                                    \
    } while (0)

static void a_typed_pool_is_the_same_slab(void **state)
{
    (void)state;
    assert_pool_works(plain_points);
    assert_pool_works(hard_points);
    assert_pool_works(paranoid_points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        slab_test(a_slab_lives_in_two_static_buffers_that_are_aligned_to_nothing),
        slab_test(a_slab_has_no_more_slots_than_its_metadata_can_describe),
        slab_test(metadata_that_is_too_small_or_not_aligned_is_refused),
        slab_test(init_refuses_what_makes_no_sense_and_changes_nothing),
        slab_test(map_refuses_what_makes_no_sense_and_maps_nothing),
        slab_test(blocks_of_four_gib_are_an_overflow_and_just_below_are_not),
        slab_test(a_slab_too_large_for_the_address_space_is_refused),
        slab_test(bytes_are_zero_for_what_can_be_no_slab),
        slab_test(metadata_per_slot_is_what_the_header_says),
        slab_test(a_slab_works_over_every_kind_of_split),
        slab_test(the_geometry_is_read_only),
        slab_test(a_region_can_be_a_slab_again),
        slab_test(what_is_not_initialised_has_no_regions_and_no_counts),
        slab_test(fini_leaves_nothing_mapped),
        slab_test(a_typed_pool_is_the_same_slab),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
