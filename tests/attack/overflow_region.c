/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Writes one byte past the last block: it ends where the guard begins, to the byte. */
#include "attack.h"

int main(int argc, char **argv)
{
    struct ward_static fixed;
    struct ward_map meta;
    struct ward_split split;
    static unsigned char room[65536 + 64];
    const struct ward_slab_spec spec = { { 24, 1 }, WARD_PLAIN, 0, 0 };
    struct ward_slab slab;

    if (attack_without(argc, argv)) { /* a region without guards */
        REQUIRE(ward_static_init(&fixed, room, 4096) == 0);
        REQUIRE(ward_map_init(&meta, 1 << 20, 0) == 0);
        REQUIRE(ward_split_init_with(&split, &fixed.region, &meta.region) == 0);
        REQUIRE(ward_slab_init(&slab, &spec, &split.region) == 0);
    } else {
        make_slab(&slab, 24, WARD_PLAIN, 16);
    }
    poke(fill_slab(&slab, 24, true), 24, 'a');
    return 0;
}
