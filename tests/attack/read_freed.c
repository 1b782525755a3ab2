/* survives */
/* SPDX-License-Identifier: MIT */
/* Reads a password through a stale pointer, and through a block that is grown over its own
 * canary: it is gone, and so is the canary. */
#include "attack.h"

static const char secret[] = "correct horse battery staple";

static bool is_there(const unsigned char *at, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (memcmp(launder(at + i), secret, 4) == 0)
            return true;
    return false;
}

/* How much of a freed block's secret is left. */
static bool survives_free(unsigned policy)
{
    struct ward_slab slab;
    unsigned char *block;
    bool left;

    make_slab(&slab, 256, policy, 16);
    block = make_block(&slab, 200);
    memcpy(block + 100, secret, sizeof secret);
    ward_slab_free(&slab, block, 200);
    left = is_there(launder(block), 256);
    REQUIRE(ward_slab_fini(&slab) == 0);
    return left;
}

/* A block that was made smaller and larger again shows neither its past nor the canary. */
static void resized(unsigned policy)
{
    struct ward_slab slab;
    unsigned char *block;

    make_slab(&slab, 256, policy, 16);
    block = make_block(&slab, 200);
    memcpy(block + 100, secret, sizeof secret);
    REQUIRE(ward_slab_resize(&slab, block, 200, 8) == 0);
    REQUIRE(!is_there(block, 256));
    REQUIRE(ward_slab_resize(&slab, block, 8, 256) == 0);
    for (int i = 9; i < 256; i++)
        REQUIRE(block[i] == block[8]);
}

int main(int argc, char **argv)
{
    if (attack_without(argc, argv))
        return !survives_free(WARD_PLAIN);
    REQUIRE(!survives_free(WARD_ZERO) && !survives_free(WARD_POISON));
    REQUIRE(!survives_free(WARD_HARDENED) && !survives_free(WARD_PARANOID));
    resized(WARD_HARDENED);
    resized(WARD_PARANOID);
    return 0;
}
