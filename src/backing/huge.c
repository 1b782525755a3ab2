/* SPDX-License-Identifier: MIT */
#include <ward/huge.h>
#include <ward/map.h>

#include "reserve.h"

#define DEFAULT_PAGE_BYTES  ((size_t)2 << 20)
#define SMALLEST_PAGE_BYTES ((size_t)64 << 10)

static struct ward_huge *huge_of(struct ward_region *region)
{
    return (struct ward_huge *)region;
}

static int huge_release(struct ward_region *region, size_t off, size_t len)
{
    return ward_host_advise(region->base + off, len, WARD_HOST_RELEASE);
}

static int huge_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    struct ward_huge *huge = huge_of(region);
    int error;

    if (prot == WARD_GUARD)
        error = ward_reserve_guard_(&huge->splits, region, off, len, !huge->altered);
    else
        error = ward_host_protect(region->base + off, len, prot);
    if (!error && prot != WARD_GUARD)
        ward_reserve_open_(&huge->splits, region, off, len);
    huge->altered = huge->altered || (!error && prot != WARD_RW);
    return error;
}

static int huge_fini(struct ward_region *region)
{
    struct ward_huge *huge = huge_of(region);
    struct ward_reserve_ all = { huge->origin, huge->reserved, region->base, region->size };
    int error = ward_reserve_fini_(&all);

    if (error && error != -EPERM)
        return error;
    if (error)
        ward_reserve_empty_(region->base, region->size);
    ward_reserve_refund_(&huge->splits);
    *huge = (struct ward_huge){ 0 };
    return error;
}

static const struct ward_region_ops huge_ops = {
    .name = "huge",
    .release = huge_release,
    .protect = huge_protect,
    .fini = huge_fini,
};

int ward_huge_init(struct ward_huge *huge, size_t size, size_t page_bytes)
{
    size_t page = page_bytes ? page_bytes : DEFAULT_PAGE_BYTES;
    struct ward_reserve_spec_ plan = { .align = page, .prot = WARD_NONE };
    struct ward_reserve_ made;
    int error;

    if (!huge)
        return -EINVAL;
    *huge = (struct ward_huge){ 0 };
    if (!ward_is_pow2(page) || page < SMALLEST_PAGE_BYTES)
        return -EINVAL;
    plan.size = ward_reserve_round_(size, page);
    plan.front = plan.back = ward_reserve_round_(WARD_MAP_GUARD_BYTES, ward_host_page_size());
    if (plan.size == 0)
        return -EINVAL;
    error = ward_reserve_init_kind_(&made, &plan, WARD_HOST_HUGE, page);
    if (error)
        return error;
    huge->region.ops = &huge_ops;
    huge->region.base = made.base;
    huge->region.size = made.size;
    huge->region.grain = page;
    huge->region.facts =
        WARD_IS_MAPPED | WARD_IS_GUARDED | WARD_IS_GUARD_SPLIT | WARD_IS_HUGE | WARD_IS_ZEROED;
    huge->origin = made.origin;
    huge->reserved = made.bytes;
    return 0;
}
