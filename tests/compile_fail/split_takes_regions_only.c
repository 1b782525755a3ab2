/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* A map is not a region but has one: its address alone would silently skip a wrapper around it. */
#include <ward/ward.h>

int wrap(struct ward_split *split, struct ward_map *map);

int wrap(struct ward_split *split, struct ward_map *map)
{
#ifdef CONTROL
    return ward_split_init(split, &map->region, 4096);
#else
    return ward_split_init(split, map, 4096);
#endif
}
