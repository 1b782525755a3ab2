/* dies: stale-handle */
/* SPDX-License-Identifier: MIT */
/* Keeps a reference to a block beyond its end, waits until the slot has a new owner, and frees
 * that. */
#include "attack.h"

static int on_pointers(void)
{
    struct ward_slab slab;
    unsigned char *block, *next;

    make_slab(&slab, 64, WARD_PLAIN, 4);
    block = make_block(&slab, 64);
    ward_slab_free(&slab, block, 64);
    next = make_block(&slab, 64);
    REQUIRE(next == block);
    ward_slab_free(&slab, block, 64);
    return ward_slab_usable(&slab, next) != 0;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *block;
    ward_handle handle;

    if (attack_without(argc, argv))
        return on_pointers();
    make_slab(&slab, 64, WARD_GENERATION, 4);
    block = make_block(&slab, 64);
    handle = ward_slab_handle(&slab, block);
    REQUIRE(ward_slab_get(&slab, handle) == block);
    ward_slab_free(&slab, block, 64);
    REQUIRE(!ward_slab_get(&slab, handle));
    fill_slab(&slab, 64, false);
    REQUIRE(!ward_slab_get(&slab, handle));
    ward_slab_free_handle(&slab, handle);
    return 0;
}
