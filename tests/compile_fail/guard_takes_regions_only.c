/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* A guard wraps a region. An allocator has its metadata elsewhere, and no guard of ours fits it. */
#include <ward/ward.h>

int wrap(struct ward_guard *guard, struct ward_map *map, struct ward_slab *slab);

int wrap(struct ward_guard *guard, struct ward_map *map, struct ward_slab *slab)
{
    (void)map, (void)slab;
#ifdef CONTROL
    return ward_guard_init(guard, &map->region);
#else
    return ward_guard_init(guard, slab);
#endif
}
