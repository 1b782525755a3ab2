/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
/* Frees an address of the stack: the next block lies over local variables and return addresses
 * ("house of spirit"). */
#include "attack.h"

int main(int argc, char **argv)
{
    unsigned char local[64];
    struct naive pool;
    struct ward_slab slab;

    if (attack_without(argc, argv)) {
        naive_init(&pool);
        naive_free(&pool, local);
        REQUIRE(naive_alloc(&pool) == launder(local));
        return 0;
    }
    make_slab(&slab, 64, WARD_PLAIN, 16);
    ward_slab_free(&slab, launder(local), sizeof local);
    return 0;
}
