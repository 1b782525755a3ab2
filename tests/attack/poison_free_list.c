/* survives */
/* SPDX-License-Identifier: MIT */
/* Writes an address of the attacker's choice over all of a freed block, where allocators keep
 * the link to the next free one, and allocates until it comes back. Even a plain slab follows no
 * byte of its data. */
#include "attack.h"

static unsigned char target[64];

static void *aim[8] = { target, target, target, target, target, target, target, target };

static int on_naive(void)
{
    struct naive pool;
    void *block;

    naive_init(&pool);
    block = naive_alloc(&pool);
    naive_free(&pool, block);
    memcpy(launder(block), aim, sizeof aim);
    REQUIRE(naive_alloc(&pool) == block && naive_alloc(&pool) == target);
    return 0;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *blocks[100], *block;

    if (attack_without(argc, argv))
        return on_naive();
    make_slab(&slab, 64, WARD_PLAIN, 100);
    for (int i = 0; i < 100; i++)
        blocks[i] = make_block(&slab, 64);
    for (int i = 0; i < 100; i++)
        ward_slab_free(&slab, blocks[i], 64);
    for (int i = 0; i < 100; i++)
        memcpy(launder(blocks[i]), aim, sizeof aim);
    for (int i = 0; i < 100; i++) {
        block = make_block(&slab, 64);
        REQUIRE(ward_region_has(ward_slab_data(&slab), block, 64));
    }
    REQUIRE(!ward_slab_alloc(&slab, 64) && ward_slab_verify(&slab));
    return 0;
}
