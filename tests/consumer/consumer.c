/* SPDX-License-Identifier: MIT */
/*
 * What a user's first file looks like: a guarded region of an installed ward. With MISTAKE it hands
 * the guard something that is no region, which the exported flags make an error.
 */
#include <stdio.h>
#include <ward/ward.h>

int main(void)
{
    struct ward_map map;
    struct ward_guard guard;
    unsigned char *byte;

    if (ward_map_init(&map, 1 << 20, 0))
        return 1;
#ifdef MISTAKE
    if (ward_guard_init(&guard, &map))
        return 1;
#else
    if (ward_guard_init(&guard, &map.region))
        return 1;
#endif
    byte = guard.region.base;
    *byte = 1;
    if (!ward_region_has(&guard.region, byte, 1) || ward_region_has(&guard.region, byte - 1, 1))
        return 1;
    if (ward_region_fini(&guard.region) || ward_region_fini(&map.region))
        return 1;
    puts("ward works from C");
    return 0;
}
