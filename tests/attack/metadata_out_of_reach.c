/* survives */
/* SPDX-License-Identifier: MIT */
/* Writes from 1 byte to 64 KiB past the end of the data, and before its start: no byte of it is
 * metadata, nor anything else. The same from the metadata towards the data. */
#include "attack.h"

enum { REACH = 65536 };

static const char *const sides[] = { "past the end of", "before the start of" };

static void reach(const struct ward_region *from, const char *name)
{
    for (uintptr_t i = 1; i <= REACH; i++) {
        const uintptr_t at[] = { (uintptr_t)from->base + from->size - 1 + i,
                                 (uintptr_t)from->base - i };

        for (int side = 0; side < 2; side++) {
            if (!can_write((const void *)at[side]))
                continue;
            fprintf(stderr, "%lu bytes %s %s can be written\n", (unsigned long)i, sides[side],
                    name);
            exit(1);
        }
    }
}

static bool overlap(const struct ward_region *a, const struct ward_region *b)
{
    return (uintptr_t)a->base < (uintptr_t)b->base + b->size &&
           (uintptr_t)b->base < (uintptr_t)a->base + a->size;
}

static void attack_slab(struct ward_slab *slab, size_t size)
{
    struct ward_region *data = ward_slab_data(slab), *meta = ward_slab_meta(slab);

    fill_slab(slab, size, false);
    REQUIRE(!overlap(data, meta));
    REQUIRE(can_write(data->base) && can_write(data->base + data->size - 1));
    reach(data, "the data");
    reach(meta, "the metadata");
    REQUIRE(ward_slab_fini(slab) == 0);
}

static void attack(size_t size, unsigned policy, uint32_t capacity)
{
    struct ward_slab slab;

    make_slab(&slab, size, policy, capacity);
    attack_slab(&slab, size);
}

/* Data in secret or locked memory, where there is any. */
static void attack_secret(void)
{
    const struct ward_slab_spec spec = { { 32, 1 }, WARD_HARDENED, 0, 0 };
    struct ward_slab slab;

    if (ward_slab_map_secret(&slab, &spec, 100) == 0)
        attack_slab(&slab, 32);
}

int main(int argc, char **argv)
{
    static struct naive pool;

    catch_faults();
    if (attack_without(argc, argv)) {
        naive_init(&pool);
        REQUIRE((uintptr_t)&pool.slots - (uintptr_t)&pool.free < REACH);
        return !can_write(&pool.free);
    }
    attack(64, WARD_PLAIN, 64);
    attack(64, WARD_HARDENED, 64);
    attack(1000, WARD_PARANOID, 1000);
    attack(24, WARD_HARDENED, 100000);
    attack_secret();
    return 0;
}
