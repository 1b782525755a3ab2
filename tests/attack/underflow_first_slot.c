/* dies: underflow; report: "1 byte before the block" */
/* SPDX-License-Identifier: MIT */
/* Writes one byte before the lowest block. What lies in front of it belongs to nobody. */
#include "attack.h"

int main(int argc, char **argv)
{
    static struct naive pool;
    struct ward_slab slab;
    unsigned char *block;

    if (attack_without(argc, argv)) {
        naive_init(&pool);
        block = (unsigned char *)naive_alloc(&pool);
        poke(block, -1, 0xff); /* into pool.free, which lies there */
        naive_free(&pool, block);
        return 0;
    }
    make_slab(&slab, 60, WARD_PLAIN, 16);
    block = fill_slab(&slab, 60, false);
    poke(block, -1, (unsigned char)~peek(block, -1));
    ward_slab_free(&slab, block, 60);
    return 0;
}
