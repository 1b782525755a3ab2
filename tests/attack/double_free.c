/* dies: double-free */
/* SPDX-License-Identifier: MIT */
/* Frees a block twice, so that two owners get it. Caught whatever the policy. */
#include "attack.h"

static int on_naive(void)
{
    struct naive pool;
    void *block;

    naive_init(&pool);
    block = naive_alloc(&pool);
    naive_free(&pool, block);
    naive_free(&pool, block);
    REQUIRE(naive_alloc(&pool) == naive_alloc(&pool));
    return 0;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *block;

    if (attack_without(argc, argv))
        return on_naive();
    make_slab(&slab, 64, WARD_PLAIN, 16);
    block = make_block(&slab, 64);
    ward_slab_free(&slab, block, 64);
    ward_slab_free(&slab, launder(block), 64);
    return 0;
}
