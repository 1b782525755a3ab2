/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <ward/bump.h>
#include <ward/guard.h>
#include <ward/map.h>
#include <ward/split.h>
#include <ward/static.h>

#include "inject.h"

static _Alignas(64) unsigned char buffer[1024];

/* A new arena over the buffer, filled with a byte to tell what was touched. */
static struct ward_bump *over_buffer(void)
{
    static struct ward_static region;
    static struct ward_bump bump;

    memset(buffer, 0x5a, sizeof buffer);
    assert_int_equal(ward_static_init(&region, buffer, sizeof buffer), 0);
    assert_int_equal(ward_bump_init(&bump, &region.region), 0);
    return &bump;
}

static struct ward_layout of(size_t size, size_t align)
{
    struct ward_layout layout = { size, align };

    return layout;
}

static void blocks_follow_each_other_aligned_and_bounded(void **state)
{
    struct ward_bump *bump = over_buffer();

    (void)state;
    assert_ptr_equal(ward_bump_alloc(bump, of(3, 1)), buffer);
    assert_ptr_equal(ward_bump_alloc(bump, of(1, 1)), buffer + 3);
    assert_ptr_equal(ward_bump_alloc(bump, of(8, 8)), buffer + 8);
    assert_ptr_equal(ward_bump_alloc(bump, of(1, 64)), buffer + 64);
    assert_int_equal(ward_bump_used(bump), 65);
    assert_int_equal(ward_bump_capacity(bump), sizeof buffer);
    assert_true(is_all(buffer, sizeof buffer, 0x5a));
}

/* The region begins at an odd address: it is the address that is aligned, not the offset. */
static void alignment_is_that_of_the_address(void **state)
{
    struct ward_static region;
    struct ward_bump bump;

    (void)state;
    assert_int_equal(ward_static_init(&region, buffer + 1, 600), 0);
    for (size_t align = 1; align <= 256; align *= 2) {
        void *block;

        assert_int_equal(ward_bump_init(&bump, &region.region), 0);
        block = ward_bump_alloc(&bump, of(10, align));
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
        assert_true(ward_region_has(&region.region, block, 10));
    }
}

static void the_last_byte_can_be_had_and_no_more(void **state)
{
    struct ward_bump *bump = over_buffer();

    (void)state;
    assert_null(ward_bump_alloc(bump, of(sizeof buffer + 1, 1)));
    assert_int_equal(ward_bump_used(bump), 0);
    assert_ptr_equal(ward_bump_alloc(bump, of(sizeof buffer, 1)), buffer);
    assert_null(ward_bump_alloc(bump, of(1, 1)));
    assert_int_equal(ward_bump_used(bump), sizeof buffer);
    ward_bump_reset(bump);
    assert_non_null(ward_bump_alloc(bump, of(1000, 1)));
    assert_null(ward_bump_alloc(bump, of(20, 16)));
    assert_int_equal(ward_bump_used(bump), 1000);
    assert_non_null(ward_bump_alloc(bump, of(16, 16)));
}

static void a_layout_that_is_none_is_refused(void **state)
{
    struct ward_bump *bump = over_buffer();
    const size_t aligns[] = { 0, 3, 6, (size_t)1 << 63, SIZE_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++)
        assert_null(ward_bump_alloc(bump, of(8, aligns[i])));
    assert_null(ward_bump_alloc(bump, of(0, 1)));
    assert_null(ward_bump_alloc(bump, of(SIZE_MAX, 1)));
    assert_null(ward_bump_alloc(bump, of(PTRDIFF_MAX, 1)));
    assert_null(ward_bump_alloc(bump, of(1, (size_t)1 << 62)));
    assert_int_equal(ward_bump_used(bump), 0);
}

static void init_refuses_what_is_no_region(void **state)
{
    struct ward_region nothing = { 0 };
    struct ward_bump bump;

    (void)state;
    assert_int_equal(ward_bump_init(NULL, &nothing), -EINVAL);
    dirty(bump);
    assert_int_equal(ward_bump_init(&bump, NULL), -EINVAL);
    assert_all_zero(bump);
    dirty(bump);
    assert_int_equal(ward_bump_init(&bump, &nothing), -EINVAL);
    assert_all_zero(bump);
}

static void the_newest_block_can_be_taken_back(void **state)
{
    struct ward_bump *bump = over_buffer();
    void *a = ward_bump_alloc(bump, of(10, 1)), *b = ward_bump_alloc(bump, of(20, 16));

    (void)state;
    ward_bump_free(bump, b, 20);
    assert_int_equal(ward_bump_used(bump), 16); /* its padding stays */
    ward_bump_free(bump, b, 20);
    ward_bump_free(bump, a, 10);
    assert_int_equal(ward_bump_used(bump), 16);
}

static void freeing_any_other_block_is_nothing(void **state)
{
    struct ward_bump *bump = over_buffer();
    unsigned char *a = ward_bump_alloc(bump, of(10, 1)), *b = ward_bump_alloc(bump, of(20, 1));

    (void)state;
    ward_bump_free(bump, a, 10);
    ward_bump_free(bump, b, 19);
    ward_bump_free(bump, b, 0);
    ward_bump_free(bump, b + 1, 19);
    ward_bump_free(bump, NULL, 0);
    ward_bump_free(bump, &bump, 8);
    assert_int_equal(ward_bump_used(bump), 30);
}

static void the_newest_block_grows_and_shrinks_in_place(void **state)
{
    struct ward_bump *bump = over_buffer();
    unsigned char *a = ward_bump_alloc(bump, of(16, 8));

    (void)state;
    memset(a, 1, 16);
    assert_ptr_equal(ward_bump_resize(bump, a, of(16, 8), of(1024, 8)), a);
    assert_int_equal(ward_bump_used(bump), 1024);
    assert_ptr_equal(ward_bump_resize(bump, a, of(1024, 8), of(5, 8)), a);
    assert_int_equal(ward_bump_used(bump), 5);
    assert_true(is_all(a, 16, 1));
}

static void an_older_block_shrinks_in_place_and_grows_by_a_copy(void **state)
{
    struct ward_bump *bump = over_buffer();
    unsigned char *a = ward_bump_alloc(bump, of(16, 8)), *b = ward_bump_alloc(bump, of(8, 8)), *c;

    (void)state;
    memset(a, 1, 16);
    memset(b, 2, 8);
    assert_ptr_equal(ward_bump_resize(bump, a, of(16, 8), of(12, 8)), a);
    assert_int_equal(ward_bump_used(bump), 24);
    c = ward_bump_resize(bump, a, of(16, 8), of(40, 8));
    assert_ptr_equal(c, buffer + 24);
    assert_true(is_all(c, 16, 1) && is_all(a, 16, 1) && is_all(b, 8, 2));
    assert_true(is_all(c + 16, sizeof buffer - 40, 0x5a));
}

/* The defect of an arena that looks at the size alone: in place, but not aligned. */
static void a_larger_alignment_moves_the_block_unless_it_has_it(void **state)
{
    struct ward_bump *bump = over_buffer();
    unsigned char *a, *b;

    (void)state;
    assert_non_null(ward_bump_alloc(bump, of(8, 8)));
    a = ward_bump_alloc(bump, of(16, 8));
    memset(a, 3, 16);
    b = ward_bump_resize(bump, a, of(16, 8), of(8, 64));
    assert_ptr_equal(b, buffer + 64);
    assert_true(is_all(b, 8, 3) && is_all(b + 8, 16, 0x5a));
    assert_ptr_equal(ward_bump_resize(bump, b, of(8, 64), of(30, 1)), b);
}

static void a_resize_that_fails_leaves_block_and_cursor(void **state)
{
    struct ward_bump *bump = over_buffer();
    unsigned char *a = ward_bump_alloc(bump, of(600, 8)), *b = ward_bump_alloc(bump, of(200, 8));

    (void)state;
    memset(a, 1, 600);
    memset(b, 2, 200);
    assert_null(ward_bump_resize(bump, a, of(600, 8), of(601, 8)));
    assert_null(ward_bump_resize(bump, b, of(200, 8), of(425, 8)));
    assert_null(ward_bump_resize(bump, b, of(200, 8), of(0, 8)));
    assert_null(ward_bump_resize(bump, b, of(200, 8), of(8, 3)));
    assert_null(ward_bump_resize(bump, b, of(200, 8), of(8, 0)));
    assert_null(ward_bump_resize(bump, b, of(200, 8), of(SIZE_MAX, 8)));
    assert_null(ward_bump_resize(bump, b, of(201, 8), of(8, 8)));
    assert_null(ward_bump_resize(bump, b, of(SIZE_MAX, 8), of(8, 8)));
    assert_null(ward_bump_resize(bump, NULL, of(8, 8), of(8, 8)));
    assert_null(ward_bump_resize(bump, &bump, of(8, 8), of(8, 8)));
    assert_int_equal(ward_bump_used(bump), 800);
    assert_true(is_all(a, 600, 1) && is_all(b, 200, 2));
}

static void rewinding_frees_what_came_after_the_mark(void **state)
{
    struct ward_bump *bump = over_buffer();
    ward_bump_mark_point start = ward_bump_mark(bump), middle;
    void *a, *b;

    (void)state;
    a = ward_bump_alloc(bump, of(100, 1));
    middle = ward_bump_mark(bump);
    b = ward_bump_alloc(bump, of(100, 1));
    assert_int_equal(ward_bump_rewind(bump, middle), 0);
    assert_ptr_equal(ward_bump_alloc(bump, of(7, 1)), b);
    assert_int_equal(ward_bump_rewind(bump, middle), 0);
    ward_bump_free(bump, a, 100); /* no longer known as the newest: waits */
    assert_int_equal(ward_bump_used(bump), 100);
    assert_int_equal(ward_bump_rewind(bump, start), 0);
    assert_int_equal(ward_bump_used(bump), 0);
    assert_int_equal(ward_bump_rewind(bump, middle), -EINVAL);
    assert_int_equal(ward_bump_used(bump), 0);
    assert_ptr_equal(ward_bump_alloc(bump, of(1, 1)), a);
}

static void reset_frees_everything_and_touches_nothing(void **state)
{
    struct ward_bump *bump = over_buffer();

    (void)state;
    memset(ward_bump_alloc(bump, of(100, 1)), 9, 100);
    ward_bump_reset(bump);
    assert_int_equal(ward_bump_used(bump), 0);
    assert_true(is_all(buffer, 100, 9));
    assert_ptr_equal(ward_bump_alloc(bump, of(1, 1)), buffer);
}

static void a_lazy_region_is_committed_before_the_cursor_moves(void **state)
{
    struct ward_bump bump;
    struct ward_map map;
    unsigned char *a;

    (void)state;
    assert_int_equal(ward_map_init(&map, 16 * PAGE, WARD_MAP_LAZY), 0);
    assert_int_equal(ward_bump_init(&bump, &map.region), 0);
    a = ward_bump_alloc(&bump, of(PAGE + 1, 1));
    assert_non_null(a);
    assert_int_equal(ward_region_committed(&map.region), 2 * PAGE);
    memset(a, 1, PAGE + 1);
    assert_ptr_equal(ward_bump_resize(&bump, a, of(PAGE + 1, 1), of(4 * PAGE, 1)), a);
    assert_int_equal(ward_region_committed(&map.region), 4 * PAGE);
    memset(a, 1, 4 * PAGE);
    assert_int_equal(ward_region_fini(&map.region), 0);
}

static void a_commit_that_fails_is_no_block_and_no_change(void **state)
{
    struct ward_bump bump;
    struct ward_map map;
    void *a;

    (void)state;
    assert_int_equal(ward_map_init(&map, 16 * PAGE, WARD_MAP_LAZY), 0);
    assert_int_equal(ward_bump_init(&bump, &map.region), 0);
    a = ward_bump_alloc(&bump, of(10, 1));
    inject_arm_from(1, ENOMEM);
    assert_null(ward_bump_alloc(&bump, of(PAGE, 1)));
    assert_null(ward_bump_resize(&bump, a, of(10, 1), of(2 * PAGE, 1)));
    inject_reset();
    assert_int_equal(ward_bump_used(&bump), 10);
    assert_non_null(ward_bump_alloc(&bump, of(PAGE, 1)));
    assert_int_equal(ward_region_fini(&map.region), 0);
}

/* The whole of a bare map, a split and a guarded split: the cursor reaches the last byte of
 * each. */
static void every_region_can_be_allocated_from_at_once(void **state)
{
    struct ward_region *regions[3];
    struct ward_split split;
    struct ward_guard guard;
    struct ward_map map;

    (void)state;
    assert_int_equal(ward_map_init(&map, 8 * PAGE, 0), 0);
    assert_int_equal(ward_split_init(&split, &map.region, PAGE), 0);
    assert_int_equal(ward_guard_init(&guard, &split.region), 0);
    regions[0] = &guard.region;
    regions[1] = &split.region;
    regions[2] = &map.region;
    for (int i = 0; i < 3; i++) {
        struct ward_bump bump;
        unsigned char *all;

        assert_int_equal(ward_bump_init(&bump, regions[i]), 0);
        all = ward_bump_alloc(&bump, of(regions[i]->size, PAGE));
        assert_ptr_equal(all, regions[i]->base);
        memset(all, 0x77, regions[i]->size);
        assert_null(ward_bump_alloc(&bump, of(1, 1)));
        assert_int_equal(ward_region_fini(regions[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_follow_each_other_aligned_and_bounded),
        cmocka_unit_test(alignment_is_that_of_the_address),
        cmocka_unit_test(the_last_byte_can_be_had_and_no_more),
        cmocka_unit_test(a_layout_that_is_none_is_refused),
        cmocka_unit_test(init_refuses_what_is_no_region),
        cmocka_unit_test(the_newest_block_can_be_taken_back),
        cmocka_unit_test(freeing_any_other_block_is_nothing),
        cmocka_unit_test(the_newest_block_grows_and_shrinks_in_place),
        cmocka_unit_test(an_older_block_shrinks_in_place_and_grows_by_a_copy),
        cmocka_unit_test(a_larger_alignment_moves_the_block_unless_it_has_it),
        cmocka_unit_test(a_resize_that_fails_leaves_block_and_cursor),
        cmocka_unit_test(rewinding_frees_what_came_after_the_mark),
        cmocka_unit_test(reset_frees_everything_and_touches_nothing),
        cmocka_unit_test(a_lazy_region_is_committed_before_the_cursor_moves),
        cmocka_unit_test(a_commit_that_fails_is_no_block_and_no_change),
        cmocka_unit_test(every_region_can_be_allocated_from_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
