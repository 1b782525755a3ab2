/* SPDX-License-Identifier: MIT */
/*
 * Contained bugs: each is reported once, by its kind, and costs the block concerned at the most.
 * And damaged metadata: seen by verify, survived by the slab.
 */
#include "slabs.h"

enum { FULL = 24 };

/* A full slab. FULL slots, or a few more with span guards. */
static uint32_t make_full(struct ward_slab *slab, unsigned policy, unsigned char *block[FULL])
{
    make(slab, 40, policy, FULL);
    for (int i = 0; i < FULL; i++) {
        block[i] = ward_slab_alloc(slab, 33);
        assert_non_null(block[i]);
        memset(block[i], i, 33);
    }
    return info_of(slab).capacity;
}

/* All that is left can be had, once each and within the data, and no more. Frees everything
 * first. */
static bool free_it(void *block, size_t size, void *arg)
{
    ward_slab_free((struct ward_slab *)arg, block, size);
    return true;
}

static void assert_serves_all_but(struct ward_slab *slab, uint32_t lost)
{
    uint32_t count = 0, capacity = info_of(slab).capacity;
    struct live_count live = { 0, 0, NULL, true };

    ward_slab_each(slab, free_it, slab);
    assert_int_equal(info_of(slab).live, 0);
    while (ward_slab_alloc(slab, 33))
        count++;
    assert_int_equal(count, capacity - lost);
    ward_slab_each(slab, count_live, &live);
    assert_int_equal(live.blocks, count);
    assert_true(is_whole(slab));
    no_bug();
    assert_int_equal(ward_slab_fini(slab), 0);
}

/* Under every policy: does that to a full slab, after which nothing is lost. */
static void with_full_slabs(void (*misuse)(struct ward_slab *slab, unsigned char *block[FULL]))
{
    contain_bugs();
    for (int p = 0; p < POLICIES; p++) {
        unsigned char *block[FULL];
        struct ward_slab slab;

        make_full(&slab, all_policies[p], block);
        misuse(&slab, block);
        assert_true(is_whole(&slab));
        assert_serves_all_but(&slab, 0);
    }
}

/* --- free ------------------------------------------------------------------------------------- */

static void a_second_free_is_reported_whatever_came_between(void **state)
{
    (void)state;
    contain_bugs();
    for (int p = 0; p < POLICIES; p++)
        for (int between = 0; between < 10; between++) {
            unsigned char *block[FULL];
            struct ward_slab slab;
            struct ward_bug bug;

            make_full(&slab, all_policies[p], block);
            ward_slab_free(&slab, block[3], 33);
            for (int i = 0; i < between; i++)
                ward_slab_free(&slab, block[4 + i], 33);
            no_bug();
            ward_slab_free(&slab, block[3], 33);
            bug = one_bug(WARD_BUG_DOUBLE_FREE);
            assert_ptr_equal(bug.addr, block[3]);
            assert_ptr_equal(bug.block, block[3]);
            assert_ptr_equal(bug.region, ward_slab_data(&slab));
            assert_int_equal(info_of(&slab).bugs, 1);
            assert_true(is_whole(&slab));
            assert_serves_all_but(&slab, 0);
        }
}

static void free_inside(struct ward_slab *slab, unsigned char *block[FULL])
{
    size_t stride = info_of(slab).stride;

    for (size_t off = 1; off < stride; off++) {
        struct ward_bug bug;

        ward_slab_free(slab, block[5] + off, 33);
        bug = one_bug(WARD_BUG_INTERIOR_FREE);
        assert_ptr_equal(bug.addr, block[5] + off);
        assert_ptr_equal(bug.block, block[5]);
        assert_int_equal(bug.size, 33);
    }
}

static void an_address_inside_a_block_is_reported_as_such(void **state)
{
    (void)state;
    with_full_slabs(free_inside);
}

static void free_wild(struct ward_slab *slab, unsigned char *block[FULL])
{
    struct ward_region *data = ward_slab_data(slab);
    struct ward_slab other;
    int on_stack;
    void *heap = malloc(33);

    make(&other, 40, WARD_PLAIN, FULL);
    {
        void *const wild[] = {
            &on_stack,
            heap,
            ward_slab_alloc(&other, 33),
            (void *)8,
            (void *)0x1000,
            (void *)UINTPTR_MAX,
            (void *)((uintptr_t)1 << 63),
            data->base + data->size,
            data->base - 1,
            data->base + data->size + 72 * 100,
            ends_of(slab, 33).first - 8,
            ward_slab_meta(slab)->base,
            slab,
            (void *)((uintptr_t)block[0] ^ (uintptr_t)1 << 47),
            (void *)((uintptr_t)block[0] ^ (uintptr_t)1 << 63),
        };

        for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
            ward_slab_free(slab, wild[i], 33);
            assert_ptr_equal(one_bug(WARD_BUG_WILD_FREE).addr, wild[i]);
        }
    }
    assert_int_equal(ward_slab_fini(&other), 0);
    free(heap);
}

static void an_address_that_never_was_a_block_is_reported_as_wild(void **state)
{
    (void)state;
    with_full_slabs(free_wild);
}

/* Between two spans lie addresses at whole strides from the first: no slots, and not the next
 * span's. */
static void an_address_between_spans_is_no_slot(void **state)
{
    struct ward_slab_spec spec = spec_of(64, 64, WARD_SPAN_GUARD);
    struct ward_slab slab;
    const struct ward_slab_geometry_ *g;
    void *block[12];

    (void)state;
    contain_bugs();
    spec.guard_every = 4;
    assert_int_equal(ward_slab_map(&slab, &spec, 12), 0);
    for (int i = 0; i < 12; i++)
        block[i] = ward_slab_alloc(&slab, 33);
    assert_null(ward_slab_alloc(&slab, 33));
    g = slab.geometry;
    for (unsigned char *at = g->base; at < g->base + ((size_t)5 << g->pitch_log2); at += 64) {
        bool is_slot = false;

        for (int i = 0; i < 12; i++)
            is_slot = is_slot || at == block[i];
        assert_int_equal(ward_slab_usable(&slab, at), is_slot ? 33 : 0);
        if (is_slot)
            continue;
        ward_slab_free(&slab, at, 33);
        one_bug(WARD_BUG_WILD_FREE);
    }
    assert_true(is_whole(&slab));
    assert_serves_all_but(&slab, 0);
}

static void free_with_wrong_sizes(struct ward_slab *slab, unsigned char *block[FULL])
{
    const size_t wrong[] = { 0,
                             1,
                             32,
                             34,
                             40,
                             41,
                             48,
                             4096,
                             UINT32_MAX,
                             WARD_SLOT_FREE,
                             WARD_SLOT_RETIRED,
                             (size_t)33 + ((size_t)1 << 32),
                             SIZE_MAX };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ward_bug bug;

        ward_slab_free(slab, block[5], wrong[i]);
        bug = one_bug(WARD_BUG_WRONG_SIZE);
        assert_ptr_equal(bug.block, block[5]);
        assert_int_equal(bug.size, 33);
        assert_int_equal(ward_slab_usable(slab, block[5]), 33);
        assert_true(is_all(block[5], 33, 5));
    }
}

static void a_wrong_size_is_reported_and_the_block_stays(void **state)
{
    (void)state;
    with_full_slabs(free_with_wrong_sizes);
}

static void free_with_words_of_free_slots(struct ward_slab *slab, unsigned char *block[FULL])
{
    const uint32_t sizes[] = { 0,
                               WARD_SLOT_NEW,
                               WARD_SLOT_FREE,
                               WARD_SLOT_POISONED,
                               WARD_SLOT_RETIRED,
                               WARD_SLOT_QUARANTINED };

    ward_slab_free(slab, block[5], 33);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ward_slab_free(slab, block[5], sizes[i]);
        one_bug(WARD_BUG_DOUBLE_FREE);
    }
}

static void no_size_makes_a_free_slot_look_live(void **state)
{
    (void)state;
    with_full_slabs(free_with_words_of_free_slots);
}

static void free_null(struct ward_slab *slab, unsigned char *block[FULL])
{
    (void)block;
    ward_slab_free(slab, NULL, 0);
    ward_slab_free(slab, NULL, 33);
    ward_slab_free(slab, NULL, SIZE_MAX);
    no_bug();
}

static void freeing_null_is_nothing(void **state)
{
    (void)state;
    with_full_slabs(free_null);
}

/* --- resize ----------------------------------------------------------------------------------- */

static void resize_what_is_not_there(struct ward_slab *slab, unsigned char *block[FULL])
{
    int on_stack;

    ward_slab_free(slab, block[5], 33);
    assert_int_equal(ward_slab_resize(slab, block[5], 33, 8), -EFAULT);
    one_bug(WARD_BUG_DOUBLE_FREE);
    assert_int_equal(ward_slab_resize(slab, block[6], 32, 8), -EFAULT);
    one_bug(WARD_BUG_WRONG_SIZE);
    assert_int_equal(ward_slab_resize(slab, block[6] + 8, 33, 8), -EFAULT);
    one_bug(WARD_BUG_INTERIOR_FREE);
    assert_int_equal(ward_slab_resize(slab, &on_stack, 33, 8), -EFAULT);
    one_bug(WARD_BUG_WILD_FREE);
    assert_int_equal(ward_slab_usable(slab, block[6]), 33);
}

static void resizing_what_is_no_live_block_of_that_size_is_the_same_bug_as_freeing_it(void **state)
{
    (void)state;
    with_full_slabs(resize_what_is_not_there);
}

static void resizing_a_block_that_overflowed_retires_it(void **state)
{
    unsigned char *block[FULL];
    struct ward_slab slab;

    (void)state;
    contain_bugs();
    make_full(&slab, WARD_HARDENED | WARD_STATISTICS, block);
    block[5][33] ^= 1;
    assert_int_equal(ward_slab_resize(&slab, block[5], 33, 34), -EFAULT);
    one_bug(WARD_BUG_OVERFLOW);
    assert_int_equal(info_of(&slab).retired, 1);
    assert_true(is_whole(&slab));
    ward_slab_free(&slab, block[5], 33);
    one_bug(WARD_BUG_DOUBLE_FREE);
    assert_serves_all_but(&slab, 1);
}

/* --- containment ------------------------------------------------------------------------------ */

static void one_bad_slot_costs_one_slot(void **state)
{
    (void)state;
    contain_bugs();
    for (int p = 0; p < POLICIES; p++) {
        unsigned char *block[FULL];
        struct ward_slab slab;
        uint32_t lost = 0;

        if (!(all_policies[p] & WARD_CANARY))
            continue;
        make_full(&slab, all_policies[p], block);
        for (int i = 0; i < FULL; i += 3) {
            block[i][33] ^= 0x10;
            ward_slab_free(&slab, block[i], 33);
            one_bug(WARD_BUG_OVERFLOW);
            assert_int_equal(info_of(&slab).retired, ++lost);
            assert_true(is_whole(&slab));
        }
        assert_serves_all_but(&slab, lost);
    }
}

static void reset_brings_retired_slots_back(void **state)
{
    unsigned char *block[FULL];
    struct ward_slab slab;

    (void)state;
    contain_bugs();
    make_full(&slab, WARD_HARDENED, block);
    for (int i = 0; i < FULL; i++) {
        block[i][33] ^= 1;
        ward_slab_free(&slab, block[i], 33);
        one_bug(WARD_BUG_OVERFLOW);
    }
    assert_int_equal(info_of(&slab).retired, FULL);
    assert_null(ward_slab_alloc(&slab, 33));
    assert_int_equal(ward_slab_reset(&slab), 0);
    assert_serves_all_but(&slab, 0);
}

static jmp_buf out;

static enum ward_verdict jump(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    longjmp(out, (int)bug->kind);
}

static int jumping(void (*work)(struct ward_slab *, unsigned char *), struct ward_slab *slab,
                   unsigned char *block)
{
    int kind;

    ward_bug_handle(jump, NULL);
    kind = setjmp(out);
    if (kind == 0)
        work(slab, block);
    contain_bugs();
    return kind;
}

static void free_twice(struct ward_slab *slab, unsigned char *block)
{
    ward_slab_free(slab, block, 33);
    ward_slab_free(slab, block, 33);
}

static void overflow_it(struct ward_slab *slab, unsigned char *block)
{
    block[33] ^= 1;
    ward_slab_free(slab, block, 33);
}

static void write_after_free(struct ward_slab *slab, unsigned char *block)
{
    ward_slab_free(slab, block, 33);
    *block ^= 1;
    while (ward_slab_alloc(slab, 33))
        continue;
}

static void a_handler_may_jump_away_and_the_slab_goes_on(void **state)
{
    const unsigned policies[] = { WARD_HARDENED, WARD_PARANOID };

    (void)state;
    for (size_t p = 0; p < 2; p++) {
        unsigned char *block[FULL];
        struct ward_slab slab;

        make_full(&slab, policies[p], block);
        assert_int_equal(jumping(free_twice, &slab, block[1]), WARD_BUG_DOUBLE_FREE);
        assert_true(is_whole(&slab));
        assert_int_equal(jumping(overflow_it, &slab, block[2]), WARD_BUG_OVERFLOW);
        assert_true(is_whole(&slab));
        assert_int_equal(jumping(write_after_free, &slab, block[3]), WARD_BUG_WRITE_AFTER_FREE);
        assert_true(is_whole(&slab));
        assert_int_equal(info_of(&slab).bugs, 3);
        assert_int_equal(info_of(&slab).retired, 2);
        assert_serves_all_but(&slab, 2);
    }
}

/* --- damaged metadata ------------------------------------------------------------------------- */

enum { SLOTS = 12 };

/* A slab with slots in every state: live 0 to 4 (where not random), the others free or waiting, one
 * retired. */
static void make_mixed(struct ward_slab *slab, unsigned policy)
{
    unsigned char *block[SLOTS];

    make(slab, 40, policy, SLOTS);
    for (int i = 0; i < SLOTS; i++)
        block[i] = ward_slab_alloc(slab, 33);
    for (int i = 5; i < SLOTS - 1; i++)
        ward_slab_free(slab, block[i], 33);
    if (policy & WARD_CANARY) {
        block[SLOTS - 1][33] ^= 1;
        ward_slab_free(slab, block[SLOTS - 1], 33);
        one_bug(WARD_BUG_OVERFLOW);
    }
    assert_true(is_whole(slab));
}

/* After damage the slab is used hard: whatever happens, no block is issued twice or outside, and in
 * the end all that is not retired can be had. */
static void assert_survives(struct ward_slab *slab)
{
    unsigned char *block[SLOTS + 64];
    struct ward_region *data = ward_slab_data(slab);
    unsigned count = 0;

    for (int round = 0; round < 3; round++) {
        ward_slab_each(slab, free_it, slab);
        count = 0;
        while (count < SLOTS + 64 && (block[count] = ward_slab_alloc(slab, 33))) {
            assert_true(ward_region_has(data, block[count], 40));
            for (unsigned i = 0; i < count; i++)
                assert_true(block[i] >= block[count] + 40 || block[count] >= block[i] + 40);
            memset(block[count], 0xee, 33);
            count++;
        }
    }
    assert_true(count + 3 >= SLOTS);
    for (unsigned i = 0; i < seen.count && i < BUGS_KEPT; i++)
        if (seen.bug[i].kind == WARD_BUG_METADATA) { /* then all was made anew */
            assert_true(is_whole(slab));
            break;
        }
    assert_int_equal(ward_slab_fini(slab), 0);
}

enum field { TOP, FRESH, QUARANTINED, RETIRED, FIELDS };

static void damage_field(struct ward_slab *slab, enum field field, uint32_t by)
{
    struct ward_slab_state_ *st = slab->geometry->state;

    switch (field) {
    case TOP: st->top += by; break;
    case FRESH: st->fresh += by; break;
    case QUARANTINED: st->quarantined += by; break;
    case RETIRED: st->retired += by; break;
    case FIELDS: break;
    }
}

/* Without the key: it would keep the test from the metadata just as it does everybody. */
static const unsigned damageable[] = { WARD_PLAIN, WARD_ZERO, WARD_POISON | WARD_QUARANTINE,
                                       WARD_HARDENED, WARD_PARANOID & ~(unsigned)WARD_LOCK_META };

enum { DAMAGEABLE = sizeof damageable / sizeof damageable[0] };

static void a_wrong_count_is_seen_by_verify_and_survived(void **state)
{
    const uint32_t by[] = { 1, UINT32_MAX, 5, 1u << 31, 1000 };

    (void)state;
    contain_bugs();
    for (int p = 0; p < DAMAGEABLE; p++)
        for (enum field f = TOP; f < FIELDS; f++)
            for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
                struct ward_slab slab;

                make_mixed(&slab, damageable[p]);
                damage_field(&slab, f, by[i]);
                assert_false(ward_slab_verify(&slab));
                damage_field(&slab, f, -by[i]);
                assert_true(ward_slab_verify(&slab));
                if (f != QUARANTINED && f != RETIRED) { /* these two nothing depends on */
                    damage_field(&slab, f, by[i]);
                    assert_survives(&slab);
                    memset(&seen, 0, sizeof seen);
                } else {
                    assert_int_equal(ward_slab_fini(&slab), 0);
                }
            }
}

static void a_wrong_word_of_any_slot_is_seen_by_verify_and_survived(void **state)
{
    const uint32_t words[] = { WARD_SLOT_NEW,
                               WARD_SLOT_FREE,
                               WARD_SLOT_POISONED,
                               WARD_SLOT_RETIRED,
                               WARD_SLOT_QUARANTINED,
                               1,
                               33,
                               40,
                               41,
                               0x80000000,
                               0x55555555,
                               0xfffffff1 };

    (void)state;
    contain_bugs();
    for (int p = 0; p < DAMAGEABLE; p++)
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
                struct ward_slab slab;
                uint32_t was;

                make_mixed(&slab, damageable[p]);
                was = slab.geometry->rows[slot].word;
                slab.geometry->rows[slot].word = words[w];
                /* without canary one size of a live block is as good as another */
                if (was != words[w] && (damageable[p] & WARD_CANARY || was > 40 || words[w] > 40))
                    assert_false(ward_slab_verify(&slab));
                assert_survives(&slab);
                memset(&seen, 0, sizeof seen);
            }
}

static void a_wrong_entry_of_the_stack_is_seen_by_verify_and_survived(void **state)
{
    (void)state;
    contain_bugs();
    for (int p = 0; p < DAMAGEABLE; p++)
        for (uint32_t entry = 0; entry < SLOTS + 4; entry++) {
            uint32_t named = entry < SLOTS ? entry : UINT32_MAX << (entry - SLOTS) * 8;
            struct ward_slab slab;

            make_mixed(&slab, damageable[p] & ~(unsigned)WARD_QUARANTINE);
            assert_true(slab.geometry->state->top >= 4);
            if (slab.geometry->rows[2].entry != named) {
                slab.geometry->rows[2].entry = named;
                assert_false(ward_slab_verify(&slab));
            }
            assert_survives(&slab);
            memset(&seen, 0, sizeof seen);
        }
}

static void a_wrong_place_of_the_quarantine_is_seen_by_verify_and_survived(void **state)
{
    const struct ward_slab_geometry_ *g;
    struct ward_slab slab;

    (void)state;
    contain_bugs();
    for (int p = 0; p < DAMAGEABLE; p++)
        for (uint32_t at = 0; at < 6; at++)
            for (uint32_t named = 0; named < SLOTS + 4; named++) {
                if (!(damageable[p] & WARD_QUARANTINE))
                    continue;
                make_mixed(&slab, damageable[p]);
                g = slab.geometry;
                assert_true(g->waiting_random + g->waiting_fifo >= 6);
                if (g->waiting[at] != named) {
                    g->waiting[at] = named > SLOTS ? UINT32_MAX - named : named;
                    assert_false(ward_slab_verify(&slab));
                }
                assert_survives(&slab);
                memset(&seen, 0, sizeof seen);
            }
}

static void a_wrong_generation_is_seen_by_verify_and_costs_its_slot(void **state)
{
    struct ward_slab slab;

    (void)state;
    contain_bugs();
    for (unsigned bit = 0; bit < 64; bit++) {
        unsigned char *block;
        ward_handle handle;

        make(&slab, 40, WARD_GENERATION, SLOTS);
        block = ward_slab_alloc(&slab, 33);
        handle = ward_slab_handle(&slab, block);
        slab.geometry->generations[0] ^= UINT64_C(1) << bit;
        assert_false(ward_slab_verify(&slab));
        assert_null(ward_slab_get(&slab, handle));
        ward_slab_free(&slab, block, 33);
        no_bug();
        assert_ptr_not_equal(ward_slab_alloc(&slab, 33), block);
        one_bug(WARD_BUG_METADATA);
        assert_int_equal(info_of(&slab).retired, 1);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void a_recorded_size_larger_than_any_block_is_reported_at_free(void **state)
{
    unsigned char *block[FULL];
    struct ward_slab slab;

    (void)state;
    contain_bugs();
    make_full(&slab, WARD_PLAIN, block);
    slab.geometry->rows[7].word = 41;
    ward_slab_free(&slab, block[7], 41);
    one_bug(WARD_BUG_METADATA);
    assert_int_equal(ward_slab_usable(&slab, block[7]), 0);
    assert_int_equal(info_of(&slab).retired, 1);
    assert_true(is_whole(&slab));
    assert_serves_all_but(&slab, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        slab_test(a_second_free_is_reported_whatever_came_between),
        slab_test(an_address_inside_a_block_is_reported_as_such),
        slab_test(an_address_that_never_was_a_block_is_reported_as_wild),
        slab_test(an_address_between_spans_is_no_slot),
        slab_test(a_wrong_size_is_reported_and_the_block_stays),
        slab_test(no_size_makes_a_free_slot_look_live),
        slab_test(freeing_null_is_nothing),
        slab_test(resizing_what_is_no_live_block_of_that_size_is_the_same_bug_as_freeing_it),
        slab_test(resizing_a_block_that_overflowed_retires_it),
        slab_test(one_bad_slot_costs_one_slot),
        slab_test(reset_brings_retired_slots_back),
        slab_test(a_handler_may_jump_away_and_the_slab_goes_on),
        slab_test(a_wrong_count_is_seen_by_verify_and_survived),
        slab_test(a_wrong_word_of_any_slot_is_seen_by_verify_and_survived),
        slab_test(a_wrong_entry_of_the_stack_is_seen_by_verify_and_survived),
        slab_test(a_wrong_place_of_the_quarantine_is_seen_by_verify_and_survived),
        slab_test(a_wrong_generation_is_seen_by_verify_and_costs_its_slot),
        slab_test(a_recorded_size_larger_than_any_block_is_reported_at_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
