/* dies: interior-free; report: "1 byte into the block" */
/* SPDX-License-Identifier: MIT */
/* Frees a block's address with its lowest bit set, as a tagged pointer has it. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;

    make_slab(&slab, 64, WARD_PLAIN, 16);
    ward_slab_free(&slab, launder(make_block(&slab, 64) + 1), 64);
    return 0;
}
