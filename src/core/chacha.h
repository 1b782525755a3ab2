/* SPDX-License-Identifier: MIT */
/*
 * The ChaCha stream (Bernstein 2008; the block layout is RFC 8439's), four blocks at a time.
 *
 * Rounds: 20 for keys, 8 for random choices (the best known attack reaches 7; the same choice as
 * hardened_malloc's and Linux's early generator). No state of its own, no host, constant time.
 */
#ifndef WARD_CORE_CHACHA_H
#define WARD_CORE_CHACHA_H

#include <ward/base.h>

enum { WARD_CHACHA_BLOCK = 64, WARD_CHACHA_BATCH = 256 };

/* Writes the four blocks with counters counter .. counter + 3 of the stream (key, nonce). */
void ward_chacha_batch_(unsigned char out[WARD_CHACHA_BATCH], const uint32_t key[8],
                        const uint32_t nonce[3], uint32_t counter, unsigned rounds);

#endif
