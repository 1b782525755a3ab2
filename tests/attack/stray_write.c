/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Knows where the metadata is and writes to it. With a protection key only ward's operations
 * can, and only while they run. */
#include "attack.h"

int main(int argc, char **argv)
{
    const bool without = attack_without(argc, argv);
    const unsigned lock = WARD_LOCK_META | WARD_LOCK_REQUIRE;
    struct ward_slab_info info;
    struct ward_slab slab;
    unsigned char *block;

    if (!without && ward_host_key() < 0) {
        printf("no protection keys here (ward_host_key answers %d)\n", ward_host_key());
        return 77;
    }
    make_slab(&slab, 64, without ? WARD_HARDENED : WARD_HARDENED | lock, 64);
    block = make_block(&slab, 64);
    ward_slab_free(&slab, make_block(&slab, 64), 64);
    REQUIRE(ward_slab_usable(&slab, block) == 64 && ward_slab_verify(&slab));
    ward_slab_info_get(&slab, &info);
    REQUIRE(info.locked != without);
    poke(slab.geometry->state, 0, 200);
    return 0;
}
