// SPDX-License-Identifier: MIT
// The same headers from C++17.
#include <cstdio>
#include <ward/ward.h>

struct point {
    int32_t x, y;
};
WARD_USER_DEFINE(upoint, point, WARD_FIELDS(point, x, y));

// Reads and writes a structure, and a bad address is an answer.
static bool gates_work()
{
    point here = { 1, 2 }, copy;
    upoint_inout at = upoint_inout_at(reinterpret_cast<uintptr_t>(&here));

    if (ward_recover_install() || upoint_read(WARD_HERE, upoint_in_of(at), &copy, nullptr))
        return false;
    copy.y = 3;
    return copy.x == 1 && !upoint_write(WARD_HERE, upoint_out_of(at), &copy, nullptr) &&
           here.y == 3 && upoint_read(WARD_HERE, upoint_in_at(1 << 20), &copy, nullptr) == -EFAULT;
}

int main()
{
    ward_map map;

    if (!gates_work() || ward_map_init(&map, 1 << 20, 0))
        return 1;
    map.region.base[0] = 1;
    if (!ward_region_has(&map.region, map.region.base, 1) || ward_region_fini(&map.region))
        return 1;
    std::puts("ward works from C++");
    return 0;
}
