/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Writes from a block on towards higher addresses, to reach those of other spans: the guard
 * behind its own span ends that. */
#include "attack.h"

int main(int argc, char **argv)
{
    const unsigned policy = attack_without(argc, argv) ? WARD_PLAIN : WARD_SPAN_GUARD;
    const struct ward_slab_spec spec = { { 64, 1 }, policy, 32, 0 };
    struct ward_slab slab;
    unsigned char *block;

    REQUIRE(ward_slab_map(&slab, &spec, 1024) == 0);
    block = fill_slab(&slab, 64, false);
    for (ptrdiff_t i = 64; i < 33 * 64; i++) /* one slot beyond the span */
        poke(block, i, 'a');
    return 0;
}
