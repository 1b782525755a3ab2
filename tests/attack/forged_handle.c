/* survives */
/* SPDX-License-Identifier: MIT */
/* Makes handles up: another slab's, a neighbour's number in one's own, every single-bit change,
 * and ten million at random. None of the first is taken; of the last one in 2^32 with a live
 * slot's number would be, so that more than one hit has a probability below 10^-5. */
#include "attack.h"

enum { SLOTS = 64 };

static struct ward_slab slab, other;
static ward_handle handles[SLOTS];

static bool is_live(uint64_t word)
{
    for (int i = 0; i < SLOTS; i++)
        if (handles[i].word == word)
            return true;
    return false;
}

static bool taken(uint64_t word)
{
    ward_handle handle = { word };

    return !is_live(word) && ward_slab_get(&slab, handle);
}

static uint64_t random_word(void)
{
    static uint64_t state = UINT64_C(0x9e3779b97f4a7c15); /* splitmix64, a fixed seed */
    uint64_t word = state += UINT64_C(0x9e3779b97f4a7c15);

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

int main(void)
{
    unsigned hits = 0;

    make_slab(&slab, 64, WARD_GENERATION, SLOTS);
    make_slab(&other, 64, WARD_GENERATION, SLOTS);
    for (int i = 0; i < SLOTS; i++) {
        for (int age = 0; age < i % 7; age++) /* so that not all are of one age */
            ward_slab_free(&slab, make_block(&slab, 64), 64);
        handles[i] = ward_slab_handle(&slab, make_block(&slab, 64));
        REQUIRE(handles[i].word);
    }
    for (int i = 0; i < SLOTS; i++) {
        hits += taken(ward_slab_handle(&other, make_block(&other, 64)).word);
        for (unsigned bit = 32; bit < 64; bit++)
            REQUIRE(!taken(handles[i].word ^ UINT64_C(1) << bit));
        REQUIRE(!taken((handles[i].word & ~(uint64_t)UINT32_MAX) | (SLOTS + 1)));
        REQUIRE(!taken(handles[i].word & ~(uint64_t)UINT32_MAX));
        REQUIRE(!taken(handles[i].word | UINT32_MAX));
    }
    for (unsigned i = 0; i < 10000000; i++)
        hits += taken((random_word() & ~(uint64_t)UINT32_MAX) | (1 + i % SLOTS));
    printf("%u hits\n", hits);
    return hits > 1;
}
