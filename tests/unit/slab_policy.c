/* SPDX-License-Identifier: MIT */
/*
 * What each policy bit does to a slab. That attacks are stopped by it is for tests/attack.
 */
#include "slabs.h"

#include <limits.h>

#include <ward/static.h>

#include "inject.h"

/* --- random slots ----------------------------------------------------------------------------- */

static size_t index_of(const struct ward_slab *slab, const void *block)
{
    const struct ward_region *data = ward_slab_data(slab);
    size_t from_end = (size_t)(data->base + data->size - (const unsigned char *)block);
    struct ward_slab_info info = info_of(slab);

    return info.capacity - from_end / info.stride;
}

static void without_random_choice_the_lowest_slot_comes_first_and_the_newest_again(void **state)
{
    struct ward_slab slab;
    void *block[100];

    (void)state;
    make(&slab, 32, WARD_PLAIN, 100);
    for (size_t i = 0; i < 100; i++) {
        block[i] = ward_slab_alloc(&slab, 32);
        assert_int_equal(index_of(&slab, block[i]), i);
    }
    ward_slab_free(&slab, block[7], 32);
    ward_slab_free(&slab, block[70], 32);
    assert_ptr_equal(ward_slab_alloc(&slab, 32), block[70]);
    assert_ptr_equal(ward_slab_alloc(&slab, 32), block[7]);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* 51 200 choices of 256 with a fixed seed: 200 expected for each, standard deviation 14. The bound
 * of 100 is 7 of them; even choices miss it with probability below 256 * 3e-12. */
static void a_random_slot_is_any_of_256_alike(void **state)
{
    static unsigned times[256];
    struct ward_slab slab;

    (void)state;
    inject_seed(1);
    make(&slab, 32, WARD_RANDOM_SLOT, 256);
    for (int i = 0; i < 51200; i++) {
        void *block = ward_slab_alloc(&slab, 32);

        times[index_of(&slab, block)]++;
        ward_slab_free(&slab, block, 32);
    }
    for (int i = 0; i < 256; i++)
        assert_in_range(times[i], 100, 300);
    inject_reset();
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* Of 1999 steps from block to block with a fixed seed, a fair choice is to the next slot in fewer
 * than 60: the expectation is below 2000 / 256 (the window's choice of the neighbour), 60 are 18
 * deviations. */
static void a_random_slab_is_not_issued_in_order(void **state)
{
    struct ward_slab slab;
    size_t before = 0, neighbours = 0;

    (void)state;
    inject_seed(2);
    make(&slab, 32, WARD_RANDOM_SLOT, 2000);
    for (int i = 0; i < 2000; i++) {
        size_t now = index_of(&slab, ward_slab_alloc(&slab, 32));

        neighbours += i > 0 && now == before + 1;
        before = now;
    }
    assert_in_range(neighbours, 0, 60);
    inject_reset();
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- what is left in a free slot -------------------------------------------------------------- */

static void free_leaves_zero_or_poison_in_the_whole_slot(void **state)
{
    (void)state;
    for (int p = 0; p < POLICIES; p++)
        for (size_t size = 1; size < 150; size += 11) {
            unsigned policy = all_policies[p];
            unsigned char want = policy & WARD_POISON ? WARD_POISON_BYTE : 0;
            struct ward_slab slab;
            unsigned char *block;

            if (!(policy & (WARD_ZERO | WARD_POISON)))
                continue;
            make(&slab, size, policy, 5);
            for (size_t asked = 1; asked <= size; asked++) {
                block = ward_slab_alloc(&slab, asked);
                memset(block, 0x33, asked);
                ward_slab_free(&slab, block, asked);
                assert_true(is_all(block, info_of(&slab).stride, want));
            }
            assert_int_equal(ward_slab_fini(&slab), 0);
        }
}

/* One wrong byte, at every place of the slot, found when the slot is issued again; and then the
 * slot, and no other, is out of use. */
static void assert_found_at_reissue(unsigned policy, unsigned char byte)
{
    struct ward_slab slab;
    unsigned char *block[40];
    size_t stride;

    make(&slab, 37, policy, 40);
    stride = info_of(&slab).stride;
    for (size_t i = 0; i < 40; i++)
        block[i] = ward_slab_alloc(&slab, 37);
    for (size_t i = 0; i < 40; i++) {
        struct ward_bug bug;

        ward_slab_free(&slab, block[i], 37);
        block[i][i * stride / 40] = byte;
        assert_false(ward_slab_verify(&slab));
        assert_null(ward_slab_alloc(&slab, 37)); /* there was only this one */
        bug = one_bug(WARD_BUG_WRITE_AFTER_FREE);
        assert_ptr_equal(bug.block, block[i]);
        assert_ptr_equal(bug.addr, block[i] + i * stride / 40);
        assert_int_equal(info_of(&slab).retired, i + 1);
        assert_int_equal(info_of(&slab).bugs, i + 1);
        assert_true(is_whole(&slab));
    }
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void a_write_after_free_is_found_at_reissue(void **state)
{
    (void)state;
    contain_bugs();
    assert_found_at_reissue(WARD_ZERO, 1);
    assert_found_at_reissue(WARD_ZERO | WARD_CANARY, 0x80);
    assert_found_at_reissue(WARD_POISON, 0);
    assert_found_at_reissue(WARD_POISON | WARD_CANARY, 0);
    assert_found_at_reissue(WARD_POISON | WARD_CANARY, WARD_POISON_BYTE ^ 1);
    assert_found_at_reissue(WARD_HARDENED, 1);
    assert_found_at_reissue(WARD_PARANOID & ~(unsigned)WARD_SPAN_GUARD, 0);
}

/* A fresh slot is as the system gave it; a poisoned one keeps its poison for the next owner. */
static void a_poisoned_block_is_issued_with_its_poison(void **state)
{
    struct ward_slab slab;
    unsigned char *block;

    (void)state;
    make(&slab, 64, WARD_POISON, 1);
    block = ward_slab_alloc(&slab, 64);
    assert_true(is_all(block, 64, 0));
    ward_slab_free(&slab, block, 64);
    assert_ptr_equal(ward_slab_alloc(&slab, 64), block);
    assert_true(is_all(block, 64, WARD_POISON_BYTE));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- canaries --------------------------------------------------------------------------------- */

static void assert_overflow_is_exact(unsigned policy)
{
    struct ward_slab slab;
    size_t stride, size = 1;
    uint32_t retired = 0;

    make(&slab, 50, policy, 3000);
    stride = info_of(&slab).stride;
    assert_true(stride >= 58);
    for (size_t at = 0; size <= 50; at++) {
        unsigned char *block = ward_slab_alloc(&slab, size);
        struct ward_bug bug;

        if (at >= stride - size)
            at = 0, size += 7;
        if (size > 50)
            break;
        assert_int_equal(ward_slab_resize(&slab, block, ward_slab_usable(&slab, block), size), 0);
        block[size + at] ^= (unsigned char)(1u << at % 8);
        assert_false(ward_slab_verify(&slab));
        ward_slab_free(&slab, block, size);
        bug = one_bug(WARD_BUG_OVERFLOW);
        assert_ptr_equal(bug.addr, block + size + at);
        assert_ptr_equal(bug.block, block);
        assert_int_equal(bug.size, size);
        assert_ptr_equal(bug.region, ward_slab_data(&slab));
        assert_int_equal(info_of(&slab).retired, ++retired);
        assert_true(is_whole(&slab));
    }
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void one_wrong_bit_anywhere_behind_a_block_is_an_overflow(void **state)
{
    (void)state;
    contain_bugs();
    assert_overflow_is_exact(WARD_CANARY);
    assert_overflow_is_exact(WARD_CANARY | WARD_POISON);
    assert_overflow_is_exact(WARD_HARDENED);
}

/* 4000 slots: a first byte that took 0 like any other value would do so in all but e^-15 of the
 * runs. Under one key in a thousand or so it takes but 150 values, so there are eight. */
static void the_first_canary_byte_is_never_zero(void **state)
{
    bool values[256] = { false };
    unsigned count = 0;

    (void)state;
    for (int key = 0; key < 8; key++) {
        struct ward_slab slab;
        unsigned char *block;

        make(&slab, 24, WARD_CANARY, 4000);
        while ((block = ward_slab_alloc(&slab, 24))) {
            assert_int_not_equal(block[24], 0);
            values[block[24]] = true;
        }
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
    for (int i = 0; i < 256; i++)
        count += values[i];
    assert_in_range(count, 240, 255);
}

static void canaries_differ_from_slot_to_slot_and_from_slab_to_slab(void **state)
{
    struct ward_slab slab[2];
    unsigned char *block[2][64];

    (void)state;
    for (int s = 0; s < 2; s++) {
        make(&slab[s], 24, WARD_CANARY, 64);
        for (int i = 0; i < 64; i++)
            block[s][i] = ward_slab_alloc(&slab[s], 24);
    }
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++) {
            assert_memory_not_equal(block[0][i] + 24, block[1][j] + 24, 8);
            if (i != j)
                assert_memory_not_equal(block[0][i] + 24, block[0][j] + 24, 8);
        }
    assert_int_equal(ward_slab_fini(&slab[0]), 0);
    assert_int_equal(ward_slab_fini(&slab[1]), 0);
}

/* What a block is issued with must not be what guarded the one before it. */
static void a_new_block_does_not_show_the_canary_of_the_old(void **state)
{
    const unsigned policies[] = { WARD_CANARY, WARD_CANARY | WARD_QUARANTINE,
                                  WARD_CANARY | WARD_GENERATION, WARD_HARDENED, WARD_PARANOID };

    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++)
        for (size_t size = 1; size <= 56; size++) {
            struct ward_slab slab;
            unsigned char *block, canary[64];

            make(&slab, 56, policies[p], 1);
            block = ward_slab_alloc(&slab, size);
            memcpy(canary, block + size, 64 - size);
            ward_slab_free(&slab, block, size);
            assert_ptr_equal(ward_slab_alloc(&slab, 56), block);
            for (size_t at = size; at + 8 <= 56; at++)
                assert_memory_not_equal(block + at, canary + (at - size), 8);
            assert_int_equal(ward_slab_fini(&slab), 0);
        }
}

static void a_write_before_the_first_block_is_an_underflow(void **state)
{
    (void)state;
    contain_bugs();
    for (int p = 0; p < POLICIES; p++) {
        struct ward_slab slab;
        struct ward_region *data;
        unsigned char *first;
        struct ward_bug bug;

        make(&slab, 100, all_policies[p], 11);
        data = ward_slab_data(&slab);
        first = ends_of(&slab, 100).first;
        assert_true(first > data->base);
        assert_true(is_whole(&slab));
        first[-1] ^= 1;
        assert_false(ward_slab_verify(&slab));
        ward_slab_free(&slab, first, 100);
        bug = one_bug(WARD_BUG_UNDERFLOW);
        assert_ptr_equal(bug.block, first);
        assert_int_equal(info_of(&slab).retired, 1);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void every_byte_of_the_front_is_watched(void **state)
{
    struct ward_slab slab;
    unsigned char *first;
    size_t front;

    (void)state;
    make(&slab, 1000, WARD_PLAIN, 7); /* front: 8192 - 7000 */
    first = ends_of(&slab, 1000).first;
    front = (size_t)(first - ward_slab_data(&slab)->base);
    assert_int_equal(front, 2 * PAGE - 7000);
    for (size_t i = 0; i < front; i++) {
        first[-1 - (ptrdiff_t)i] ^= 1;
        assert_false(ward_slab_verify(&slab));
        first[-1 - (ptrdiff_t)i] ^= 1;
    }
    assert_true(ward_slab_verify(&slab));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* A front of 1 to 7 bytes, shorter than the pattern's word: only odd buffers have one. */
static void a_front_shorter_than_a_word_is_watched_too(void **state)
{
    static _Alignas(64) unsigned char meta[3 * 4096], data[96];
    const struct ward_slab_spec spec = spec_of(8, 1, WARD_PLAIN);

    (void)state;
    if (sizeof meta < ward_slab_meta_bytes(&spec, 10)) {
        print_message("the pages of this system are too large\n");
        skip();
    }
    for (size_t front = 1; front < 8; front++) {
        struct ward_static in_data, in_meta;
        struct ward_split split;
        struct ward_slab slab;

        memset(meta, 0, sizeof meta);
        memset(data, 0x5a, sizeof data);
        assert_int_equal(ward_static_init(&in_data, data + 1, 80 + front), 0);
        assert_int_equal(ward_static_init(&in_meta, meta, sizeof meta), 0);
        assert_int_equal(ward_split_init_with(&split, &in_data.region, &in_meta.region), 0);
        assert_int_equal(ward_slab_init(&slab, &spec, &split.region), 0);
        assert_ptr_equal(ends_of(&slab, 8).first, data + 1 + front);
        assert_true(is_whole(&slab));
        for (size_t i = 1; i <= front; i++) {
            data[i] ^= 0x40;
            assert_false(ward_slab_verify(&slab));
            data[i] ^= 0x40;
        }
        assert_true(ward_slab_verify(&slab));
        assert_int_equal(data[0], 0x5a);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* --- quarantine ------------------------------------------------------------------------------- */

enum { WAIT = 64 };

static void make_waiting(struct ward_slab *slab, unsigned policy, uint32_t capacity, size_t bytes)
{
    struct ward_slab_spec spec = spec_of(32, 8, policy | WARD_QUARANTINE);

    spec.quarantine_bytes = bytes;
    assert_int_equal(ward_slab_map(slab, &spec, capacity), 0);
}

static void no_more_than_the_given_bytes_wait(void **state)
{
    const size_t bytes[] = { 32, 33, 63, 64, 320, 3200, 32 * 1000 };

    (void)state;
    for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; b++) {
        struct ward_slab slab;
        size_t most = 0;

        make_waiting(&slab, WARD_PLAIN, 4000, bytes[b]);
        for (int i = 0; i < 20000; i++) {
            ward_slab_free(&slab, ward_slab_alloc(&slab, 32), 32);
            if (info_of(&slab).quarantined > most)
                most = info_of(&slab).quarantined;
        }
        assert_int_equal(most, bytes[b] / 32);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void however_few_bytes_are_given_one_slot_waits(void **state)
{
    struct ward_slab slab;

    (void)state;
    make_waiting(&slab, WARD_PLAIN, 100, 1);
    for (int i = 0; i < 10; i++)
        ward_slab_free(&slab, ward_slab_alloc(&slab, 32), 32);
    assert_int_equal(info_of(&slab).quarantined, 1);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void by_default_64_kib_wait_and_never_more_than_half_the_slots(void **state)
{
    const uint32_t capacities[] = { 2, 10, 100, 5000 };

    (void)state;
    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        struct ward_slab slab;
        size_t want = capacities[c] / 2 < 2048 ? capacities[c] / 2 : 2048;

        make_waiting(&slab, WARD_PLAIN, capacities[c], 0);
        for (int i = 0; i < 40000; i++)
            ward_slab_free(&slab, ward_slab_alloc(&slab, 32), 32);
        assert_int_equal(info_of(&slab).quarantined, want);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* Without random slots a block that leaves the quarantine is the next to be issued: how long each
 * was away can be seen from outside. Half the places are a queue, so nobody comes back before 32
 * frees; a block stays in the random half for another 1000 with probability (31/32)^1000 =
 * 2e-14. */
static void blocks_wait_in_random_order_and_then_in_a_queue(void **state)
{
    static int freed_at[256];
    struct ward_slab slab;
    int shortest = INT_MAX, longest = 0, back = 0;
    bool same_order = true, seen_once[256] = { false };

    (void)state;
    inject_seed(3);
    make_waiting(&slab, WARD_PLAIN, 256, WAIT * 32);
    for (int now = 1; now < 30000; now++) {
        void *block = ward_slab_alloc(&slab, 32);
        size_t index = index_of(&slab, block);

        if (freed_at[index]) {
            int away = now - freed_at[index];

            shortest = away < shortest ? away : shortest;
            longest = away > longest ? away : longest;
            same_order = same_order && away == WAIT + 1;
            back += !seen_once[index];
            seen_once[index] = true;
        }
        freed_at[index] = now;
        ward_slab_free(&slab, block, 32);
    }
    assert_true(shortest > WAIT / 2);
    assert_true(longest < 1100);
    assert_false(same_order);
    assert_int_equal(back, WAIT + 1); /* nobody was left behind */
    inject_reset();
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void when_nothing_else_is_left_the_quarantine_is_emptied(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity < 300; capacity = capacity * 2 + 1) {
        struct ward_slab slab;
        void *block[300];

        make_waiting(&slab, WARD_POISON, capacity, 0);
        for (int round = 0; round < 5; round++) {
            for (uint32_t i = 0; i < capacity; i++) {
                block[i] = ward_slab_alloc(&slab, 32);
                assert_non_null(block[i]);
            }
            assert_null(ward_slab_alloc(&slab, 32));
            assert_int_equal(info_of(&slab).quarantined, 0);
            for (uint32_t i = 0; i < capacity; i++)
                ward_slab_free(&slab, block[i], 32);
            assert_true(is_whole(&slab));
        }
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* verify looks at free blocks, and those that wait are free. */
static void a_write_to_a_waiting_block_is_seen_by_verify(void **state)
{
    const unsigned policies[] = { WARD_ZERO, WARD_POISON, WARD_HARDENED };

    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        struct ward_slab slab;
        unsigned char *block;

        make_waiting(&slab, policies[p], 100, 0);
        block = ward_slab_alloc(&slab, 32);
        ward_slab_free(&slab, block, 32);
        assert_int_equal(info_of(&slab).quarantined, 1);
        assert_true(ward_slab_verify(&slab));
        block[5] ^= 1;
        assert_false(ward_slab_verify(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* --- generations ------------------------------------------------------------------------------ */

static void a_handle_finds_its_block_until_that_is_freed(void **state)
{
    struct ward_slab slab;
    ward_handle handle[50];
    void *block[50];

    (void)state;
    contain_bugs();
    make(&slab, 32, WARD_GENERATION, 50);
    for (int i = 0; i < 50; i++) {
        block[i] = ward_slab_alloc(&slab, 32);
        handle[i] = ward_slab_handle(&slab, block[i]);
        assert_true(handle[i].word != 0);
        assert_ptr_equal(ward_slab_get(&slab, handle[i]), block[i]);
    }
    for (int i = 0; i < 50; i++) {
        if (i % 2)
            ward_slab_free_handle(&slab, handle[i]);
        else
            ward_slab_free(&slab, block[i], 32);
        assert_null(ward_slab_get(&slab, handle[i]));
    }
    while (ward_slab_alloc(&slab, 32))
        continue;
    for (int i = 0; i < 50; i++) {
        assert_null(ward_slab_get(&slab, handle[i]));
        no_bug();
        ward_slab_free_handle(&slab, handle[i]);
        one_bug(WARD_BUG_STALE_HANDLE);
    }
    assert_int_equal(info_of(&slab).live, 50);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void what_is_no_handle_finds_nothing(void **state)
{
    struct ward_slab slab, plain;
    ward_handle none = { 0 }, handle;
    unsigned char *block;

    (void)state;
    make(&slab, 32, WARD_GENERATION, 50);
    make(&plain, 32, WARD_PLAIN, 50);
    block = ward_slab_alloc(&slab, 32);
    handle = ward_slab_handle(&slab, block);
    assert_null(ward_slab_get(&slab, none));
    ward_slab_free_handle(&slab, none);
    assert_int_equal(ward_slab_handle(&slab, block + 1).word, 0);
    assert_int_equal(ward_slab_handle(&slab, NULL).word, 0);
    assert_int_equal(ward_slab_handle(NULL, block).word, 0);
    assert_int_equal(ward_slab_handle(&plain, ward_slab_alloc(&plain, 32)).word, 0);
    assert_null(ward_slab_get(&plain, handle));
    for (unsigned bit = 0; bit < 64; bit++) {
        ward_handle other = { handle.word ^ UINT64_C(1) << bit };

        assert_null(ward_slab_get(&slab, other));
    }
    assert_int_equal(info_of(&slab).live, 1);
    assert_int_equal(ward_slab_fini(&slab), 0);
    assert_int_equal(ward_slab_fini(&plain), 0);
}

/* Two slabs of equal shape and history: each handle meets the same slot and issue count, and a salt
 * that differs. 256 chances of 2^-32 that one is taken all the same. */
static void handles_of_another_slab_are_not_taken(void **state)
{
    struct ward_slab slab[2];
    ward_handle handle[256];

    (void)state;
    make(&slab[0], 32, WARD_GENERATION, 256);
    make(&slab[1], 32, WARD_GENERATION, 256);
    for (int i = 0; i < 256; i++) {
        handle[i] = ward_slab_handle(&slab[0], ward_slab_alloc(&slab[0], 32));
        assert_non_null(ward_slab_alloc(&slab[1], 32));
    }
    for (int i = 0; i < 256; i++)
        assert_null(ward_slab_get(&slab[1], handle[i]));
    assert_int_equal(ward_slab_fini(&slab[0]), 0);
    assert_int_equal(ward_slab_fini(&slab[1]), 0);
}

/* The count of issues is taken to its end by hand: 2^32 issues would be a long test. */
static void a_slot_issued_as_often_as_can_be_told_is_retired(void **state)
{
    struct ward_slab slab;
    ward_handle handle[3];
    void *block[2];

    (void)state;
    contain_bugs();
    make(&slab, 32, WARD_GENERATION, 2);
    block[0] = ward_slab_alloc(&slab, 32);
    handle[0] = ward_slab_handle(&slab, block[0]);
    ward_slab_free(&slab, block[0], 32);
    slab.geometry->generations[0] = UINT64_C(0x1fffffffe);
    assert_ptr_equal(ward_slab_alloc(&slab, 32), block[0]); /* the last time */
    handle[1] = ward_slab_handle(&slab, block[0]);
    assert_ptr_equal(ward_slab_get(&slab, handle[1]), block[0]);
    ward_slab_free_handle(&slab, handle[1]);
    block[1] = ward_slab_alloc(&slab, 32);
    assert_non_null(block[1]);
    assert_ptr_not_equal(block[1], block[0]);
    assert_null(ward_slab_alloc(&slab, 32));
    assert_int_equal(info_of(&slab).retired, 1);
    assert_null(ward_slab_get(&slab, handle[0]));
    assert_null(ward_slab_get(&slab, handle[1]));
    assert_true(is_whole(&slab));
    no_bug();
    assert_int_equal(ward_slab_reset(&slab), 0); /* back, and at its end at once */
    handle[2] = ward_slab_handle(&slab, ward_slab_alloc(&slab, 32));
    assert_null(ward_slab_alloc(&slab, 32));
    assert_true(handle[2].word != handle[0].word && handle[2].word != handle[1].word);
    no_bug();
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- guards ----------------------------------------------------------------------------------- */

static void make_guarded(struct ward_slab *slab, uint32_t every, uint32_t capacity)
{
    struct ward_slab_spec spec = spec_of(100, 4, WARD_SPAN_GUARD | WARD_CANARY);

    spec.guard_every = every;
    assert_int_equal(ward_slab_map(slab, &spec, capacity), 0);
}

static int compare(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return x < y ? -1 : x > y;
}

static void a_guard_stands_behind_every_so_many_slots(void **state)
{
    const uint32_t every[] = { 1, 2, 3, 7, 50, 1000, UINT32_MAX };

    (void)state;
    for (size_t e = 0; e < sizeof every / sizeof every[0]; e++) {
        struct ward_slab slab;
        uintptr_t block[64];
        uint32_t span = every[e] < 50 ? every[e] : 50, count;

        make_guarded(&slab, every[e], 50);
        count = info_of(&slab).capacity;
        assert_int_equal(count, (50 + span - 1) / span * span);
        for (uint32_t i = 0; i < count; i++)
            block[i] = (uintptr_t)ward_slab_alloc(&slab, 100);
        qsort(block, count, sizeof block[0], compare);
        for (uint32_t i = 0; i < count; i++)
            if (i % span == span - 1)
                assert_false(can_read((void *)(block[i] + info_of(&slab).stride)));
            else
                assert_int_equal(block[i] + info_of(&slab).stride, block[i + 1]);
        assert_int_equal(info_of(&slab).guards_missing, 0);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void guards_by_markers_cost_no_mapping(void **state)
{
    struct ward_slab few, many;
    unsigned with_few, with_many;
    bool split;

    (void)state;
    make_guarded(&few, UINT32_MAX, 200);
    make_guarded(&many, 2, 200);
    (void)ends_of(&few, 100);
    (void)ends_of(&many, 100);
    split = many.own.region.facts & WARD_IS_GUARD_SPLIT;
    with_few = mappings_in(few.own.origin, few.own.reserved);
    with_many = mappings_in(many.own.origin, many.own.reserved);
    assert_int_equal(ward_slab_fini(&few), 0);
    assert_int_equal(ward_slab_fini(&many), 0);
    if (split) {
        print_message("no guard markers on this system\n");
        skip();
    }
    assert_int_equal(with_few, with_many);
}

static void a_guard_the_system_refuses_is_counted_once(void **state)
{
    struct ward_slab slab;

    (void)state;
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD));
    inject_split_budget(6); /* three guards by protection */
    make_guarded(&slab, 5, 50);
    for (int round = 0; round < 3; round++) {
        (void)ends_of(&slab, 100);
        assert_int_equal(info_of(&slab).live, 50);
        assert_int_equal(info_of(&slab).guards_missing, 10 - 1 - 3);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_reset(&slab), 0);
    }
    inject_reset();
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void without_a_key_a_slab_goes_on_and_says_so(void **state)
{
    struct ward_slab_spec spec = spec_of(32, 8, WARD_PARANOID | WARD_LOCK_REQUIRE);
    struct ward_slab slab;

    (void)state;
    inject_take(INJECT_NO_KEY);
    make(&slab, 32, WARD_PARANOID, 10);
    assert_false(info_of(&slab).locked);
    assert_non_null(ward_slab_alloc(&slab, 32));
    assert_int_equal(ward_slab_fini(&slab), 0);
    dirty(slab);
    assert_int_equal(ward_slab_map(&slab, &spec, 10), -ENOTSUP);
    assert_all_zero(slab);
    inject_reset();
}

/* The metadata is really used, and the data is not: after 4096 pairs every byte outside live blocks
 * is zero but for the front pattern. */
static void after_4096_pairs_metadata_is_resident_and_free_slots_are_clean(void **state)
{
    struct ward_slab slab;
    struct ward_region *meta, *data;
    void *block[128] = { NULL };
    size_t stride;

    (void)state;
    make(&slab, 120, WARD_HARDENED, 4096);
    meta = ward_slab_meta(&slab);
    data = ward_slab_data(&slab);
    stride = info_of(&slab).stride;
    for (int i = 0; i < 4096; i++) {
        int at = i % 128;

        ward_slab_free(&slab, block[at], 120);
        block[at] = ward_slab_alloc(&slab, 120);
        assert_non_null(block[at]);
        memset(block[at], 0xee, 120);
    }
    for (int i = 0; i < 128; i++)
        ward_slab_free(&slab, block[i], 120);
    assert_true(resident_pages(meta->base, meta->size) > 0);
    assert_true(is_all(data->base + data->size - 4096 * stride,
                       ward_region_committed(data) - (data->size - 4096 * stride), 0));
    assert_true(is_whole(&slab));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        slab_test(without_random_choice_the_lowest_slot_comes_first_and_the_newest_again),
        slab_test(a_random_slot_is_any_of_256_alike),
        slab_test(a_random_slab_is_not_issued_in_order),
        slab_test(free_leaves_zero_or_poison_in_the_whole_slot),
        slab_test(a_write_after_free_is_found_at_reissue),
        slab_test(a_poisoned_block_is_issued_with_its_poison),
        slab_test(one_wrong_bit_anywhere_behind_a_block_is_an_overflow),
        slab_test(the_first_canary_byte_is_never_zero),
        slab_test(canaries_differ_from_slot_to_slot_and_from_slab_to_slab),
        slab_test(a_new_block_does_not_show_the_canary_of_the_old),
        slab_test(a_write_before_the_first_block_is_an_underflow),
        slab_test(every_byte_of_the_front_is_watched),
        slab_test(a_front_shorter_than_a_word_is_watched_too),
        slab_test(no_more_than_the_given_bytes_wait),
        slab_test(however_few_bytes_are_given_one_slot_waits),
        slab_test(by_default_64_kib_wait_and_never_more_than_half_the_slots),
        slab_test(blocks_wait_in_random_order_and_then_in_a_queue),
        slab_test(when_nothing_else_is_left_the_quarantine_is_emptied),
        slab_test(a_write_to_a_waiting_block_is_seen_by_verify),
        slab_test(a_handle_finds_its_block_until_that_is_freed),
        slab_test(what_is_no_handle_finds_nothing),
        slab_test(handles_of_another_slab_are_not_taken),
        slab_test(a_slot_issued_as_often_as_can_be_told_is_retired),
        slab_test(a_guard_stands_behind_every_so_many_slots),
        slab_test(guards_by_markers_cost_no_mapping),
        slab_test(a_guard_the_system_refuses_is_counted_once),
        slab_test(without_a_key_a_slab_goes_on_and_says_so),
        slab_test(after_4096_pairs_metadata_is_resident_and_free_slots_are_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
