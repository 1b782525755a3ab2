/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <ward/arith.h>

/* Where sums and products begin to wrap, and what lies around. */
static const size_t edges[] = {
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    4095,
    4096,
    4097,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x100000001,
    SIZE_MAX / 3,
    SIZE_MAX / 2 - 1,
    SIZE_MAX / 2,
    SIZE_MAX / 2 + 1,
    SIZE_MAX / 2 + 2,
    SIZE_MAX - 4096,
    SIZE_MAX - 4095,
    SIZE_MAX - 1,
    SIZE_MAX,
};

enum { EDGES = sizeof edges / sizeof edges[0] };

__extension__ typedef unsigned __int128 wide;

static void powers_of_two_are_known_and_zero_is_none(void **state)
{
    (void)state;
    assert_false(ward_is_pow2(0));
    for (unsigned i = 0; i < 64; i++) {
        size_t power = (size_t)1 << i;

        assert_true(ward_is_pow2(power));
        assert_true(ward_is_pow2(power + 1) == (power == 1));
        assert_true(ward_is_pow2(power - 1) == (power == 2));
        for (unsigned j = 0; j < i; j++)
            assert_false(ward_is_pow2(power | (size_t)1 << j));
    }
}

static void a_sum_is_exact_or_refused(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES; i++)
        for (int j = 0; j < EDGES; j++) {
            wide exact = (wide)edges[i] + edges[j];
            size_t sum = 99;

            assert_true(ward_add(edges[i], edges[j], &sum) == (exact <= SIZE_MAX));
            assert_true(sum == (exact <= SIZE_MAX ? (size_t)exact : 0));
        }
}

static void a_product_is_exact_or_refused(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES; i++)
        for (int j = 0; j < EDGES; j++) {
            wide exact = (wide)edges[i] * edges[j];
            size_t product = 99;

            assert_true(ward_mul(edges[i], edges[j], &product) == (exact <= SIZE_MAX));
            assert_true(product == (exact <= SIZE_MAX ? (size_t)exact : 0));
        }
}

static void rounding_up_gives_the_next_multiple_or_refuses(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES; i++)
        for (unsigned log2 = 0; log2 < 64; log2++) {
            size_t align = (size_t)1 << log2, up = 99;
            wide exact = ((wide)edges[i] + align - 1) / align * align;

            assert_true(ward_round_up(edges[i], align, &up) == (exact <= SIZE_MAX));
            assert_true(up == (exact <= SIZE_MAX ? (size_t)exact : 0));
        }
}

static void rounding_down_gives_the_multiple_below(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES; i++)
        for (unsigned log2 = 0; log2 < 64; log2++) {
            size_t align = (size_t)1 << log2;

            assert_true(ward_round_down(edges[i], align) == edges[i] / align * align);
        }
}

static void a_range_is_within_a_size_exactly_when_its_end_is(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES; i++)
        for (int j = 0; j < EDGES; j++)
            for (int k = 0; k < EDGES; k++)
                assert_true(ward_within(edges[i], edges[j], edges[k]) ==
                            ((wide)edges[i] + edges[j] <= edges[k]));
}

static bool share_a_byte(uintptr_t a, size_t a_size, uintptr_t b, size_t b_size)
{
    wide first = a > b ? a : b, a_end = (wide)a + a_size, b_end = (wide)b + b_size;

    return a_size && b_size && first < (a_end < b_end ? a_end : b_end);
}

static void ranges_overlap_exactly_when_they_share_a_byte(void **state)
{
    (void)state;
    for (int i = 0; i < EDGES; i++)
        for (int j = 0; j < EDGES; j++)
            for (int k = 0; k < EDGES; k++)
                for (int l = 0; l < EDGES; l++) {
                    uintptr_t a = edges[i], b = edges[k];
                    size_t a_size = edges[j], b_size = edges[l];

                    if ((wide)a + a_size <= (wide)1 << 64 && (wide)b + b_size <= (wide)1 << 64)
                        assert_true(ward_overlap(a, a_size, b, b_size) ==
                                    share_a_byte(a, a_size, b, b_size));
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_are_known_and_zero_is_none),
        cmocka_unit_test(a_sum_is_exact_or_refused),
        cmocka_unit_test(a_product_is_exact_or_refused),
        cmocka_unit_test(rounding_up_gives_the_next_multiple_or_refuses),
        cmocka_unit_test(rounding_down_gives_the_multiple_below),
        cmocka_unit_test(a_range_is_within_a_size_exactly_when_its_end_is),
        cmocka_unit_test(ranges_overlap_exactly_when_they_share_a_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
