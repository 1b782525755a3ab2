/* SPDX-License-Identifier: MIT */
/*
 * The checked front of every region: what reaches an operation lies within the region, on its
 * grain, and is not empty. It is proved so: tests/proof/region.c holds what the operations named in
 * the `calls` comments ask of their caller.
 */
#include <ward/region.h>

/* 0: the range may be worked on (it may be empty); else why not. limit: bytes from base. */
static int check(const struct ward_region *region, size_t off, size_t len, size_t limit)
{
    if (!region || !region->ops)
        return -EINVAL;
    if (((off | len) & (region->grain - 1)) != 0)
        return -EINVAL;
    return ward_within(off, len, limit) ? 0 : -ERANGE;
}

static size_t size_of(const struct ward_region *region)
{
    return region ? region->size : 0;
}

int ward_region_commit(struct ward_region *region, size_t off, size_t len)
{
    int error = check(region, off, len, size_of(region));

    if (error || len == 0 || !region->ops->commit)
        return error;
    /*@ calls op_commit; */
    return region->ops->commit(region, off, len);
}

int ward_region_release(struct ward_region *region, size_t off, size_t len)
{
    int error = check(region, off, len, size_of(region));

    if (error || len == 0)
        return error;
    if (!region->ops->release)
        return -ENOTSUP;
    /*@ calls op_release; */
    return region->ops->release(region, off, len);
}

/* Guard stands alone; the key only restricts an access that is there. */
static bool is_prot(unsigned prot)
{
    const unsigned access = WARD_READ | WARD_WRITE | WARD_EXEC;

    if (prot == WARD_NONE || prot == WARD_GUARD)
        return true;
    return (prot & ~(access | WARD_KEYED)) == 0 && (prot & access) != 0;
}

int ward_region_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    int error = check(region, off, len, ward_region_committed(region));

    if (error)
        return error;
    if (!is_prot(prot))
        return -EINVAL;
    if (len == 0)
        return 0;
    if (!region->ops->protect)
        return -ENOTSUP;
    /* The kernel refuses most of it, but lets guard markers into a sealed range. */
    if (region->facts & WARD_IS_SEALED)
        return -EPERM;
    /*@ calls op_protect; */
    return region->ops->protect(region, off, len, prot);
}

size_t ward_region_committed(const struct ward_region *region)
{
    if (!region || !region->ops)
        return 0;
    if (!region->ops->committed)
        return region->size;
    /*@ calls op_committed; */
    return region->ops->committed(region);
}

struct ward_region *ward_region_meta(const struct ward_region *region)
{
    return region && region->ops && region->ops->meta ? region->ops->meta(region) : NULL;
}

int ward_region_fini(struct ward_region *region)
{
    if (!region || !region->ops)
        return 0;
    if (region->ops->fini)
        return region->ops->fini(region);
    *region = (struct ward_region){ 0 };
    return 0;
}

const char *ward_region_name(const struct ward_region *region)
{
    return region && region->ops ? region->ops->name : "none";
}

bool ward_region_ok(const struct ward_region *region)
{
    return region && region->ops && region->ops->name && region->base && region->size > 0 &&
           ward_is_pow2(region->grain) && region->size % region->grain == 0 &&
           (uintptr_t)region->base % region->grain == 0 &&
           region->size <= UINTPTR_MAX - (uintptr_t)region->base;
}
