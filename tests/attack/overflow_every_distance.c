/* survives */
/* SPDX-License-Identifier: MIT */
/* Changes one bit at every distance from the end of the block to the end of its slot, for every
 * requested size, size of block and alignment: each is reported, with its exact address. */
#include "attack.h"

static unsigned attack(size_t size, size_t align, unsigned policy)
{
    const struct ward_slab_spec spec = { { size, align }, policy, 0, 0 };
    struct ward_slab slab;
    struct ward_slab_info info;
    unsigned tried = 0;

    REQUIRE(ward_slab_map(&slab, &spec, 40000) == 0);
    ward_slab_info_get(&slab, &info);
    REQUIRE(info.stride >= size + 8);
    for (size_t used = 1; used <= size; used++) {
        for (size_t at = used; at < info.stride; at++, tried++) {
            unsigned char *block = make_block(&slab, used);

            poke(block, (ptrdiff_t)at,
                 (unsigned char)(peek(block, (ptrdiff_t)at) ^ 1u << tried % 8));
            ward_slab_free(&slab, block, used);
            REQUIRE(reports_of(WARD_BUG_OVERFLOW) == 1);
            REQUIRE(attack_seen.last.addr == block + at && attack_seen.last.block == block &&
                    attack_seen.last.size == used);
        }
    }
    REQUIRE(ward_slab_fini(&slab) == 0);
    return tried;
}

int main(void)
{
    unsigned tried = 0;

    contain_bugs();
    tried += attack(1, 1, WARD_CANARY);
    tried += attack(8, 8, WARD_HARDENED);
    tried += attack(24, 16, WARD_CANARY | WARD_POISON);
    tried += attack(61, 1, WARD_HARDENED);
    tried += attack(64, 64, WARD_HARDENED);
    tried += attack(100, 8, WARD_PARANOID);
    tried += attack(120, 128, WARD_CANARY);
    printf("%u distances\n", tried);
    return 0;
}
