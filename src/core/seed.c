/* SPDX-License-Identifier: MIT */
#include "core/seed.h"

#include "core/chacha.h"
#include "core/wipe.h"

enum { KEY_BYTES = WARD_SEED_WORDS * 4, USED = WARD_CHACHA_BATCH - KEY_BYTES };

static void mix(struct ward_seed_ *seed, const unsigned char from[KEY_BYTES])
{
    uint32_t words[WARD_SEED_WORDS];

    __builtin_memcpy(words, from, sizeof words);
    for (size_t i = 0; i < WARD_SEED_WORDS; i++)
        (void)__atomic_fetch_xor(&seed->key[i], words[i], __ATOMIC_RELAXED);
    ward_wipe_(words, sizeof words);
}

void ward_seed_add_(struct ward_seed_ *seed, const uint32_t fresh[WARD_SEED_WORDS])
{
    mix(seed, (const unsigned char *)fresh);
    __atomic_store_n(&seed->filled, 1, __ATOMIC_RELEASE);
}

/* Blocks of the stream that no other draw of this seed has. */
static void draw_batch(struct ward_seed_ *seed, const uint32_t nonce[3],
                       unsigned char batch[WARD_CHACHA_BATCH])
{
    uint32_t blocks = WARD_CHACHA_BATCH / WARD_CHACHA_BLOCK, key[WARD_SEED_WORDS];
    uint32_t counter = __atomic_fetch_add(&seed->drawn, blocks, __ATOMIC_RELAXED);

    for (size_t i = 0; i < WARD_SEED_WORDS; i++)
        key[i] = __atomic_load_n(&seed->key[i], __ATOMIC_RELAXED);
    ward_chacha_batch_(batch, key, nonce, counter, 20);
    ward_wipe_(key, sizeof key);
    mix(seed, batch + USED);
}

bool ward_seed_draw_(struct ward_seed_ *seed, const uint32_t nonce[3], void *bytes, size_t len)
{
    unsigned char batch[WARD_CHACHA_BATCH], *at = bytes;

    if (!__atomic_load_n(&seed->filled, __ATOMIC_ACQUIRE))
        return false;
    while (len > 0) {
        size_t part = len < USED ? len : USED;

        draw_batch(seed, nonce, batch);
        __builtin_memcpy(at, batch, part);
        at += part;
        len -= part;
    }
    ward_wipe_(batch, sizeof batch);
    return true;
}
