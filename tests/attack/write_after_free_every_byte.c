/* survives */
/* SPDX-License-Identifier: MIT */
/* Changes every byte of a freed slot in turn: each is reported with its address when the slot
 * would be issued, the slot is lost, and no other. */
#include "attack.h"

static void attack(size_t size, unsigned policy)
{
    struct ward_slab slab;
    struct ward_slab_info info;

    make_slab(&slab, size, policy, 4096);
    ward_slab_info_get(&slab, &info);
    for (size_t at = 0; at < info.stride; at++) {
        unsigned char *block = make_block(&slab, size);

        ward_slab_free(&slab, block, size);
        poke(block, (ptrdiff_t)at, (unsigned char)(peek(block, (ptrdiff_t)at) + 1));
        REQUIRE(!ward_slab_verify(&slab) || policy & WARD_QUARANTINE);
        while (attack_seen.reports == 0)
            REQUIRE(ward_slab_alloc(&slab, size) != block);
        REQUIRE(reports_of(WARD_BUG_WRITE_AFTER_FREE) == 1);
        REQUIRE(attack_seen.last.addr == block + at && attack_seen.last.block == block);
        ward_slab_info_get(&slab, &info);
        REQUIRE(info.retired == 1 && info.bugs == at + 1);
        REQUIRE(ward_slab_verify(&slab) && ward_slab_reset(&slab) == 0);
    }
    REQUIRE(ward_slab_fini(&slab) == 0);
}

int main(void)
{
    contain_bugs();
    attack(64, WARD_ZERO);
    attack(61, WARD_POISON);
    attack(7, WARD_POISON);
    attack(100, WARD_HARDENED);
    return 0;
}
