/* survives */
/* SPDX-License-Identifier: MIT */
/* Protects the data (through the region the slab is built on, as who freezes it would) and looks
 * whether the metadata noticed, then the reverse: each has only its own protection. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;
    struct ward_region *data, *meta;
    unsigned char *block;
    size_t len;

    catch_faults();
    make_slab(&slab, 64, WARD_PLAIN, 64);
    block = make_block(&slab, 64);
    data = ward_slab_data(&slab);
    meta = ward_slab_meta(&slab);
    len = ward_region_committed(data);

    REQUIRE(ward_region_protect(data, 0, len, WARD_READ) == 0);
    REQUIRE(!can_write(block));
    REQUIRE(can_write(slab.geometry->state));
    REQUIRE(ward_slab_alloc(&slab, 64)); /* a plain slab needs no data to allocate */
    ward_slab_free(&slab, block, 64);
    REQUIRE(ward_region_protect(data, 0, len, WARD_RW) == 0);

    block = make_block(&slab, 64);
    REQUIRE(ward_region_protect(meta, 0, meta->size, WARD_READ) == 0);
    REQUIRE(!can_write(slab.geometry->state));
    REQUIRE(can_write(block));
    REQUIRE(ward_region_release(data, 0, len) == 0); /* nor does dropping data drop metadata */
    REQUIRE(block[0] == 0 && ward_slab_usable(&slab, block) == 64);
    return 0;
}
