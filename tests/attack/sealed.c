/* survives */
/* SPDX-License-Identifier: MIT */
/* Calls the system with chosen arguments, to put memory of one's own in the place of a slab's
 * metadata or to make its geometry writable. Once sealed, every way of doing so fails. */
#include "attack.h"

#include <sys/mman.h>

static unsigned char *pages;
static size_t len;

static bool protect_works(void)
{
    return mprotect(pages, len, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

static bool unmap_works(void)
{
    return munmap(pages, len) == 0;
}

static bool replace_works(void)
{
    return mmap(pages, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) == pages;
}

static bool move_works(void)
{
    return mremap(pages, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, pages - (len << 4)) != MAP_FAILED;
}

static bool move_over_works(void)
{
    unsigned char *mine = (unsigned char *)mmap(NULL, len, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mremap(mine, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, pages) != MAP_FAILED;
}

static bool shrink_works(void)
{
    return mremap(pages, len, len / 2, 0) != MAP_FAILED;
}

/* Read-only pages would come back as zero. */
static bool empty_works(void)
{
    return madvise(pages, len, MADV_DONTNEED) == 0;
}

typedef bool attack_way(void);

static attack_way *const ways[] = { protect_works,   unmap_works,  replace_works, move_works,
                                    move_over_works, shrink_works, empty_works };

/* How many ways there are to a slab whose metadata is sealed, or not. */
static unsigned attack(bool sealed)
{
    unsigned works = 0;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct ward_slab slab;
        struct ward_seal seal;
        unsigned char *block;

        make_slab(&slab, 64, WARD_HARDENED, 64);
        block = make_block(&slab, 64);
        REQUIRE(!sealed || ward_seal_init(&seal, ward_slab_meta(&slab)) == 0);
        pages = ward_slab_meta(&slab)->base;
        len = (size_t)((unsigned char *)slab.geometry->state - pages);
        works += ways[i]();
        if (!sealed)
            continue;
        ward_slab_free(&slab, block, 64); /* it works on */
        REQUIRE(make_block(&slab, 64) && ward_slab_verify(&slab));
        REQUIRE(ward_slab_fini(&slab) == -EPERM);
    }
    return works;
}

int main(int argc, char **argv)
{
    struct ward_map map;
    struct ward_seal seal;
    int err;

    if (attack_without(argc, argv))
        return attack(false) < 5;
    REQUIRE(ward_map_init(&map, 4096, 0) == 0);
    err = ward_seal_init(&seal, &map.region);
    if (err == -ENOTSUP) {
        printf("this system does not seal memory\n");
        return 77;
    }
    REQUIRE(err == 0);
    return attack(true) != 0;
}
