/* dies: write-after-free; report: "16 bytes into the block" */
/* SPDX-License-Identifier: MIT */
/* Writes through a stale pointer; found when the slot is about to be issued again. */
#include "attack.h"

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *block;

    make_slab(&slab, 64, attack_without(argc, argv) ? WARD_PLAIN : WARD_ZERO, 16);
    block = make_block(&slab, 64);
    ward_slab_free(&slab, block, 64);
    poke(block, 16, 'a');
    fill_slab(&slab, 64, false);
    return 0;
}
