/* SPDX-License-Identifier: MIT */
/*
 * Slot arithmetic against real division. Boundaries are tried in full, the rest by a generator with
 * a fixed seed: the claim is exactness, so one wrong answer anywhere is a failure.
 */
#include "backing.h"

#include <ward/inline/slot.h>

static uint64_t seed = 1;

static uint64_t next(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* One stride, and how many slots of it. */
struct grid {
    uint64_t stride, inverse, count;
    unsigned shift;
};

static struct grid grid_of(uint64_t stride, uint64_t count)
{
    unsigned shift = (unsigned)__builtin_ctzll(stride);
    struct grid grid = { stride, ward_slot_inverse_(stride >> shift), count, shift };

    return grid;
}

/* The contract: the index of a slot that starts at offset and is below count, else a number that is
 * no index. */
static bool is_right(const struct grid *grid, uint64_t offset)
{
    uint64_t got = ward_slot_index_(offset, grid->inverse, grid->shift);

    if (offset % grid->stride == 0 && offset / grid->stride < grid->count)
        return got == offset / grid->stride;
    return got >= grid->count;
}

static void assert_around(const struct grid *grid, uint64_t index)
{
    uint64_t at = index * grid->stride;

    assert_true(is_right(grid, at));
    assert_true(is_right(grid, at + 1));
    assert_true(is_right(grid, at - 1));
    assert_true(is_right(grid, at + grid->stride / 2));
    assert_true(is_right(grid, at + grid->stride - 1));
    assert_true(is_right(grid, at ^ UINT64_C(1) << 63));
    assert_true(is_right(grid, -at));
    for (unsigned bit = 0; bit < 64; bit++)
        assert_true(is_right(grid, at ^ UINT64_C(1) << bit));
}

static void assert_exact(uint64_t stride, uint64_t count)
{
    struct grid grid = grid_of(stride, count);

    assert_true(grid.inverse * (stride >> grid.shift) == 1);
    for (uint64_t i = 0; i < 4; i++) {
        assert_around(&grid, i);
        assert_around(&grid, count - 1 - i);
        assert_around(&grid, count + i);
    }
    for (int i = 0; i < 32; i++) {
        assert_around(&grid, next() % count);
        assert_true(is_right(&grid, next()));
        assert_true(is_right(&grid, next() % (count * stride)));
    }
}

static void every_small_stride_is_exact_with_every_kind_of_capacity(void **state)
{
    const uint64_t counts[] = { 4, 5, 255, 256, 65537, 0x7fffffff, 0x80000000, 0xffffffff };

    (void)state;
    for (uint64_t stride = 1; stride <= 2050; stride++)
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            assert_exact(stride, counts[i]);
}

static void big_strides_are_exact_with_the_largest_capacity(void **state)
{
    const uint64_t strides[] = { 4095,       4097,       65535,      65536,
                                 0x7fffffff, 0x80000000, 0x80000001, 0xaaaaaaab,
                                 0xfffffff0, 0xffffffef, 0xfffffff1, 0xffffffff };

    (void)state;
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++)
        assert_exact(strides[i], 0xffffffff);
    for (int i = 0; i < 2000; i++)
        assert_exact(1 + (uint32_t)next() % 0xfffffff0, 4 + (uint32_t)next() % 0xfffffffb);
}

static void an_address_in_a_small_grid_is_no_index_unless_a_slot_starts_there(void **state)
{
    (void)state;
    for (uint64_t stride = 1; stride < 200; stride++) {
        struct grid grid = grid_of(stride, 50);

        for (uint64_t off = 0; off < 60 * stride; off++)
            assert_true(is_right(&grid, off) && is_right(&grid, -off));
    }
}

static void assert_divides(uint32_t divisor)
{
    uint64_t reciprocal = ward_slot_reciprocal_(divisor);

    for (uint32_t i = 0; i < 64; i++) {
        uint32_t any = (uint32_t)next(), edge = any / divisor * divisor;
        uint32_t tries[] = {
            i,           UINT32_MAX - i, any, edge, edge - 1, edge + divisor, edge + divisor - 1,
            divisor - i, divisor + i
        };

        for (size_t j = 0; j < sizeof tries / sizeof tries[0]; j++)
            assert_int_equal(ward_slot_divide_(tries[j], reciprocal), tries[j] / divisor);
    }
}

static void division_by_the_reciprocal_is_exact(void **state)
{
    (void)state;
    for (uint32_t divisor = 1; divisor <= 5000; divisor++)
        assert_divides(divisor);
    for (unsigned log2 = 0; log2 < 31; log2++) {
        assert_divides(UINT32_C(1) << log2);
        assert_divides((UINT32_C(1) << log2) + 1);
        assert_divides((UINT32_C(2) << log2) - 1);
    }
    assert_divides(UINT32_C(1) << 31);
    for (int i = 0; i < 5000; i++)
        assert_divides(1 + (uint32_t)next() % (UINT32_C(1) << 31));
}

/* Four products of 32 bits, and the carries: what the proofs take ward_slot_high_ to be. */
static uint64_t schoolbook_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    uint64_t carry = a0 * b1 + (uint32_t)middle;

    return a1 * b1 + (middle >> 32) + (carry >> 32);
}

static void upper_half_is_that_of_the_schoolbook_product(void **state)
{
    uint64_t edges[3 * 64];
    size_t n = 0;

    (void)state;
    for (unsigned log2 = 0; log2 < 64; log2++) {
        edges[n++] = UINT64_C(1) << log2;
        edges[n++] = (UINT64_C(1) << log2) - 1;
        edges[n++] = ~(UINT64_C(1) << log2);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            assert_int_equal(ward_slot_high_(edges[i], edges[j]),
                             schoolbook_high(edges[i], edges[j]));
    for (int i = 0; i < 100000; i++) {
        uint64_t a = next(), b = next();

        assert_int_equal(ward_slot_high_(a, b), schoolbook_high(a, b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_stride_is_exact_with_every_kind_of_capacity),
        cmocka_unit_test(big_strides_are_exact_with_the_largest_capacity),
        cmocka_unit_test(an_address_in_a_small_grid_is_no_index_unless_a_slot_starts_there),
        cmocka_unit_test(division_by_the_reciprocal_is_exact),
        cmocka_unit_test(upper_half_is_that_of_the_schoolbook_product),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
