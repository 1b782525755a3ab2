/* dies: overflow */
/* SPDX-License-Identifier: MIT */
/* Reads the canary of a block of one's own, overflows a block from one end of the slab to the
 * other and puts that canary at every place where one belongs. It is right at one of them. */
#include "attack.h"

enum { BLOCK = 56, STRIDE = 64, SLOTS = 32 };

int main(int argc, char **argv)
{
    const unsigned policy = attack_without(argc, argv) ? WARD_PLAIN : WARD_CANARY;
    const struct ward_slab_spec spec = { { BLOCK, 64 }, policy, 0, 0 };
    unsigned char *blocks[SLOTS], *first = NULL, canary[STRIDE - BLOCK];
    struct ward_slab slab;

    REQUIRE(ward_slab_map(&slab, &spec, SLOTS) == 0);
    for (int i = 0; i < SLOTS; i++) {
        blocks[i] = make_block(&slab, BLOCK);
        first = !first || blocks[i] < first ? blocks[i] : first;
    }
    memcpy(canary, launder(first + BLOCK), sizeof canary);
    for (int i = 0; i < SLOTS; i++) {
        memset(launder(first + i * STRIDE), 'o', BLOCK);
        memcpy(launder(first + i * STRIDE + BLOCK), canary, sizeof canary);
    }
    ward_slab_free(&slab, launder(first), BLOCK); /* nothing to see yet: it is intact */
    for (int i = 0; i < SLOTS; i++)
        if (blocks[i] == first + STRIDE)
            ward_slab_free(&slab, blocks[i], BLOCK);
    return 0;
}
