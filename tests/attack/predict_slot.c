/* survives */
/* SPDX-License-Identifier: MIT */
/* Frees a victim's block and predicts where the next one lies, to get it there. Three
 * predictors: the slot freed last, the one behind the block issued last, the lowest that was
 * ever seen free. Each hits with a probability of 1/256; more than 160 hits in 20000 then have
 * one below 10^-14. */
#include "attack.h"

enum { SLOTS = 2048, TRIES = 20000, MOST = 160, PREDICTORS = 3 };

int main(int argc, char **argv)
{
    const bool without = attack_without(argc, argv);
    unsigned char *live[SLOTS / 2], *lowest = NULL;
    unsigned hits[PREDICTORS] = { 0 };
    struct ward_slab slab;

    make_slab(&slab, 64, without ? WARD_PLAIN : WARD_RANDOM_SLOT, SLOTS);
    for (int i = 0; i < SLOTS / 2; i++)
        live[i] = make_block(&slab, 64);
    for (unsigned i = 0; i < TRIES; i++) {
        unsigned char **victim = &live[i * 61 % (SLOTS / 2)];
        unsigned char *freed = *victim, *last = live[(i * 61 + SLOTS / 2 - 61) % (SLOTS / 2)];

        if (!lowest || freed < lowest)
            lowest = freed;
        ward_slab_free(&slab, freed, 64);
        *victim = make_block(&slab, 64);
        hits[0] += *victim == freed;
        hits[1] += *victim == last + 64;
        hits[2] += *victim == lowest;
        if (*victim == lowest)
            lowest = NULL;
    }
    printf("%u %u %u hits of %d\n", hits[0], hits[1], hits[2], TRIES);
    if (without)
        return hits[0] != TRIES;
    return hits[0] > MOST || hits[1] > MOST || hits[2] > MOST;
}
