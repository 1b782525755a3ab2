/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
/* Frees malloc's block into a slab. */
#include "attack.h"

static int on_naive(void)
{
    struct naive pool;
    void *block = malloc(64);

    naive_init(&pool);
    naive_free(&pool, block);
    REQUIRE(naive_alloc(&pool) == block);
    free(block);
    return 0;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;
    void *block;

    if (attack_without(argc, argv))
        return on_naive();
    make_slab(&slab, 64, WARD_PLAIN, 16);
    block = malloc(64);
    REQUIRE(block);
    ward_slab_free(&slab, launder(block), 64);
    free(block);
    return 0;
}
