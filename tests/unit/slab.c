/* SPDX-License-Identifier: MIT */
/*
 * The slab as an allocator: sizes, places, exhaustion, resize, walking, counting.
 * Making slabs, policies, misuse, damage and life across fork have files of their own beside this
 * one.
 */
#include "slabs.h"

/* --- blocks ----------------------------------------------------------------------------------- */

static void fill_with_its_number(unsigned char *block, size_t size, unsigned number)
{
    for (size_t i = 0; i < size; i++)
        block[i] = (unsigned char)(number * 31 + i);
}

static bool has_its_number(const unsigned char *block, size_t size, unsigned number)
{
    for (size_t i = 0; i < size; i++)
        if (block[i] != (unsigned char)(number * 31 + i))
            return false;
    return true;
}

enum { MANY = 37 };

/* Takes every slot, fills each to its end, and finds all as they were. */
static void assert_serves(struct ward_slab *slab, const struct ward_slab_spec *spec)
{
    struct ward_region *data = ward_slab_data(slab);
    uint32_t capacity = info_of(slab).capacity;
    unsigned char *block[MANY + 64];

    assert_in_range(capacity, MANY, MANY + 63);
    for (unsigned i = 0; i < capacity; i++) {
        block[i] = ward_slab_alloc(slab, spec->block.size);
        assert_non_null(block[i]);
        assert_int_equal((uintptr_t)block[i] % spec->block.align, 0);
        assert_true(ward_region_has(data, block[i], spec->block.size));
        assert_int_equal(ward_slab_usable(slab, block[i]), spec->block.size);
        if (spec->policy & WARD_ZERO)
            assert_true(is_all(block[i], spec->block.size, 0));
        fill_with_its_number(block[i], spec->block.size, i);
    }
    assert_null(ward_slab_alloc(slab, 1));
    assert_true(is_whole(slab));
    for (unsigned i = 0; i < capacity; i++) {
        assert_true(has_its_number(block[i], spec->block.size, i));
        ward_slab_free(slab, block[i], spec->block.size);
    }
    assert_true(is_whole(slab));
    assert_int_equal(info_of(slab).live, 0);
}

static void every_size_and_alignment_is_served_under_every_policy(void **state)
{
    const size_t sizes[] = { 1,  2,  3,   7,   8,   9,   15,   16,   17,   24,   40,   48,   63,
                             64, 65, 100, 127, 250, 256, 1000, 4088, 4096, 4097, 5000, 70000 };
    const size_t aligns[] = { 1, 2, 4, 8, 16, 32, 64, 512, 4096 };

    (void)state;
    for (int p = 0; p < POLICIES; p++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (size_t a = s % 3; a < sizeof aligns / sizeof aligns[0]; a += 3) {
                const struct ward_slab_spec spec = spec_of(sizes[s], aligns[a], all_policies[p]);
                struct ward_slab slab;

                assert_int_equal(ward_slab_map(&slab, &spec, MANY), 0);
                assert_serves(&slab, &spec);
                assert_int_equal(ward_slab_fini(&slab), 0);
            }
}

/* Two requests below the largest: the rest of the slot is not given away. */
static void a_smaller_request_is_a_block_of_its_own_size(void **state)
{
    struct ward_slab slab;

    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        make(&slab, 100, all_policies[p], 100);
        for (size_t size = 1; size <= 100; size++) {
            void *block = ward_slab_alloc(&slab, size);

            assert_non_null(block);
            assert_int_equal(ward_slab_usable(&slab, block), size);
            memset(block, 0xff, size);
        }
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void no_request_of_zero_or_too_many_bytes_is_served(void **state)
{
    const size_t wrong[] = { 0,
                             65,
                             66,
                             72,
                             4096,
                             UINT32_MAX,
                             (size_t)UINT32_MAX + 1,
                             (size_t)UINT32_MAX + 65,
                             SIZE_MAX,
                             SIZE_MAX - 1,
                             PTRDIFF_MAX };
    struct ward_slab slab;

    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        make(&slab, 64, all_policies[p], 10);
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
            assert_null(ward_slab_alloc(&slab, wrong[i]));
        assert_int_equal(info_of(&slab).live, 0);
        assert_non_null(ward_slab_alloc(&slab, 64));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* --- places ----------------------------------------------------------------------------------- */

static void the_last_slot_ends_where_the_region_ends_and_there_is_the_guard(void **state)
{
    const size_t sizes[] = { 1, 8, 24, 100, 1000, 4096, 5000 };
    struct ward_slab slab;

    (void)state;
    for (int p = 0; p < POLICIES; p++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct ward_region *data;
            struct ends ends;

            make(&slab, sizes[s], all_policies[p], 11);
            data = ward_slab_data(&slab);
            ends = ends_of(&slab, sizes[s]);
            assert_ptr_equal(ends.last + info_of(&slab).stride, data->base + data->size);
            assert_false(can_read(data->base + data->size));
            assert_false(can_read(data->base - 1));
            assert_int_equal(ward_slab_fini(&slab), 0);
        }
}

static void slots_lie_a_stride_apart_and_the_stride_is_the_size_rounded_up(void **state)
{
    const struct {
        size_t size, align;
        unsigned policy;
        size_t stride;
    } cases[] = {
        { 1, 1, WARD_PLAIN, 1 },      { 8, 8, WARD_PLAIN, 8 },       { 9, 8, WARD_PLAIN, 16 },
        { 24, 8, WARD_PLAIN, 24 },    { 100, 4, WARD_PLAIN, 100 },   { 100, 64, WARD_PLAIN, 128 },
        { 24, 8, WARD_CANARY, 32 },   { 1, 1, WARD_CANARY, 9 },      { 56, 64, WARD_CANARY, 64 },
        { 57, 64, WARD_CANARY, 128 }, { 1, 4096, WARD_PLAIN, 4096 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ward_slab_spec spec = spec_of(cases[i].size, cases[i].align, cases[i].policy);
        struct ward_slab slab;
        struct ends ends;

        assert_int_equal(ward_slab_map(&slab, &spec, 50), 0);
        assert_int_equal(info_of(&slab).stride, cases[i].stride);
        ends = ends_of(&slab, cases[i].size);
        assert_int_equal(ends.last - ends.first, 49 * cases[i].stride);
        assert_int_equal(ward_slab_data_bytes(&spec, 50), 50 * cases[i].stride);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* No byte of the data is the slab's: whatever lies there, operations go on. */
static void nothing_in_the_data_is_ever_followed(void **state)
{
    struct ward_slab slab;
    struct ward_region *data;

    (void)state;
    make(&slab, 64, WARD_PLAIN, 64);
    data = ward_slab_data(&slab);
    for (int round = 0; round < 50; round++) {
        void *a = ward_slab_alloc(&slab, 64), *b = ward_slab_alloc(&slab, 64);

        memset(data->base + data->size - 64 * 63, 0x41 + round, 64 * 63);
        ward_slab_free(&slab, a, 64);
        memset(data->base + data->size - 64 * 63, 0x41 + round, 64 * 63);
        assert_non_null(ward_slab_alloc(&slab, 64));
        ward_slab_free(&slab, b, 64);
    }
    assert_true(is_whole(&slab));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- exhaustion ------------------------------------------------------------------------------- */

static void a_full_slab_answers_null_and_serves_again_after_a_free(void **state)
{
    struct ward_slab slab;
    void *block[600];

    (void)state;
    for (int p = 0; p < POLICIES; p++)
        for (uint32_t capacity = 1; capacity <= 600; capacity = capacity * 3 + 2) {
            uint32_t count = 0, real;

            make(&slab, 16, all_policies[p], capacity);
            real = info_of(&slab).capacity;
            assert_in_range(real, capacity, 600);
            while (count < 600 && (block[count] = ward_slab_alloc(&slab, 16)))
                count++;
            assert_int_equal(count, real);
            assert_null(ward_slab_alloc(&slab, 16));
            ward_slab_free(&slab, block[real / 2], 16);
            assert_ptr_equal(ward_slab_alloc(&slab, 16), block[real / 2]);
            assert_null(ward_slab_alloc(&slab, 16));
            assert_true(is_whole(&slab));
            assert_int_equal(ward_slab_fini(&slab), 0);
        }
}

static void a_slab_of_one_slot_works_under_every_policy(void **state)
{
    struct ward_slab slab;

    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        make(&slab, 24, all_policies[p], 1);
        for (int i = 0; i < 1000; i++) {
            void *block = ward_slab_alloc(&slab, 24);

            assert_non_null(block);
            assert_null(ward_slab_alloc(&slab, 24));
            memset(block, i, 24);
            ward_slab_free(&slab, block, 24);
        }
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* 32 GiB of data and more of metadata, of which a handful of pages is ever touched. */
static void the_largest_slab_there_can_be_costs_what_is_used_of_it(void **state)
{
    struct ward_slab slab;
    void *block[1000];

    (void)state;
    make(&slab, 8, WARD_PLAIN, UINT32_MAX);
    assert_int_equal(info_of(&slab).capacity, UINT32_MAX);
    assert_int_equal(info_of(&slab).free, UINT32_MAX);
    for (int i = 0; i < 1000; i++) {
        block[i] = ward_slab_alloc(&slab, 8);
        assert_non_null(block[i]);
        memset(block[i], 1, 8);
    }
    for (int i = 0; i < 1000; i++)
        ward_slab_free(&slab, block[i], 8);
    assert_int_equal(info_of(&slab).free, UINT32_MAX);
    assert_true(ward_region_committed(ward_slab_data(&slab)) < (size_t)1 << 20);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- resize and usable ------------------------------------------------------------------------ */

static void a_block_changes_its_size_in_place_and_keeps_what_it_holds(void **state)
{
    struct ward_slab slab;

    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        unsigned char *block, want[64];
        size_t was = 1;

        make(&slab, 64, all_policies[p], 20);
        block = ward_slab_alloc(&slab, was);
        block[0] = want[0] = 77;
        for (unsigned i = 0; i < 400; i++) {
            size_t size = 1 + i * 29 % 64, kept = was < size ? was : size;

            assert_int_equal(ward_slab_resize(&slab, block, was, size), 0);
            assert_int_equal(ward_slab_usable(&slab, block), size);
            assert_memory_equal(block, want, kept);
            fill_with_its_number(block, size, i);
            fill_with_its_number(want, size, i);
            assert_true(is_whole(&slab));
            was = size;
        }
        ward_slab_free(&slab, block, was);
        assert_int_equal(info_of(&slab).live, 0);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* What a block grows over was canary. All but the new end of it is cleared. */
static void growing_never_shows_the_canary(void **state)
{
    const unsigned policies[] = { WARD_CANARY, WARD_CANARY | WARD_ZERO, WARD_CANARY | WARD_POISON,
                                  WARD_HARDENED, WARD_PARANOID };

    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        unsigned char want = policies[p] & WARD_POISON ? WARD_POISON_BYTE : 0;
        struct ward_slab slab;

        make(&slab, 64, policies[p], 4);
        for (size_t was = 1; was < 64; was++)
            for (size_t size = was + 1; size <= 64; size += 7) {
                unsigned char *block = ward_slab_alloc(&slab, was);

                memset(block, 1, was);
                assert_int_equal(ward_slab_resize(&slab, block, was, size), 0);
                assert_true(is_all(block + was, size - was, want));
                ward_slab_free(&slab, block, size);
            }
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void a_resize_to_no_size_changes_nothing(void **state)
{
    const size_t wrong[] = { 0, 65, 4096, SIZE_MAX, (size_t)UINT32_MAX + 9 };
    struct ward_slab slab, none = { 0 };
    unsigned char *block;

    (void)state;
    make(&slab, 64, WARD_HARDENED, 4);
    block = ward_slab_alloc(&slab, 30);
    memset(block, 5, 30);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ward_slab_resize(&slab, block, 30, wrong[i]), -EINVAL);
    assert_int_equal(ward_slab_resize(&slab, NULL, 30, 8), -EINVAL);
    assert_int_equal(ward_slab_resize(NULL, block, 30, 8), -EINVAL);
    assert_int_equal(ward_slab_resize(&none, block, 30, 8), -EINVAL);
    assert_int_equal(ward_slab_usable(&slab, block), 30);
    assert_true(is_all(block, 30, 5) && is_whole(&slab));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void only_live_blocks_have_a_usable_size(void **state)
{
    struct ward_slab slab, none = { 0 };
    unsigned char *block, *freed;
    int local;

    (void)state;
    contain_bugs();
    make(&slab, 64, WARD_HARDENED, 10);
    block = ward_slab_alloc(&slab, 30);
    freed = ward_slab_alloc(&slab, 30);
    ward_slab_free(&slab, freed, 30);
    assert_int_equal(ward_slab_usable(&slab, block), 30);
    assert_int_equal(ward_slab_usable(&slab, freed), 0);
    assert_int_equal(ward_slab_usable(&slab, block + 1), 0);
    assert_int_equal(ward_slab_usable(&slab, block - 72 * 100), 0);
    assert_int_equal(ward_slab_usable(&slab, &local), 0);
    assert_int_equal(ward_slab_usable(&slab, NULL), 0);
    assert_int_equal(ward_slab_usable(NULL, block), 0);
    assert_int_equal(ward_slab_usable(&none, block), 0);
    assert_int_equal(ward_slab_fini(&slab), 0);
    no_bug();
}

/* --- walking and counting --------------------------------------------------------------------- */

static bool stop_at_three(void *block, size_t size, void *arg)
{
    unsigned *calls = (unsigned *)arg;

    (void)block;
    (void)size;
    return ++*calls < 3;
}

static void each_visits_live_blocks_in_order_until_told_to_stop(void **state)
{
    struct ward_slab slab, none = { 0 };
    struct live_count count = { 0, 0, NULL, true };
    void *block[20];
    unsigned calls = 0;

    (void)state;
    make(&slab, 32, WARD_HARDENED, 20);
    for (int i = 0; i < 20; i++)
        block[i] = ward_slab_alloc(&slab, (size_t)i + 1);
    for (int i = 0; i < 20; i += 2)
        ward_slab_free(&slab, block[i], (size_t)i + 1);
    ward_slab_each(&slab, count_live, &count);
    assert_int_equal(count.blocks, 10);
    assert_int_equal(count.bytes, 2 + 4 + 6 + 8 + 10 + 12 + 14 + 16 + 18 + 20);
    assert_true(count.ordered);
    ward_slab_each(&slab, stop_at_three, &calls);
    assert_int_equal(calls, 3);
    ward_slab_each(&none, stop_at_three, &calls);
    ward_slab_each(NULL, stop_at_three, &calls);
    ward_slab_each(&slab, NULL, NULL);
    assert_int_equal(calls, 3);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static bool free_it(void *block, size_t size, void *arg)
{
    ward_slab_free((struct ward_slab *)arg, block, size);
    return true;
}

static void each_may_free_the_block_it_is_given(void **state)
{
    struct ward_slab slab;

    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        make(&slab, 32, all_policies[p], 300);
        while (ward_slab_alloc(&slab, 20))
            continue;
        ward_slab_each(&slab, free_it, &slab);
        assert_int_equal(info_of(&slab).live, 0);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void the_counts_agree_at_every_step(void **state)
{
    enum { LIVE = 40 };

    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        struct ward_slab slab;
        void *block[LIVE] = { 0 };
        uint32_t live = 0;

        make(&slab, 48, all_policies[p], 64);
        for (unsigned i = 0; i < 800; i++) {
            unsigned at = i * 7919 % LIVE;

            if (block[at])
                ward_slab_free(&slab, block[at], at + 1);
            live += block[at] ? UINT32_MAX : 1;
            block[at] = block[at] ? NULL : ward_slab_alloc(&slab, at + 1);
            assert_int_equal(info_of(&slab).live, live);
            assert_true(is_whole(&slab));
        }
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void statistics_count_calls_bytes_and_the_peak(void **state)
{
    struct ward_slab slab;
    struct ward_slab_info info;
    void *a, *b;

    (void)state;
    make(&slab, 64, WARD_HARDENED | WARD_STATISTICS, 2);
    a = ward_slab_alloc(&slab, 10);
    b = ward_slab_alloc(&slab, 50);
    assert_null(ward_slab_alloc(&slab, 5));
    assert_int_equal(info_of(&slab).peak_bytes, 60);
    ward_slab_free(&slab, a, 10);
    assert_int_equal(ward_slab_resize(&slab, b, 50, 64), 0);
    info = info_of(&slab);
    assert_int_equal(info.allocs, 2);
    assert_int_equal(info.frees, 1);
    assert_int_equal(info.failures, 1);
    assert_int_equal(info.live_bytes, 64);
    assert_int_equal(info.peak_bytes, 64);
    assert_int_equal(ward_slab_resize(&slab, b, 64, 1), 0);
    ward_slab_free(&slab, b, 1);
    info = info_of(&slab);
    assert_int_equal(info.live_bytes, 0);
    assert_int_equal(info.peak_bytes, 64);
    assert_int_equal(info.frees, 2);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void without_statistics_nothing_is_counted(void **state)
{
    struct ward_slab slab;
    struct ward_slab_info info;

    (void)state;
    make(&slab, 64, WARD_HARDENED, 1);
    ward_slab_free(&slab, ward_slab_alloc(&slab, 10), 10);
    assert_non_null(ward_slab_alloc(&slab, 10));
    assert_null(ward_slab_alloc(&slab, 10));
    info = info_of(&slab);
    assert_int_equal(info.allocs + info.frees + info.failures, 0);
    assert_int_equal(info.live_bytes + info.peak_bytes, 0);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        slab_test(every_size_and_alignment_is_served_under_every_policy),
        slab_test(a_smaller_request_is_a_block_of_its_own_size),
        slab_test(no_request_of_zero_or_too_many_bytes_is_served),
        slab_test(the_last_slot_ends_where_the_region_ends_and_there_is_the_guard),
        slab_test(slots_lie_a_stride_apart_and_the_stride_is_the_size_rounded_up),
        slab_test(nothing_in_the_data_is_ever_followed),
        slab_test(a_full_slab_answers_null_and_serves_again_after_a_free),
        slab_test(a_slab_of_one_slot_works_under_every_policy),
        slab_test(the_largest_slab_there_can_be_costs_what_is_used_of_it),
        slab_test(a_block_changes_its_size_in_place_and_keeps_what_it_holds),
        slab_test(growing_never_shows_the_canary),
        slab_test(a_resize_to_no_size_changes_nothing),
        slab_test(only_live_blocks_have_a_usable_size),
        slab_test(each_visits_live_blocks_in_order_until_told_to_stop),
        slab_test(each_may_free_the_block_it_is_given),
        slab_test(the_counts_agree_at_every_step),
        slab_test(statistics_count_calls_bytes_and_the_peak),
        slab_test(without_statistics_nothing_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
