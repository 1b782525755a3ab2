/* SPDX-License-Identifier: MIT */
#include "core/chacha.h"

/* One word of four neighbouring blocks. The compiler makes vector instructions of it where the
 * machine has them, and four scalar ones elsewhere. */
typedef uint32_t lanes __attribute__((vector_size(16)));

/* *v ^= with, and rotates it. By pointers: kernels have no registers to pass vectors in. */
static inline void mix(lanes *v, const lanes *with, unsigned left)
{
    lanes mixed = *v ^ *with;

    *v = (mixed << left) | (mixed >> (32 - left));
}

static inline void quarter(lanes *a, lanes *b, lanes *c, lanes *d)
{
    *a += *b, mix(d, a, 16);
    *c += *d, mix(b, c, 12);
    *a += *b, mix(d, a, 8);
    *c += *d, mix(b, c, 7);
}

static inline void double_round(lanes x[16])
{
    quarter(&x[0], &x[4], &x[8], &x[12]);
    quarter(&x[1], &x[5], &x[9], &x[13]);
    quarter(&x[2], &x[6], &x[10], &x[14]);
    quarter(&x[3], &x[7], &x[11], &x[15]);
    quarter(&x[0], &x[5], &x[10], &x[15]);
    quarter(&x[1], &x[6], &x[11], &x[12]);
    quarter(&x[2], &x[7], &x[8], &x[13]);
    quarter(&x[3], &x[4], &x[9], &x[14]);
}

static inline void set(lanes *v, uint32_t word)
{
    *v = (lanes){ word, word, word, word };
}

/* The first state: constants "expand 32-byte k", key, counter, nonce. */
static void begin(lanes x[16], const uint32_t key[8], const uint32_t nonce[3], uint32_t counter)
{
    static const uint32_t constant[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

    for (unsigned i = 0; i < 4; i++)
        set(&x[i], constant[i]);
    for (unsigned i = 0; i < 8; i++)
        set(&x[4 + i], key[i]);
    x[12] = (lanes){ counter, counter + 1, counter + 2, counter + 3 };
    for (unsigned i = 0; i < 3; i++)
        set(&x[13 + i], nonce[i]);
}

/* Four words of the four blocks, word by word, become block by block: element j of rows[i] changes
 * places with element i of rows[j]. */
static inline void transpose(lanes rows[4])
{
    lanes low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
    lanes high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    lanes low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
    lanes high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);

    rows[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    rows[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    rows[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    rows[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

WARD_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are stored as they are");

void ward_chacha_batch_(unsigned char out[WARD_CHACHA_BATCH], const uint32_t key[8],
                        const uint32_t nonce[3], uint32_t counter, unsigned rounds)
{
    lanes first[16], x[16];

    begin(first, key, nonce, counter);
    __builtin_memcpy(x, first, sizeof x);
    for (unsigned i = 0; i < rounds / 2; i++)
        double_round(x);
    for (unsigned word = 0; word < 16; word++)
        x[word] += first[word];
    for (size_t part = 0; part < 4; part++) {
        transpose(&x[4 * part]);
        for (size_t block = 0; block < 4; block++)
            __builtin_memcpy(out + WARD_CHACHA_BLOCK * block + 16 * part, &x[4 * part + block], 16);
    }
}
