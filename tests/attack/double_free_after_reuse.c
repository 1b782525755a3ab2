/* dies: double-free */
/* SPDX-License-Identifier: MIT */
/* Frees a block, allocates and frees others until its slot has a new owner, and frees the stale
 * pointer: the new owner's block is gone. The quarantine keeps the slot out of use for that
 * long. */
#include "attack.h"

enum { BLOCK = 64, SLOTS = 1024, QUARANTINE = 256 };

/* How many pairs of alloc and free until a freed slot is issued again; 0: not within `most`. */
static int distance(struct ward_slab *slab, const unsigned char *stale, int most)
{
    for (int i = 1; i <= most; i++) {
        unsigned char *block = make_block(slab, BLOCK);

        if (block == stale)
            return i;
        ward_slab_free(slab, block, BLOCK);
    }
    return 0;
}

int main(int argc, char **argv)
{
    bool without = attack_without(argc, argv);
    const struct ward_slab_spec spec = {
        { BLOCK, 1 }, without ? WARD_PLAIN : WARD_QUARANTINE, 0, (size_t)QUARANTINE * BLOCK
    };
    struct ward_slab slab;
    unsigned char *stale;
    int reused;

    REQUIRE(ward_slab_map(&slab, &spec, SLOTS) == 0);
    for (int i = 0; i < 100; i++) { /* the luck of many tries */
        stale = make_block(&slab, BLOCK);
        ward_slab_free(&slab, stale, BLOCK);
        reused = distance(&slab, stale, QUARANTINE / 2);
        if (!without)
            REQUIRE(reused == 0);
    }
    ward_slab_free(&slab, launder(stale), BLOCK);
    REQUIRE(without && reused == 1 && ward_slab_usable(&slab, stale) == 0);
    return 0;
}
