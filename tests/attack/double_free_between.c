/* dies: double-free */
/* SPDX-License-Identifier: MIT */
/* Frees a, b, a: what only compares with the block freed last (as glibc's fast bins do) sees
 * nothing. */
#include "attack.h"

static int on_naive(void)
{
    struct naive pool;
    void *a, *b;

    naive_init(&pool);
    a = naive_alloc(&pool);
    b = naive_alloc(&pool);
    naive_free(&pool, a);
    naive_free(&pool, b);
    REQUIRE(pool.free != a); /* the comparison */
    naive_free(&pool, a);
    REQUIRE(naive_alloc(&pool) == a && naive_alloc(&pool) == b && naive_alloc(&pool) == a);
    return 0;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *blocks[12];

    if (attack_without(argc, argv))
        return on_naive();
    make_slab(&slab, 64, WARD_PLAIN, 16);
    for (int i = 0; i < 12; i++)
        blocks[i] = make_block(&slab, 64);
    for (int i = 0; i < 12; i++)
        ward_slab_free(&slab, blocks[i], 64);
    ward_slab_free(&slab, launder(blocks[5]), 64);
    return 0;
}
