/* SPDX-License-Identifier: MIT */
#include <ward/guard.h>

static struct ward_guard *guard_of(struct ward_region *region)
{
    return (struct ward_guard *)region;
}

/* Offsets of the inner region count from the front guard. */
static int guard_commit(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_commit(guard_of(region)->inner, off + region->grain, len);
}

static int guard_release(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_release(guard_of(region)->inner, off + region->grain, len);
}

/* Guards inside may have cost the inner region mappings: keep saying what it says. */
static int guard_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    struct ward_region *inner = guard_of(region)->inner;
    int error = ward_region_protect(inner, off + region->grain, len, prot);

    region->facts = inner->facts | WARD_IS_GUARDED;
    return error;
}

static size_t guard_committed(const struct ward_region *region)
{
    size_t inner = ward_region_committed(((const struct ward_guard *)region)->inner);
    size_t here = inner > region->grain ? inner - region->grain : 0;

    return here < region->size ? here : region->size;
}

static struct ward_region *guard_meta(const struct ward_region *region)
{
    return ward_region_meta(((const struct ward_guard *)region)->inner);
}

static int guard_fini(struct ward_region *region)
{
    struct ward_guard *guard = guard_of(region);
    struct ward_region *inner = guard->inner;
    size_t grain = region->grain;
    int error = ward_region_protect(inner, 0, grain, WARD_RW);

    if (!error && guard->back)
        error = ward_region_protect(inner, inner->size - grain, grain, WARD_RW);
    if (!error || error == -EPERM)
        *guard = (struct ward_guard){ 0 };
    return error;
}

static const struct ward_region_ops guard_ops = {
    .name = "guard",
    .commit = guard_commit,
    .release = guard_release,
    .protect = guard_protect,
    .committed = guard_committed,
    .meta = guard_meta,
    .fini = guard_fini,
};

/* What is not committed is inaccessible as it is; but the first grain will be, with the
 * second. */
static int arm_front(struct ward_region *inner)
{
    int error = ward_region_commit(inner, 0, inner->grain);

    return error ? error : ward_region_protect(inner, 0, inner->grain, WARD_GUARD);
}

static int arm(struct ward_region *inner, bool back)
{
    int error = arm_front(inner);
    int undone;

    if (error || !back)
        return error;
    error = ward_region_protect(inner, inner->size - inner->grain, inner->grain, WARD_GUARD);
    if (error) {
        undone = ward_region_protect(inner, 0, inner->grain, WARD_RW);
        (void)undone; /* no remedy if that fails as well */
    }
    return error;
}

int ward_guard_init(struct ward_guard *guard, struct ward_region *inner)
{
    bool back;
    int error;

    if (!guard)
        return -EINVAL;
    *guard = (struct ward_guard){ 0 };
    if (!ward_region_ok(inner) || inner->size / inner->grain < 3)
        return -EINVAL;
    if (!inner->ops->protect)
        return -ENOTSUP;
    back = ward_region_committed(inner) == inner->size;
    error = arm(inner, back);
    if (error)
        return error;
    guard->region.ops = &guard_ops;
    guard->region.base = inner->base + inner->grain;
    guard->region.size = inner->size - 2 * inner->grain;
    guard->region.grain = inner->grain;
    guard->region.facts = inner->facts | WARD_IS_GUARDED;
    guard->inner = inner;
    guard->back = back;
    return 0;
}
