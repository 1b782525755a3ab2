/* dies: metadata */
/* SPDX-License-Identifier: MIT */
/* Has found the metadata of an unlocked slab and names a live block on the free list, to have it
 * issued a second time. The entry is believed by nobody: the slot's own word says it is live. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;
    unsigned char *victim, *block;
    uint64_t slot;

    make_slab(&slab, 64, WARD_PLAIN, 64);
    victim = make_block(&slab, 64);
    block = make_block(&slab, 64);
    ward_slab_free(&slab, block, 64);
    slot = ward_slab_index_(slab.geometry, &slab.geometry->spec, victim);
    slab.geometry->rows[slab.geometry->state->top - 1].entry = (uint32_t)slot;
    REQUIRE(ward_slab_alloc(&slab, 64) != victim);
    return 0;
}
