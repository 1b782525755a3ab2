/* SPDX-License-Identifier: MIT */
/*
 * A seed: random bytes that are kept for the time when the system refuses to give any.
 *
 * What is drawn is a ChaCha20 stream under the seed's key. Each draw adds the end of its stream to
 * the key, by exclusive or: a cipher's output added to its key cannot be taken back, so what was
 * drawn before cannot be computed from what is left.
 *
 * No lock. Any thread and any signal handler may draw or add at any time, and a fork may cut either
 * off: the words of the key are changed one by one, and whatever mixture a draw sees is as secret
 * as its parts. No two draws of one seed have the same place in a stream, for they are counted.
 * Copies of a seed, as a fork makes them, must be drawn from with different nonces.
 *
 * Cost: a quarter of a microsecond for each 224 bytes.
 */
#ifndef WARD_CORE_SEED_H
#define WARD_CORE_SEED_H

#include <ward/base.h>

enum { WARD_SEED_WORDS = 8 };

/* All zero: nothing was added yet. */
struct ward_seed_ {
    uint32_t key[WARD_SEED_WORDS]; /* accessed atomically, as are the others */
    uint32_t drawn;                /* blocks of the stream, ever */
    uint32_t filled;               /* something was added */
};

/* Adds fresh random bytes: the seed is at least as hard to guess as they are. */
void ward_seed_add_(struct ward_seed_ *seed, const uint32_t fresh[WARD_SEED_WORDS]);

/* Draws len bytes. nonce: different in each process that has a copy of the seed. False, and nothing
 * is written: nothing was ever added. */
bool ward_seed_draw_(struct ward_seed_ *seed, const uint32_t nonce[3], void *bytes, size_t len);

#endif
