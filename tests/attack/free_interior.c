/* dies: interior-free; report: "16 bytes into the block" */
/* SPDX-License-Identifier: MIT */
/* Frees an address inside a block: the next block handed out overlaps two. */
#include "attack.h"

static int on_naive(void)
{
    struct naive pool;
    unsigned char *block, *next;

    naive_init(&pool);
    block = (unsigned char *)naive_alloc(&pool);
    naive_free(&pool, block + 16);
    next = (unsigned char *)naive_alloc(&pool);
    REQUIRE(next == block + 16); /* 64 bytes from there */
    return 0;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;

    if (attack_without(argc, argv))
        return on_naive();
    make_slab(&slab, 64, WARD_PLAIN, 16);
    ward_slab_free(&slab, launder(make_block(&slab, 64) + 16), 64);
    return 0;
}
