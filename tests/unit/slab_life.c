/* SPDX-License-Identifier: MIT */
/*
 * A slab through time: releasing pages, starting over, memory that runs short, fork, secret memory.
 */
#include "slabs.h"

#include <ward/locked.h>

#include "inject.h"

/* --- release ---------------------------------------------------------------------------------- */

enum { MANY = 4000 };

static unsigned char *block_of[MANY];

static size_t resident(const struct ward_slab *slab)
{
    struct ward_region *data = ward_slab_data(slab);

    return resident_pages(data->base, ward_region_committed(data));
}

static void fill(struct ward_slab *slab, size_t size)
{
    for (int i = 0; i < MANY; i++) {
        block_of[i] = ward_slab_alloc(slab, size);
        assert_non_null(block_of[i]);
        memset(block_of[i], 0x42, size);
    }
}

static void release_gives_the_pages_of_free_blocks_back_and_keeps_the_others(void **state)
{
    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        struct ward_slab slab;
        size_t before;
        ptrdiff_t got;

        make(&slab, 100, all_policies[p], MANY);
        fill(&slab, 100);
        before = resident(&slab);
        if (info_of(&slab).free == 0)
            assert_int_equal(ward_slab_release(&slab), 0);
        for (int i = 0; i < MANY; i++)
            if (i % 1000)
                ward_slab_free(&slab, block_of[i], 100);
        got = ward_slab_release(&slab);
        /* 98 pages of blocks; of those that wait nothing is given back */
        assert_true(got >= (ptrdiff_t)((all_policies[p] & WARD_QUARANTINE ? 10 : 80) * PAGE));
        assert_int_equal((size_t)got % PAGE, 0);
        assert_true(resident(&slab) < before - 5);
        if (all_policies[p] == WARD_PLAIN)
            assert_int_equal(resident(&slab), before - (size_t)got / PAGE);
        for (int i = 0; i < MANY; i += 1000)
            assert_true(is_all(block_of[i], 100, 0x42));
        assert_true(is_whole(&slab));
        assert_int_equal(info_of(&slab).live, MANY / 1000);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void released_slots_are_served_again_and_still_watched(void **state)
{
    const unsigned policies[] = { WARD_ZERO, WARD_POISON,
                                  WARD_HARDENED & ~(unsigned)WARD_QUARANTINE,
                                  WARD_POISON | WARD_CANARY };

    (void)state;
    contain_bugs();
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++)
        for (int at = 0; at < MANY; at += 333) {
            struct ward_slab slab;
            uint32_t count = 0;

            make(&slab, 100, policies[p], MANY);
            fill(&slab, 100);
            for (int i = 0; i < MANY; i++)
                ward_slab_free(&slab, block_of[i], 100);
            assert_true(ward_slab_release(&slab) > 0);
            assert_true(is_whole(&slab));
            block_of[at][50] ^= 1;
            assert_false(ward_slab_verify(&slab));
            while (ward_slab_alloc(&slab, 100))
                count++;
            assert_int_equal(count, MANY - 1);
            assert_ptr_equal(one_bug(WARD_BUG_WRITE_AFTER_FREE).addr, block_of[at] + 50);
            assert_int_equal(ward_slab_fini(&slab), 0);
        }
}

/* Every pattern of live and free slots around page borders, in slots smaller and larger than a
 * page. */
static void release_touches_no_byte_of_a_live_block(void **state)
{
    const size_t sizes[] = { 8, 100, 1000, 4096, 5000 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (unsigned keep = 1; keep < 60; keep += 4) {
            struct ward_slab slab;
            unsigned char *block[120];

            make(&slab, sizes[s], WARD_POISON | WARD_CANARY, 120);
            for (unsigned i = 0; i < 120; i++) {
                block[i] = ward_slab_alloc(&slab, sizes[s]);
                memset(block[i], (int)i, sizes[s]);
            }
            for (unsigned i = 0; i < 120; i++)
                if (i % keep)
                    ward_slab_free(&slab, block[i], sizes[s]);
            assert_true(ward_slab_release(&slab) >= 0);
            for (unsigned i = 0; i < 120; i += keep)
                assert_true(is_all(block[i], sizes[s], (unsigned char)i));
            assert_true(is_whole(&slab));
            assert_int_equal(ward_slab_fini(&slab), 0);
        }
}

static void a_release_that_fails_says_so_and_the_slab_is_whole(void **state)
{
    struct ward_slab slab;

    (void)state;
    make(&slab, 100, WARD_POISON, MANY);
    fill(&slab, 100);
    for (int i = 0; i < MANY; i++)
        if (i % 1000)
            ward_slab_free(&slab, block_of[i], 100);
    for (unsigned long n = 1; n < 4; n++) {
        inject_arm(n, ENOMEM);
        assert_int_equal(ward_slab_release(&slab), -ENOMEM);
        inject_reset();
        assert_true(is_whole(&slab));
    }
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- reset ------------------------------------------------------------------------------------ */

static void reset_frees_every_block_and_drops_what_they_held(void **state)
{
    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        struct ward_slab slab;
        struct ward_region *data;

        make(&slab, 100, all_policies[p] | WARD_STATISTICS, MANY);
        data = ward_slab_data(&slab);
        for (int round = 0; round < 3; round++) {
            fill(&slab, 100);
            for (int i = 0; i < 100; i++)
                ward_slab_free(&slab, block_of[i], 100);
            assert_int_equal(ward_slab_reset(&slab), 0);
            assert_int_equal(info_of(&slab).free, info_of(&slab).capacity);
            assert_int_equal(info_of(&slab).live_bytes, 0);
            assert_int_equal(resident(&slab), 0);
            assert_true(is_whole(&slab));
        }
        assert_true(data->size > 0);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void no_handle_of_before_a_reset_is_taken_after_it(void **state)
{
    struct ward_slab slab;
    ward_handle handle[64];

    (void)state;
    make(&slab, 32, WARD_GENERATION, 64);
    for (int i = 0; i < 64; i++)
        handle[i] = ward_slab_handle(&slab, ward_slab_alloc(&slab, 32));
    assert_int_equal(ward_slab_reset(&slab), 0);
    for (int i = 0; i < 64; i++)
        assert_null(ward_slab_get(&slab, handle[i]));
    while (ward_slab_alloc(&slab, 32))
        continue;
    for (int i = 0; i < 64; i++)
        assert_null(ward_slab_get(&slab, handle[i]));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void a_reset_that_fails_changes_nothing(void **state)
{
    struct ward_slab slab;
    void *block;

    (void)state;
    make(&slab, 32, WARD_HARDENED, 64);
    block = ward_slab_alloc(&slab, 32);
    memset(block, 7, 32);
    inject_arm(1, ENOMEM);
    assert_int_equal(ward_slab_reset(&slab), -ENOMEM);
    inject_reset();
    assert_int_equal(ward_slab_usable(&slab, block), 32);
    assert_true(is_all(block, 32, 7) && is_whole(&slab));
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* --- memory that runs short ------------------------------------------------------------------- */

static void no_memory_is_null_and_later_there_is_some(void **state)
{
    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        struct ward_slab slab;
        uint32_t count = 0;

        make(&slab, 1000, all_policies[p], MANY);
        inject_arm_from(1, ENOMEM);
        assert_null(ward_slab_alloc(&slab, 1000));
        assert_true(is_whole(&slab));
        inject_reset();
        for (unsigned i = 0;; i++) { /* fails now and then, wherever the commits fall */
            void *block;

            inject_arm_from(i % 3, ENOMEM);
            block = ward_slab_alloc(&slab, 1000);
            inject_reset();
            block = block ? block : ward_slab_alloc(&slab, 1000);
            if (!block)
                break;
            memset(block, 1, 1000);
            count++;
        }
        assert_int_equal(count, info_of(&slab).capacity);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* --- fork ------------------------------------------------------------------------------------- */

static int use_it(void *arg)
{
    struct ward_slab *slab = (struct ward_slab *)arg;

    for (int i = 0; i < 200; i++) {
        void *block = ward_slab_alloc(slab, 32);

        EXPECT(block);
        memset(block, i, 32);
        if (i % 3)
            ward_slab_free(slab, block, 32);
    }
    EXPECT(is_whole(slab));
    return 0;
}

static void parent_and_child_both_go_on_with_an_ordinary_slab(void **state)
{
    (void)state;
    for (int p = 0; p < POLICIES; p++) {
        struct ward_slab slab;

        make(&slab, 32, all_policies[p], 1000);
        assert_int_equal(use_it(&slab), 0);
        assert_int_equal(in_child(use_it, &slab), 0);
        assert_int_equal(use_it(&slab), 0);
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

/* Which slots come next, as seen in the child. */
struct choices {
    struct ward_slab *slab;
    int to;
};

static int tell_choices(void *arg)
{
    struct choices *c = (struct choices *)arg;
    void *block[32];

    for (int i = 0; i < 32; i++)
        block[i] = ward_slab_alloc(c->slab, 32);
    return write(c->to, block, sizeof block) == sizeof block ? 0 : 1;
}

/* 32 choices of 256 alike in both: 2^-256. */
static void the_child_chooses_other_slots_than_the_parent(void **state)
{
    void *mine[32], *of_child[32];
    struct ward_slab slab;
    struct choices c = { &slab, -1 };
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    c.to = ends[1];
    make(&slab, 32, WARD_HARDENED, 1000);
    assert_non_null(ward_slab_alloc(&slab, 32));
    assert_int_equal(in_child(tell_choices, &c), 0);
    assert_int_equal(read(ends[0], of_child, sizeof of_child), sizeof of_child);
    assert_int_equal(tell_choices(&c), 0);
    assert_int_equal(read(ends[0], mine, sizeof mine), sizeof mine);
    assert_memory_not_equal(mine, of_child, sizeof mine);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

/* A slab over locked or secret memory, that a child does not have. */
struct gone {
    struct ward_slab slab;
    struct ward_locked locked;
    struct ward_split split;
    void *block;
    ward_handle handle;
};

static const struct ward_slab_spec gone_spec = { { 32, 8 }, WARD_HARDENED | WARD_GENERATION, 0, 0 };

static bool one_forked(void)
{
    bool one = seen.count == 1 && seen.bug[0].kind == WARD_BUG_FORKED;

    memset(&seen, 0, sizeof seen);
    return one;
}

static bool never(void *block, size_t size, void *arg)
{
    (void)block;
    (void)size;
    *(bool *)arg = true;
    return true;
}

static int every_call_is_refused(void *arg)
{
    struct gone *gone = (struct gone *)arg;
    struct ward_slab *slab = &gone->slab;
    bool visited = false;

    contain_bugs();
    EXPECT(ward_slab_alloc(slab, 32) == NULL && one_forked());
    ward_slab_free(slab, gone->block, 32);
    EXPECT(one_forked());
    EXPECT(ward_slab_resize(slab, gone->block, 32, 8) == -EFAULT && one_forked());
    ward_slab_free_handle(slab, gone->handle);
    EXPECT(one_forked());
    EXPECT(ward_slab_release(slab) == -EFAULT && one_forked());
    EXPECT(ward_slab_reset(slab) == -EFAULT && one_forked());
    ward_slab_each(slab, never, &visited);
    EXPECT(one_forked() && !visited);
    EXPECT(ward_slab_usable(slab, gone->block) == 0);
    EXPECT(ward_slab_handle(slab, gone->block).word == 0);
    EXPECT(ward_slab_get(slab, gone->handle) == NULL);
    EXPECT(!ward_slab_verify(slab));
    EXPECT(info_of(slab).capacity == 0);
    EXPECT(seen.count == 0);
    return 0;
}

static int by_default_a_call_dies(void *arg)
{
    if (!freopen("/dev/null", "w", stderr))
        return 1;
    return ward_slab_alloc(&((struct gone *)arg)->slab, 32) != NULL;
}

static int works_once_made_again(void *arg)
{
    struct gone *gone = (struct gone *)arg;

    contain_bugs();
    EXPECT(ward_slab_alloc(&gone->slab, 32) == NULL && one_forked());
    EXPECT(ward_slab_map_secret(&gone->slab, &gone_spec, 500) == 0);
    EXPECT(use_it(&gone->slab) == 0);
    EXPECT(ward_slab_fini(&gone->slab) == 0);
    EXPECT(seen.count == 0);
    return 0;
}

/* The region a fork wiped is still there, and empty. */
static int works_once_made_again_in_place(void *arg)
{
    struct gone *gone = (struct gone *)arg;

    contain_bugs();
    EXPECT(ward_slab_init(&gone->slab, &gone_spec, &gone->split.region) == 0);
    EXPECT(use_it(&gone->slab) == 0);
    EXPECT(ward_slab_fini(&gone->slab) == 0);
    EXPECT(seen.count == 0);
    return 0;
}

static void fill_gone(struct gone *gone)
{
    gone->block = ward_slab_alloc(&gone->slab, 32);
    gone->handle = ward_slab_handle(&gone->slab, gone->block);
    assert_int_equal(use_it(&gone->slab), 0);
}

static void over_locked_memory_every_call_in_a_child_is_refused(void **state)
{
    struct gone gone;

    (void)state;
    if (ward_locked_init(&gone.locked, 16 * PAGE)) {
        print_message("memory cannot be locked here\n");
        skip();
    }
    assert_int_equal(ward_split_init(&gone.split, &gone.locked.region, 16 * PAGE), 0);
    assert_int_equal(ward_slab_init(&gone.slab, &gone_spec, &gone.split.region), 0);
    fill_gone(&gone);
    assert_int_equal(in_child(every_call_is_refused, &gone), 0);
    assert_int_equal(in_child(by_default_a_call_dies, &gone), -SIGABRT);
    assert_int_equal(in_child(works_once_made_again_in_place, &gone), 0);
    assert_int_equal(use_it(&gone.slab), 0);
    assert_int_equal(ward_slab_fini(&gone.slab), 0);
    assert_int_equal(ward_region_fini(&gone.split.region), 0);
    assert_int_equal(ward_region_fini(&gone.locked.region), 0);
}

static int fini_in_child(void *arg)
{
    struct gone *gone = (struct gone *)arg;

    EXPECT(ward_slab_fini(&gone->slab) == 0);
    EXPECT(is_all(&gone->slab, sizeof gone->slab, 0));
    return 0;
}

/* With and without secret memory: locked is what it falls back to. */
static void the_recipe_for_secrets_is_refused_in_a_child_and_can_be_made_again(void **state)
{
    (void)state;
    for (unsigned secret = 0; secret < 2; secret++) {
        struct gone gone;

        inject_take(secret ? 0 : INJECT_NO_SECRET);
        if (ward_slab_map_secret(&gone.slab, &gone_spec, 500)) {
            print_message("neither secret nor locked memory here\n");
            inject_reset();
            skip();
        }
        fill_gone(&gone);
        assert_int_equal(in_child(every_call_is_refused, &gone), 0);
        assert_int_equal(in_child(by_default_a_call_dies, &gone), -SIGABRT);
        assert_int_equal(in_child(works_once_made_again, &gone), 0);
        assert_int_equal(in_child(fini_in_child, &gone), 0);
        assert_int_equal(use_it(&gone.slab), 0);
        assert_int_equal(ward_slab_fini(&gone.slab), 0);
        inject_reset();
    }
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void the_recipe_for_secrets_holds_secrets(void **state)
{
    static struct inject_ledger before;
    struct ward_slab slab;
    unsigned char *block;

    (void)state;
    before = *inject_mapped();
    for (unsigned secret = 0; secret < 2; secret++) {
        inject_take(secret ? 0 : INJECT_NO_SECRET);
        if (ward_slab_map_secret(&slab, &gone_spec, 100)) {
            print_message("neither secret nor locked memory here\n");
            inject_reset();
            skip();
        }
        assert_true(slab.own_secret.region.facts & WARD_IS_LOCKED);
        assert_true(slab.own_secret.region.facts & WARD_IS_NO_DUMP);
        assert_true(secret || !(slab.own_secret.region.facts & WARD_IS_SECRET));
        block = ward_slab_alloc(&slab, 32);
        assert_true(ward_region_has(&slab.own_secret.region, block, 32));
        memset(block, 0x42, 32);
        ward_slab_free(&slab, block, 32);
        assert_true(is_all(block, 40, 0));
        assert_int_equal(use_it(&slab), 0);
        assert_true(is_whole(&slab));
        assert_true(ward_slab_release(&slab) >= 0);
        assert_int_equal(ward_slab_reset(&slab), 0);
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
        assert_true(inject_mapped_is(&before));
        inject_reset();
    }
}

static void the_recipe_for_secrets_insists_on_clearing(void **state)
{
    const unsigned policies[] = { WARD_PLAIN, WARD_POISON, WARD_PARANOID };
    struct ward_slab slab;

    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        const struct ward_slab_spec spec = spec_of(32, 8, policies[p]);

        dirty(slab);
        assert_int_equal(ward_slab_map_secret(&slab, &spec, 10), -EINVAL);
        assert_all_zero(slab);
    }
    dirty(slab);
    assert_int_equal(ward_slab_map_secret(&slab, NULL, 10), -EINVAL);
    assert_all_zero(slab);
    dirty(slab);
    assert_int_equal(ward_slab_map_secret(&slab, &gone_spec, 0), -EINVAL);
    assert_all_zero(slab);
    assert_int_equal(ward_slab_map_secret(NULL, &gone_spec, 10), -EINVAL);
}

static void metadata_that_a_fork_takes_away_is_refused(void **state)
{
    struct ward_locked meta;
    struct ward_map data;
    struct ward_split split;
    struct ward_slab slab;

    (void)state;
    if (ward_locked_init(&meta, 16 * PAGE)) {
        print_message("memory cannot be locked here\n");
        skip();
    }
    assert_int_equal(ward_map_init(&data, 4 * PAGE, 0), 0);
    assert_int_equal(ward_split_init_with(&split, &data.region, &meta.region), 0);
    dirty(slab);
    assert_int_equal(ward_slab_init(&slab, &gone_spec, &split.region), -ENOTSUP);
    assert_all_zero(slab);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_region_fini(&data.region), 0);
    assert_int_equal(ward_region_fini(&meta.region), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        slab_test(release_gives_the_pages_of_free_blocks_back_and_keeps_the_others),
        slab_test(released_slots_are_served_again_and_still_watched),
        slab_test(release_touches_no_byte_of_a_live_block),
        slab_test(a_release_that_fails_says_so_and_the_slab_is_whole),
        slab_test(reset_frees_every_block_and_drops_what_they_held),
        slab_test(no_handle_of_before_a_reset_is_taken_after_it),
        slab_test(a_reset_that_fails_changes_nothing),
        slab_test(no_memory_is_null_and_later_there_is_some),
        slab_test(parent_and_child_both_go_on_with_an_ordinary_slab),
        slab_test(the_child_chooses_other_slots_than_the_parent),
        slab_test(over_locked_memory_every_call_in_a_child_is_refused),
        slab_test(the_recipe_for_secrets_is_refused_in_a_child_and_can_be_made_again),
        slab_test(the_recipe_for_secrets_holds_secrets),
        slab_test(the_recipe_for_secrets_insists_on_clearing),
        slab_test(metadata_that_a_fork_takes_away_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
