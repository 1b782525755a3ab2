/* dies: overflow; report: "1 byte past the end of the block" */
/* SPDX-License-Identifier: MIT */
/* Writes a string's terminator one byte too far, a thousand times with a canary of its own: it
 * would go unseen where the first byte of a canary is 0. */
#include "attack.h"

static unsigned missed;

static enum ward_verdict count(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    REQUIRE(bug->kind == WARD_BUG_OVERFLOW);
    missed--;
    return WARD_CONTAIN;
}

int main(int argc, char **argv)
{
    struct ward_slab slab;
    unsigned char *block;

    make_slab(&slab, 64, attack_without(argc, argv) ? WARD_PLAIN : WARD_CANARY, 2000);
    ward_bug_handle(count, NULL);
    for (int i = 0; i < 1000; i++) {
        block = make_block(&slab, 64 - (size_t)i % 8);
        poke(block, 64 - i % 8, 0);
        missed++;
        ward_slab_free(&slab, block, 64 - (size_t)i % 8);
    }
    REQUIRE(attack_without(argc, argv) ? missed == 1000 : missed == 0);
    ward_bug_handle(NULL, NULL);
    block = make_block(&slab, 64);
    poke(block, 64, 0);
    ward_slab_free(&slab, block, 64);
    return 0;
}
