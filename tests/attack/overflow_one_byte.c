/* dies: overflow; report: "1 byte past the end of the block" */
/* SPDX-License-Identifier: MIT */
/* Writes one byte past the block. There is room for it in the slot, so nothing else is hurt,
 * today. */
#include "attack.h"

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *block;

    make_slab(&slab, 64, attack_without(argc, argv) ? WARD_PLAIN : WARD_CANARY, 16);
    block = make_block(&slab, 61);
    poke(block, 61, 'a');
    ward_slab_free(&slab, block, 61);
    return 0;
}
