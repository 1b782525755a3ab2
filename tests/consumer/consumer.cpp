// SPDX-License-Identifier: MIT
// The same headers from C++17.
#include <cstdio>
#include <ward/ward.h>

int main()
{
    ward_map map;

    if (ward_map_init(&map, 1 << 20, 0))
        return 1;
    map.region.base[0] = 1;
    if (!ward_region_has(&map.region, map.region.base, 1) || ward_region_fini(&map.region))
        return 1;
    std::puts("ward works from C++");
    return 0;
}
