/* survives */
/* SPDX-License-Identifier: MIT */
/* Makes the page of geometry and secrets writable by force and flips every bit of it, one at a
 * time: verify sees each, every slow path reports it as damaged metadata and refuses, and the
 * slab goes on when it is put right. */
#include "attack.h"

#include <sys/mman.h>

static struct ward_slab slab;

static bool nothing(void *block, size_t size, void *arg)
{
    (void)block, (void)size, (void)arg;
    return true;
}

static void is_reported(unsigned char *at, unsigned bit)
{
    *at ^= (unsigned char)(1u << bit);
    REQUIRE(!ward_slab_verify(&slab) && attack_seen.reports == 0);
    REQUIRE(ward_slab_release(&slab) == -EFAULT && reports_of(WARD_BUG_METADATA) == 1);
    REQUIRE(ward_slab_reset(&slab) == -EFAULT && reports_of(WARD_BUG_METADATA) == 1);
    ward_slab_each(&slab, nothing, NULL);
    REQUIRE(reports_of(WARD_BUG_METADATA) == 1);
    *at ^= (unsigned char)(1u << bit);
}

static unsigned char *open_geometry(size_t *len)
{
    unsigned char *page = ward_slab_meta(&slab)->base;

    *len = (size_t)((unsigned char *)slab.geometry->state - page);
    REQUIRE(mprotect(page, *len, PROT_READ | PROT_WRITE) == 0);
    return page;
}

/* A wrong base would be found by chance at best: the next slow path must, before it believes it.
 * */
static void moved_slots(unsigned policy)
{
    struct ward_slab_info info;
    unsigned char *page, *block;
    size_t len, bytes = offsetof(struct ward_slab_geometry_, check) + sizeof slab.geometry->check;

    make_slab(&slab, 64, policy, 100);
    block = make_block(&slab, 64);
    page = open_geometry(&len);
    for (size_t i = 0; i < bytes; i++)
        for (unsigned bit = 0; bit < 8; bit++)
            is_reported(page + i, bit);
    for (size_t i = 0; i < len; i++) { /* the rest is of no account */
        page[i] ^= 0xff;
        REQUIRE(ward_slab_verify(&slab) == (i >= bytes));
        page[i] ^= 0xff;
    }
    ward_slab_free(&slab, block + 1, 64); /* a slow path of free */
    REQUIRE(reports_of(WARD_BUG_INTERIOR_FREE) == 1);
    page[offsetof(struct ward_slab_geometry_, salt)] ^= 1;
    ward_slab_free(&slab, block + 1, 64);
    REQUIRE(reports_of(WARD_BUG_METADATA) == 1);
    while (ward_slab_alloc(&slab, 64)) /* and of alloc: it must refill some time */
        continue;
    REQUIRE(reports_of(WARD_BUG_METADATA) == 1);
    page[offsetof(struct ward_slab_geometry_, salt)] ^= 1;
    ward_slab_free(&slab, block, 64);
    ward_slab_info_get(&slab, &info);
    REQUIRE(ward_slab_verify(&slab) && info.bugs == 1 && attack_seen.reports == 0);
    REQUIRE(ward_slab_fini(&slab) == 0);
}

/* An honest geometry, of another slab. */
static void exchanged(void)
{
    struct ward_slab other;
    unsigned char *page;
    size_t len;

    make_slab(&other, 64, WARD_HARDENED, 100);
    make_slab(&slab, 64, WARD_HARDENED, 100);
    page = open_geometry(&len);
    memcpy(page, ward_slab_meta(&other)->base, len);
    REQUIRE(!ward_slab_verify(&slab));
    REQUIRE(ward_slab_fini(&slab) == 0 && reports_of(WARD_BUG_METADATA) == 1);
}

int main(void)
{
    contain_bugs();
    moved_slots(WARD_PLAIN);
    moved_slots(WARD_HARDENED);
    moved_slots(WARD_PARANOID & ~(unsigned)WARD_LOCK_META);
    exchanged();
    return 0;
}
