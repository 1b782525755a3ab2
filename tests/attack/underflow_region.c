/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Writes backwards from the lowest block until something happens: the guard before the region
 * does. */
#include "attack.h"

static unsigned char arena[3 * 65536];

int main(int argc, char **argv)
{
    unsigned char *at = arena + 65536;
    struct ward_slab slab;

    if (!attack_without(argc, argv)) {
        make_slab(&slab, 64, WARD_PLAIN, 16);
        at = fill_slab(&slab, 64, false);
    }
    for (ptrdiff_t i = 1; i < 65536; i++) /* no metadata within that reach either */
        poke(at, -i, 'a');
    return 0;
}
