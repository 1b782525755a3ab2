/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <ward/random.h>
#include <ward/slab.h>

#include "core/chacha.h"
#include "inject.h"

/* --- the stream ------------------------------------------------------------------------------- */

static void unhex(unsigned char *to, const char *text)
{
    for (; *text; text += 2) {
        char byte[3] = { text[0], text[1], 0 };

        *to++ = (unsigned char)strtoul(byte, NULL, 16);
    }
}

/* Key and 8 or 12 bytes of nonce as published: little-endian words, the nonce last in the state. */
struct vector {
    const char *key, *nonce, *stream;
    uint32_t counter;
    unsigned rounds;
};

static void assert_vector(const struct vector *v)
{
    unsigned char bytes[32], want[128], got[WARD_CHACHA_BATCH];
    uint32_t key[8], nonce[3] = { 0, 0, 0 };
    size_t nonce_bytes = strlen(v->nonce) / 2, stream_bytes = strlen(v->stream) / 2;

    unhex(bytes, v->key);
    memcpy(key, bytes, sizeof key);
    unhex(bytes, v->nonce);
    memcpy((unsigned char *)nonce + sizeof nonce - nonce_bytes, bytes, nonce_bytes);
    unhex(want, v->stream);
    ward_chacha_batch_(got, key, nonce, v->counter, v->rounds);
    assert_memory_equal(got, want, stream_bytes);
}

static void chacha20_gives_the_block_of_rfc_8439(void **state)
{
    const struct vector v = { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                              "000000090000004a00000000",
                              "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
                              "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
                              1, 20 };

    (void)state;
    assert_vector(&v);
}

/* draft-strombergson-chacha-test-vectors, 256-bit keys, 8 rounds: TC1, TC2, TC7. */
static void chacha8_gives_the_published_streams(void **state)
{
    static const struct vector vectors[] = {
        { "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000",
          "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
          "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42"
          "d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b"
          "5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa",
          0, 8 },
        { "0100000000000000000000000000000000000000000000000000000000000000", "0000000000000000",
          "cf5ee9a0494aa9613e05d5ed725b804b12f4a465ee635acc3a311de8740489ea"
          "289d04f43c7518db56eb4433e498a1238cd8464d3763ddbb9222ee3bd8fae3c8",
          0, 8 },
        { "00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100", "0f1e2d3c4b596877",
          "60fdedbd1a280cb741d0593b6ea0309010acf18e1471f68968f4c9e311dca149"
          "b8e027b47c81e0353db013891aa5f68ea3b13dd2f3b8dd0873bf3746e7d6c567"
          "fe882395601ce8aded444867fe62ed8741420002e5d28bb573113a418c1f4008"
          "e954c188f38ec4f26bb8555e2b7c92bf4380e2ea9e553187fdd42821794416de",
          0, 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_vector(&vectors[i]);
}

/* Block 3 of one batch is block 0 of the batch three further on, also where the counter wraps. */
static void the_blocks_of_a_batch_count_on(void **state)
{
    const uint32_t key[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, nonce[3] = { 9, 10, 11 };
    const uint32_t counters[] = { 0, 1, 1000, UINT32_MAX - 3, UINT32_MAX - 1, UINT32_MAX };
    unsigned char a[WARD_CHACHA_BATCH], b[WARD_CHACHA_BATCH];

    (void)state;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        for (uint32_t k = 1; k < 4; k++) {
            ward_chacha_batch_(a, key, nonce, counters[i], 8);
            ward_chacha_batch_(b, key, nonce, counters[i] + k, 8);
            assert_memory_equal(a + (size_t)64 * k, b, sizeof b - (size_t)64 * k);
        }
}

/* --- keys ------------------------------------------------------------------------------------- */

static void the_same_root_and_purpose_give_the_same_key(void **state)
{
    struct ward_random_root root;
    unsigned char a[256], b[256];

    (void)state;
    assert_int_equal(ward_random_root_init(&root), 0);
    assert_int_equal(ward_random_keys(&root, WARD_FOR_CANARY, a, sizeof a), 0);
    assert_int_equal(ward_random_keys(&root, WARD_FOR_CANARY, b, sizeof b), 0);
    assert_memory_equal(a, b, sizeof a);
}

/* Every two of 4 purposes under 2 roots differ in each of their 16-byte pieces: by chance two
 * pieces would be equal with probability below 2^-110. */
static void keys_of_different_purposes_and_roots_share_nothing(void **state)
{
    const enum ward_random_purpose purposes[] = { WARD_FOR_CANARY, WARD_FOR_GENERATION,
                                                  WARD_FOR_CHOICE, WARD_FOR_VERIFY };
    static unsigned char keys[8][256];
    struct ward_random_root root[2];

    (void)state;
    for (int i = 0; i < 8; i++) {
        if (i % 4 == 0)
            assert_int_equal(ward_random_root_init(&root[i / 4]), 0);
        assert_int_equal(ward_random_keys(&root[i / 4], purposes[i % 4], keys[i], 256), 0);
    }
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            for (size_t p = 0; p < 256; p += 16)
                for (size_t q = 0; q < 256; q += 16)
                    if (i != j || p != q)
                        assert_memory_not_equal(keys[i] + p, keys[j] + q, 16);
}

static void a_key_is_written_to_its_length_and_no_further(void **state)
{
    struct ward_random_root root;
    unsigned char bytes[258];

    (void)state;
    assert_int_equal(ward_random_root_init(&root), 0);
    for (size_t len = 0; len <= 256; len += 8) {
        memset(bytes, 0x5a, sizeof bytes);
        assert_int_equal(ward_random_keys(&root, WARD_FOR_CANARY, bytes, len), 0);
        assert_true(is_all(bytes + len, sizeof bytes - len, 0x5a));
        assert_true(len < 8 || !is_all(bytes + len - 8, 8, 0x5a));
    }
}

static void bad_arguments_are_refused(void **state)
{
    struct ward_random_root root;
    unsigned char bytes[300] = { 0 };

    (void)state;
    assert_int_equal(ward_random_root_init(NULL), -EINVAL);
    assert_int_equal(ward_random_init(NULL), -EINVAL);
    assert_int_equal(ward_random_root_init(&root), 0);
    assert_int_equal(ward_random_keys(NULL, WARD_FOR_CANARY, bytes, 8), -EINVAL);
    assert_int_equal(ward_random_keys(&root, WARD_FOR_CANARY, NULL, 8), -EINVAL);
    assert_int_equal(ward_random_keys(&root, WARD_FOR_CANARY, bytes, 257), -EINVAL);
    assert_int_equal(ward_random_keys(&root, WARD_FOR_CANARY, bytes, SIZE_MAX), -EINVAL);
    assert_true(is_all(bytes, sizeof bytes, 0));
}

static void without_random_bytes_nothing_starts(void **state)
{
    struct ward_random_root root;
    struct ward_random random;

    (void)state;
    dirty(root);
    dirty(random);
    inject_arm(1, ENOTSUP);
    assert_int_equal(ward_random_root_init(&root), -ENOTSUP);
    inject_arm(1, ENOTSUP);
    assert_int_equal(ward_random_init(&random), -ENOTSUP);
    inject_reset();
    assert_all_zero(root);
    assert_all_zero(random);
}

/* --- choices ---------------------------------------------------------------------------------- */

/* The key of every batch is the beginning of the one before, and is replaced at once: neither an
 * old key nor what was chosen from an earlier batch is anywhere in the state. */
static void a_refill_erases_the_key_it_was_made_with(void **state)
{
    const uint32_t nonce[3] = { WARD_FOR_CHOICE, 0, 0 };
    unsigned char batch[WARD_CHACHA_BATCH];
    struct ward_random random;
    uint32_t key[8];

    (void)state;
    assert_int_equal(ward_random_init(&random), 0);
    for (int i = 0; i < 4; i++) {
        memcpy(key, random.key, sizeof key);
        ward_random_refill_(&random);
        ward_chacha_batch_(batch, key, nonce, 0, 8);
        assert_memory_equal(random.key, batch, sizeof key);
        assert_memory_equal(random.ready, batch + sizeof key, WARD_RANDOM_READY);
        assert_true(sizeof random.ready > UINT8_MAX);
        assert_int_equal(random.left, WARD_RANDOM_READY);
    }
}

/* 65 536 * 8 draws of 256 values with a fixed seed: 2048 expected for each, standard deviation 45.
 * The bound of 300 is 6.6 of them; a fair generator misses it with probability below 256 *
 * 4e-11. */
static void choices_are_evenly_spread_below_n(void **state)
{
    const volatile uint64_t *word = ward_host_fork_word();
    static unsigned seen[256];
    struct ward_random random;

    (void)state;
    inject_seed(1);
    assert_int_equal(ward_random_init(&random), 0);
    for (int i = 0; i < 65536 * 8; i++) {
        uint32_t choice = ward_random_below_(&random, word, 256);

        assert_true(choice < 256);
        seen[choice]++;
    }
    inject_reset();
    for (int i = 0; i < 256; i++)
        assert_in_range(seen[i], 2048 - 300, 2048 + 300);
}

static void choices_stay_below_every_n(void **state)
{
    const uint32_t limits[] = { 1, 2, 3, 5, 7, 100, 255, 256, 257, 1000, 65535, 65536 };
    const volatile uint64_t *word = ward_host_fork_word();
    struct ward_random random;

    (void)state;
    assert_int_equal(ward_random_init(&random), 0);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        for (int j = 0; j < 2000; j++)
            assert_true(ward_random_below_(&random, word, limits[i]) < limits[i]);
}

static void a_damaged_state_gives_another_choice_and_nothing_worse(void **state)
{
    const volatile uint64_t *word = ward_host_fork_word();
    struct {
        struct ward_random random;
        unsigned char behind[256];
    } box;

    (void)state;
    for (unsigned left = 0; left < 256; left++) {
        memset(&box, 0x77, sizeof box);
        assert_int_equal(ward_random_init(&box.random), 0);
        box.random.left = (unsigned char)left;
        for (int j = 0; j < 300; j++)
            assert_true(ward_random_below_(&box.random, word, 10) < 10);
        assert_true(is_all(box.behind, sizeof box.behind, 0x77));
    }
}

/* --- fork ------------------------------------------------------------------------------------- */

enum { DRAWS = 64 };

struct drawn {
    struct ward_random random;
    const volatile uint64_t *word;
    int to;
};

static void draw(struct drawn *d, unsigned char out[DRAWS])
{
    for (int i = 0; i < DRAWS; i++)
        out[i] = (unsigned char)ward_random_below_(&d->random, d->word, 256);
}

static int draw_in_child(void *arg)
{
    unsigned char mine[DRAWS];

    draw((struct drawn *)arg, mine);
    return write(((struct drawn *)arg)->to, mine, DRAWS) == DRAWS ? 0 : 1;
}

/* 64 equal bytes by chance: 2^-512. */
static void parent_and_children_choose_differently(void **state)
{
    unsigned char parent[DRAWS], child[2][DRAWS];
    struct drawn d;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    d.word = ward_host_fork_word();
    d.to = ends[1];
    assert_int_equal(ward_random_init(&d.random), 0);
    draw(&d, parent);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(in_child(draw_in_child, &d), 0);
        assert_int_equal(read(ends[0], child[i], DRAWS), DRAWS);
    }
    draw(&d, parent);
    close(ends[0]);
    close(ends[1]);
    assert_memory_not_equal(parent, child[0], DRAWS);
    assert_memory_not_equal(parent, child[1], DRAWS);
    assert_memory_not_equal(child[0], child[1], DRAWS);
}

static int refill_without_random_bytes(void *arg)
{
    struct drawn *d = (struct drawn *)arg;
    unsigned char mine[DRAWS];

    inject_arm_from(1, ENOTSUP);
    draw(d, mine);
    return 0;
}

static void a_child_without_random_bytes_dies_rather_than_choose_like_its_parent(void **state)
{
    struct drawn d;

    (void)state;
    d.word = ward_host_fork_word();
    d.to = -1;
    assert_int_equal(ward_random_init(&d.random), 0);
    (void)ward_random_below_(&d.random, d.word, 2);
    assert_int_equal(in_child(refill_without_random_bytes, &d), -SIGABRT);
}

static int free_both(void *arg)
{
    struct ward_slab *slab = (struct ward_slab *)arg;
    struct ward_slab_info info;
    void *more;

    EXPECT(ward_slab_verify(slab));
    more = ward_slab_alloc(slab, 20);
    EXPECT(more);
    ward_slab_free(slab, more, 20);
    EXPECT(ward_slab_verify(slab));
    ward_slab_info_get(slab, &info);
    EXPECT(info.bugs == 0);
    return 0;
}

static bool free_each(void *block, size_t size, void *arg)
{
    ward_slab_free((struct ward_slab *)arg, block, size);
    return true;
}

static int free_all_of_them(void *arg)
{
    struct ward_slab *slab = (struct ward_slab *)arg;
    struct ward_slab_info info;

    ward_slab_each(slab, free_each, slab);
    ward_slab_info_get(slab, &info);
    EXPECT(info.live == 0 && info.bugs == 0);
    return free_both(arg);
}

/* A broken canary would end the child by SIGABRT. */
static void canaries_of_blocks_allocated_before_a_fork_check_in_both(void **state)
{
    const struct ward_slab_spec spec = { { 40, 8 }, WARD_HARDENED, 0, 0 };
    struct ward_slab slab;

    (void)state;
    assert_int_equal(ward_slab_map(&slab, &spec, 100), 0);
    for (int i = 0; i < 50; i++)
        assert_non_null(ward_slab_alloc(&slab, (size_t)(1 + i % 40)));
    assert_int_equal(in_child(free_both, &slab), 0);
    assert_int_equal(in_child(free_all_of_them, &slab), 0);
    assert_int_equal(free_all_of_them(&slab), 0);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chacha20_gives_the_block_of_rfc_8439),
        cmocka_unit_test(chacha8_gives_the_published_streams),
        cmocka_unit_test(the_blocks_of_a_batch_count_on),
        cmocka_unit_test(the_same_root_and_purpose_give_the_same_key),
        cmocka_unit_test(keys_of_different_purposes_and_roots_share_nothing),
        cmocka_unit_test(a_key_is_written_to_its_length_and_no_further),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(without_random_bytes_nothing_starts),
        cmocka_unit_test(a_refill_erases_the_key_it_was_made_with),
        cmocka_unit_test(choices_are_evenly_spread_below_n),
        cmocka_unit_test(choices_stay_below_every_n),
        cmocka_unit_test(a_damaged_state_gives_another_choice_and_nothing_worse),
        cmocka_unit_test(parent_and_children_choose_differently),
        cmocka_unit_test(a_child_without_random_bytes_dies_rather_than_choose_like_its_parent),
        cmocka_unit_test(canaries_of_blocks_allocated_before_a_fork_check_in_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
