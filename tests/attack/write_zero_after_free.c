/* dies: write-after-free; report: "63 bytes into the block" */
/* SPDX-License-Identifier: MIT */
/* Writes a zero through a stale pointer: what clears freed memory cannot see it, poison can. */
#include "attack.h"

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *block;

    make_slab(&slab, 64, attack_without(argc, argv) ? WARD_ZERO : WARD_POISON, 16);
    block = make_block(&slab, 64);
    ward_slab_free(&slab, block, 64);
    poke(block, 63, 0);
    fill_slab(&slab, 64, false);
    return 0;
}
