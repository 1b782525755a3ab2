/* SPDX-License-Identifier: MIT */
#include <ward/static.h>

static int static_release(struct ward_region *region, size_t off, size_t len)
{
    __builtin_memset(region->base + off, 0, len);
    return 0;
}

static const struct ward_region_ops static_ops = { .name = "static", .release = static_release };

int ward_static_init(struct ward_static *region, void *bytes, size_t size)
{
    if (!region)
        return -EINVAL;
    *region = (struct ward_static){ 0 };
    if (!bytes || size == 0 || size > UINTPTR_MAX - (uintptr_t)bytes)
        return -EINVAL;
    region->region.ops = &static_ops;
    region->region.base = bytes;
    region->region.size = size;
    region->region.grain = 1;
    return 0;
}
