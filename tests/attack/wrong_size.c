/* dies: wrong-size; report: "64 bytes requested" */
/* SPDX-License-Identifier: MIT */
/* Frees a block with another size than it was requested with, as when an object is freed as
 * another type: a sized free that believes it puts the block on the wrong list. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;

    make_slab(&slab, 64, WARD_PLAIN, 16);
    ward_slab_free(&slab, make_block(&slab, 64), 32);
    return 0;
}
