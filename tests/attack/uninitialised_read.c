/* survives */
/* SPDX-License-Identifier: MIT */
/* Allocates and reads before writing: what is there must be nobody's past, neither another
 * owner's bytes nor a canary that tells the secret of the slot. */
#include "attack.h"

enum { BLOCK = 64, SLOTS = 64 };

/* Does a new block hold any byte of an old one, or of what stood behind it? */
static bool shows_past(unsigned policy)
{
    struct ward_slab slab;
    unsigned char *block, behind[BLOCK];
    bool shown = false;

    make_slab(&slab, BLOCK, policy, SLOTS);
    for (int i = 0; i < 10 * SLOTS; i++) {
        block = make_block(&slab, BLOCK / 2);
        memcpy(behind, launder(block + BLOCK / 2), BLOCK / 2);
        ward_slab_free(&slab, block, BLOCK / 2);
        block = (unsigned char *)ward_slab_alloc(&slab, BLOCK);
        REQUIRE(block);
        for (int j = 0; j < BLOCK; j++)
            shown = shown || peek(block, j) == 'a';
        if (policy & WARD_CANARY)
            shown = shown || memcmp(launder(block + BLOCK / 2), behind, 8) == 0;
        ward_slab_free(&slab, block, BLOCK);
    }
    REQUIRE(ward_slab_fini(&slab) == 0);
    return shown;
}

int main(int argc, char **argv)
{
    const unsigned both = WARD_CANARY | WARD_ZERO | WARD_POISON;

    if (attack_without(argc, argv))
        return !shows_past(WARD_PLAIN);
    REQUIRE(!shows_past(WARD_ZERO) && !shows_past(WARD_POISON));
    REQUIRE(!shows_past((both & ~(unsigned)WARD_POISON)) &&
            !shows_past(both & ~(unsigned)WARD_ZERO));
    REQUIRE(!shows_past(WARD_HARDENED) && !shows_past(WARD_PARANOID));
    return 0;
}
