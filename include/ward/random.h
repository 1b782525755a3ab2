/* SPDX-License-Identifier: MIT */
/*
 * ward/random.h: random choices and secret keys, from the host's random bytes.
 *
 * Keys (canaries, tags) come from ward_random_keys: ChaCha20 under a fresh key of the host's, one
 * stream per purpose, so that none tells anything about another. They are drawn once and kept
 * across fork, since live blocks carry them.
 *
 * Choices (which slot) come from a struct ward_random: ChaCha8 with fast key erasure: every refill
 * replaces the key first, so a leaked state does not tell what was chosen before the refill. Its
 * stream shares nothing with any key. In a forked child it starts anew: child and parent never
 * choose alike.
 *
 * A struct ward_random belongs to one thread at a time. Cost of a choice: some ten instructions,
 * and a refill of some 100 ns every 112 choices (of up to 65536; 224 of 256).
 */
#ifndef WARD_RANDOM_H
#define WARD_RANDOM_H

#include <ward/base.h>

/* Random bytes ready in a stream after a refill. */
#define WARD_RANDOM_READY 224

struct ward_random {
    uint64_t epoch;           /* of the fork it was made in; another value: make it anew */
    uint32_t key[8];          /* of the next refill */
    uint8_t left;             /* bytes of ready not yet used; <= WARD_RANDOM_READY */
    unsigned char ready[256]; /* of which a refill makes WARD_RANDOM_READY: whatever left is, it is
                                 an index */
};

/* What a key is for: each purpose has a stream of its own. Append only. */
enum ward_random_purpose {
    WARD_FOR_CANARY = 1,
    WARD_FOR_GENERATION,
    WARD_FOR_CHOICE,
    WARD_FOR_VERIFY,
};

WARD_EXTERN_C_BEGIN

/* The key material of one object, under which ward_random_keys separates purposes. */
struct ward_random_root {
    uint32_t key[8];
};

/* Fresh key material from the host. Clear it after use. Returns what ward_host_random returns; all
 * zero on failure. */
WARD_API WARD_CHECKED int ward_random_root_init(struct ward_random_root *root);

/* Fills len <= 256 bytes with the key for a purpose under root. The same root, purpose and len give
 * the same bytes. -EINVAL: a NULL or len > 256. */
WARD_API WARD_CHECKED int ward_random_keys(const struct ward_random_root *root,
                                           enum ward_random_purpose purpose, void *bytes,
                                           size_t len);

/* Starts a stream of choices. Returns what ward_host_random returns; all zero on failure. */
WARD_API WARD_CHECKED int ward_random_init(struct ward_random *random);

/* Refills the stream: called by the inline functions below when it is used up or after a fork. If
 * the host has no random bytes in the child, the process dies: it must not choose like its parent.
 */
WARD_API void ward_random_refill_(struct ward_random *random);

WARD_EXTERN_C_END

/* ------------------------------------------------------------------------------------------- */

/* Are there two bytes for a choice, made in this process? fork_word: ward_host_fork_word(), kept by
 * the caller where nobody can change it. Damaged, the stream gives other choices and nothing worse.
 */
WARD_INLINE bool ward_random_is_ready_(const struct ward_random *random,
                                       const volatile uint64_t *fork_word)
{
    return random->left >= 2 && random->epoch == *fork_word;
}

/* A number in [0, 256) from a stream that is ready. */
WARD_INLINE uint32_t ward_random_byte_(struct ward_random *random)
{
    uint8_t left = (uint8_t)(random->left - 1);

    random->left = left;
    return random->ready[left];
}

/* A number in [0, n), n <= 65536, from a stream that is ready: each with a probability off 1 / n by
 * less than 1 / 65536. */
WARD_INLINE uint32_t ward_random_draw_(struct ward_random *random, uint32_t n)
{
    uint32_t high = ward_random_byte_(random), low = ward_random_byte_(random);

    return ((high << 8 | low) * n) >> 16;
}

/* The same from any stream: refills it where needed. */
WARD_INLINE uint32_t ward_random_below_(struct ward_random *random,
                                        const volatile uint64_t *fork_word, uint32_t n)
{
    if (WARD_UNLIKELY(!ward_random_is_ready_(random, fork_word)))
        ward_random_refill_(random);
    return ward_random_draw_(random, n);
}

/* 64 random bits from any stream. */
WARD_INLINE uint64_t ward_random_word_(struct ward_random *random,
                                       const volatile uint64_t *fork_word)
{
    uint64_t word;

    if (WARD_UNLIKELY(random->left < sizeof word || random->epoch != *fork_word))
        ward_random_refill_(random);
    random->left = (uint8_t)(random->left - sizeof word);
    __builtin_memcpy(&word, &random->ready[random->left], sizeof word);
    return word;
}

#endif
