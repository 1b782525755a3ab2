/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
/* Frees another slab's block: it would be handed out by both. */
#include "attack.h"

static int on_naive(void)
{
    struct naive one, other;
    void *block;

    naive_init(&one);
    naive_init(&other);
    block = naive_alloc(&one);
    naive_free(&other, block);
    REQUIRE(naive_alloc(&other) == block);
    return 0;
}

int main(int argc, char **argv)
{
    struct ward_slab one, other;

    if (attack_without(argc, argv))
        return on_naive();
    make_slab(&one, 64, WARD_PLAIN, 16);
    make_slab(&other, 64, WARD_PLAIN, 16);
    ward_slab_free(&other, launder(make_block(&one, 64)), 64);
    return 0;
}
