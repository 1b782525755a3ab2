/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Moves slot 0 to where the attacker wants the next block: geometry and secrets are read-only.
 * */
#include "attack.h"

int main(void)
{
    struct ward_slab_info info;
    struct ward_slab slab;

    make_slab(&slab, 64, WARD_PLAIN, 64);
    ward_slab_info_get(&slab, &info);
    REQUIRE(info.geometry_fixed);
    poke(&slab.geometry->base, 0, 0x40);
    return 0;
}
