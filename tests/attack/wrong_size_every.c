/* survives */
/* SPDX-License-Identifier: MIT */
/* Frees and resizes blocks with every size but their own, also those that become theirs when cut
 * to 32 bits: each is reported, and the block stays live and as it was. */
#include "attack.h"

static void try_size(struct ward_slab *slab, unsigned char *block, size_t size, size_t wrong)
{
    if (wrong == size)
        return;
    ward_slab_free(slab, block, wrong);
    REQUIRE(reports_of(WARD_BUG_WRONG_SIZE) == 1);
    REQUIRE(ward_slab_resize(slab, block, wrong, size) == -EFAULT);
    REQUIRE(reports_of(WARD_BUG_WRONG_SIZE) == 1);
    REQUIRE(ward_slab_usable(slab, block) == size);
}

static void attack(unsigned policy)
{
    const size_t far[] = { SIZE_MAX,       SIZE_MAX - 1,   (size_t)1 << 63, UINT32_MAX,
                           UINT32_MAX - 1, UINT32_MAX - 2, 0xfffffff0,      0xfffffff3,
                           0xfffffff5,     PTRDIFF_MAX };
    struct ward_slab slab;

    make_slab(&slab, 80, policy, 100);
    for (size_t size = 1; size <= 80; size++) {
        unsigned char *block = make_block(&slab, size);

        for (size_t wrong = 0; wrong < 4200; wrong++)
            try_size(&slab, block, size, wrong);
        for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
            try_size(&slab, block, size, far[i]);
        try_size(&slab, block, size, size + ((size_t)1 << 32));
        for (size_t i = 0; i < size; i++)
            REQUIRE(block[i] == 'a');
        if (size % 2)
            ward_slab_free(&slab, block, size);
    }
    REQUIRE(attack_seen.reports == 0 && ward_slab_verify(&slab));
}

int main(void)
{
    contain_bugs();
    attack(WARD_PLAIN);
    attack(WARD_HARDENED);
    attack(WARD_PARANOID);
    return 0;
}
