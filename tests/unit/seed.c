/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <pthread.h>

#include "core/chacha.h"
#include "core/seed.h"

static const uint32_t fresh[WARD_SEED_WORDS] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint32_t nonce[3] = { 9, 10, 11 };

enum { USED = WARD_CHACHA_BATCH - 32 };

static void an_empty_seed_gives_nothing(void **state)
{
    struct ward_seed_ seed = { 0 };
    unsigned char bytes[64];

    (void)state;
    memset(bytes, 0x5a, sizeof bytes);
    assert_false(ward_seed_draw_(&seed, nonce, bytes, sizeof bytes));
    assert_true(is_all(bytes, sizeof bytes, 0x5a));
}

static void draw(struct ward_seed_ *seed, unsigned char *bytes, size_t len)
{
    assert_true(ward_seed_draw_(seed, nonce, bytes, len));
}

/* The stream is ChaCha20's under the key, and what nobody got of it is added to the key. */
static void a_draw_moves_the_key_on(void **state)
{
    unsigned char batch[WARD_CHACHA_BATCH], bytes[USED];
    struct ward_seed_ seed = { 0 };
    uint32_t key[WARD_SEED_WORDS], tail[WARD_SEED_WORDS];

    (void)state;
    ward_seed_add_(&seed, fresh);
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(key, seed.key, sizeof key);
        draw(&seed, bytes, sizeof bytes);
        ward_chacha_batch_(batch, key, nonce, 4 * i, 20);
        assert_memory_equal(bytes, batch, sizeof bytes);
        memcpy(tail, batch + USED, sizeof tail);
        for (size_t word = 0; word < WARD_SEED_WORDS; word++)
            assert_int_equal(seed.key[word], key[word] ^ tail[word]);
    }
}

static void what_is_added_is_mixed_with_what_is_there(void **state)
{
    const uint32_t more[WARD_SEED_WORDS] = { 3, 3, 3, 3, 3, 3, 3, 3 };
    struct ward_seed_ seed = { 0 };

    (void)state;
    ward_seed_add_(&seed, fresh);
    ward_seed_add_(&seed, more);
    for (size_t word = 0; word < WARD_SEED_WORDS; word++)
        assert_int_equal(seed.key[word], fresh[word] ^ 3);
}

/* No two pieces of 16 bytes of a long draw are equal: by chance with probability below 2^-100. */
static void a_long_draw_does_not_repeat_itself(void **state)
{
    struct ward_seed_ seed = { 0 };
    unsigned char bytes[3000 + 1];

    (void)state;
    ward_seed_add_(&seed, fresh);
    bytes[3000] = 0x5a;
    draw(&seed, bytes, 3000);
    assert_int_equal(bytes[3000], 0x5a);
    for (size_t a = 0; a + 16 <= 3000; a += 16)
        for (size_t b = 0; b < a; b += 16)
            assert_memory_not_equal(bytes + a, bytes + b, 16);
}

static void copies_with_different_nonces_share_nothing(void **state)
{
    unsigned char mine[64], others[64];

    (void)state;
    for (size_t word = 0; word < 3; word++) {
        struct ward_seed_ seed = { 0 }, copy;
        uint32_t other[3] = { nonce[0], nonce[1], nonce[2] };

        ward_seed_add_(&seed, fresh);
        copy = seed;
        other[word]++;
        draw(&seed, mine, sizeof mine);
        assert_true(ward_seed_draw_(&copy, other, others, sizeof others));
        for (size_t a = 0; a < 64; a += 16)
            for (size_t b = 0; b < 64; b += 16)
                assert_memory_not_equal(mine + a, others + b, 16);
    }
}

enum { THREADS = 4, DRAWS = 2000 };

static struct ward_seed_ shared;

static void *draw_many(void *arg)
{
    uint64_t *drawn = arg;

    for (size_t i = 0; i < DRAWS; i++)
        if (!ward_seed_draw_(&shared, nonce, &drawn[i], sizeof drawn[i]))
            drawn[i] = 0;
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* 8000 words of 64 bits: two are equal by chance with probability 2^-39. */
static void threads_that_draw_at_once_get_different_bytes(void **state)
{
    static uint64_t drawn[THREADS * DRAWS];
    pthread_t threads[THREADS];

    (void)state;
    ward_seed_add_(&shared, fresh);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw_many, &drawn[i * DRAWS]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    qsort(drawn, THREADS * DRAWS, sizeof *drawn, by_value);
    for (size_t i = 1; i < THREADS * DRAWS; i++)
        assert_true(drawn[i - 1] != drawn[i]);
    assert_int_equal(shared.drawn, 4 * THREADS * DRAWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_seed_gives_nothing),
        cmocka_unit_test(a_draw_moves_the_key_on),
        cmocka_unit_test(what_is_added_is_mixed_with_what_is_there),
        cmocka_unit_test(a_long_draw_does_not_repeat_itself),
        cmocka_unit_test(copies_with_different_nonces_share_nothing),
        cmocka_unit_test(threads_that_draw_at_once_get_different_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
