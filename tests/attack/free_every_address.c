/* survives */
/* SPDX-License-Identifier: MIT */
/* Frees every address from a page before the data to a page behind it, all single-bit changes of
 * a block's address, and extreme ones: nothing but the live blocks is ever accepted, and what is
 * not harms no block. */
#include "attack.h"

enum { SLOTS = 24 };

static struct ward_slab slab;
static unsigned char *blocks[SLOTS];
static size_t block_size;

static bool is_live(uintptr_t address)
{
    for (int i = 0; i < SLOTS; i++)
        if ((uintptr_t)blocks[i] == address)
            return true;
    return false;
}

static void try_free(uintptr_t address)
{
    if (address == 0 || is_live(address))
        return;
    ward_slab_free(&slab, (void *)address, block_size);
    if (attack_seen.reports != 1) {
        fprintf(stderr, "%#lx: %u reports\n", (unsigned long)address, attack_seen.reports);
        exit(1);
    }
    REQUIRE(attack_seen.last.addr == (void *)address);
    REQUIRE(attack_seen.last.kind == WARD_BUG_WILD_FREE ||
            attack_seen.last.kind == WARD_BUG_INTERIOR_FREE ||
            attack_seen.last.kind == WARD_BUG_DOUBLE_FREE);
    attack_seen.reports = 0;
}

static void attack(size_t size, unsigned policy)
{
    const uintptr_t far[] = { 1,
                              2,
                              63,
                              64,
                              4095,
                              4096,
                              UINTPTR_MAX,
                              UINTPTR_MAX - 63,
                              (uintptr_t)1 << 63,
                              ((uintptr_t)1 << 63) - 64,
                              UINT64_C(0x00007fffffffffff),
                              UINT64_C(0x0000800000000000) };
    struct ward_region *data;
    uintptr_t from, to;

    block_size = size;
    make_slab(&slab, size, policy, SLOTS);
    for (int i = 0; i < SLOTS; i++)
        blocks[i] = make_block(&slab, size);
    ward_slab_free(&slab, blocks[7], size); /* and a free one */
    blocks[7] = NULL;
    data = ward_slab_data(&slab);
    from = (uintptr_t)data->base - data->grain;
    to = (uintptr_t)data->base + data->size + data->grain;
    for (uintptr_t at = from; at < to; at++)
        try_free(at);
    for (unsigned bit = 0; bit < 64; bit++)
        try_free((uintptr_t)blocks[3] ^ (uintptr_t)1 << bit);
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
        try_free(far[i]);
    REQUIRE(ward_slab_verify(&slab));
    for (int i = 0; i < SLOTS; i++)
        ward_slab_free(&slab, blocks[i], size);
    REQUIRE(attack_seen.reports == 0);
    REQUIRE(ward_slab_verify(&slab) && ward_slab_fini(&slab) == 0);
}

int main(void)
{
    const unsigned policies[] = { WARD_PLAIN, WARD_HARDENED, WARD_PARANOID };
    const size_t sizes[] = { 1, 8, 24, 64, 100, 4096 };

    contain_bugs();
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++)
            attack(sizes[j], policies[i]);
    return 0;
}
