/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
/* Frees a live block's address with one of the upper bits wrong, as a tag or a broken pointer
 * has. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;
    uintptr_t block;

    make_slab(&slab, 64, WARD_PLAIN, 16);
    block = (uintptr_t)make_block(&slab, 64);
    ward_slab_free(&slab, launder((const void *)(block ^ (uintptr_t)1 << 60)), 64);
    return 0;
}
