/* SPDX-License-Identifier: MIT */
#include <ward/locked.h>
#include <ward/map.h>

#include "core/wipe.h"
#include "reserve.h"

static struct ward_locked *locked_of(struct ward_region *region)
{
    return (struct ward_locked *)region;
}

static bool is_secret(const struct ward_region *region)
{
    return (region->facts & WARD_IS_SECRET) != 0;
}

/* A child does not have secret memory, and may have something else where it was. */
static bool is_gone(const struct ward_region *region)
{
    return (region->facts & WARD_IS_ABSENT_ON_FORK) != 0 &&
           ((const struct ward_locked *)region)->epoch != ward_host_fork_epoch();
}

/* --- The operations --------------------------------------------------------------------------- */

/* Once the bytes are cleared the range reads as zero, which is what was asked. That the pages go
 * back as well is a courtesy old kernels know nothing of; in secret memory it would do
 * nothing. */
static int locked_release(struct ward_region *region, size_t off, size_t len)
{
    if (is_gone(region))
        return -EFAULT;
    if (locked_of(region)->unwritable)
        return -EPERM;
    ward_wipe_(region->base + off, len);
    if (!is_secret(region))
        ward_reserve_empty_(region->base + off, len);
    return 0;
}

static int locked_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    struct ward_locked *locked = locked_of(region);
    bool whole = len == region->size;
    int error;

    if (prot == WARD_GUARD)
        return -ENOTSUP;
    if (is_gone(region))
        return -EFAULT;
    error = ward_host_protect(region->base + off, len, prot);
    if (error)
        return error;
    locked->altered = prot != WARD_RW || (locked->altered && !whole);
    locked->unwritable = !(prot & WARD_WRITE) || (locked->unwritable && !whole);
    return 0;
}

/* Clears all of it, also what protect took away. Fails only where that was sealed afterwards;
 * then nothing can write there any more. */
static void clear_all(const struct ward_locked *locked)
{
    const struct ward_region *region = &locked->region;

    if (!locked->altered || !ward_host_protect(region->base, region->size, WARD_RW))
        ward_wipe_(region->base, region->size);
}

/* Sealed: it cannot be unmapped, but neither has it to stay in memory. */
static void abandon(const struct ward_region *region)
{
    int ignored = ward_host_advise(region->base, region->size, WARD_HOST_UNLOCK);

    (void)ignored;
    if (!is_secret(region))
        ward_reserve_empty_(region->base, region->size);
}

static int locked_fini(struct ward_region *region)
{
    struct ward_locked *locked = locked_of(region);
    struct ward_reserve_ all = { locked->origin, locked->reserved, region->base, region->size };
    int error = 0;

    if (!is_gone(region)) {
        clear_all(locked);
        error = ward_reserve_fini_(&all); /* unmapping unlocks */
    }
    if (error && error != -EPERM)
        return error;
    if (error)
        abandon(region);
    *locked = (struct ward_locked){ 0 };
    return error;
}

static const struct ward_region_ops locked_ops = {
    .name = "locked",
    .release = locked_release,
    .protect = locked_protect,
    .fini = locked_fini,
};

static const struct ward_region_ops secret_ops = {
    .name = "secret",
    .release = locked_release,
    .protect = locked_protect,
    .fini = locked_fini,
};

/* --- Making one ------------------------------------------------------------------------------- */

/* An inaccessible reservation; the inside is opened or filled later, the ends stay guards. */
static int plan_locked(struct ward_reserve_spec_ *plan, size_t size)
{
    size_t page = ward_host_page_size();

    plan->size = ward_reserve_round_(size, page);
    plan->front = plan->back = ward_reserve_round_(WARD_MAP_GUARD_BYTES, page);
    plan->align = page;
    plan->prot = WARD_NONE;
    return plan->size == 0 ? -EINVAL : 0;
}

static void fill_in(struct ward_locked *locked, const struct ward_reserve_ *made,
                    const struct ward_region_ops *ops, unsigned facts)
{
    locked->region.ops = ops;
    locked->region.base = made->base;
    locked->region.size = made->size;
    locked->region.grain = ward_host_page_size();
    locked->region.facts = facts | WARD_IS_MAPPED | WARD_IS_GUARDED | WARD_IS_GUARD_SPLIT |
                           WARD_IS_LOCKED | WARD_IS_NO_DUMP | WARD_IS_ZEROED;
    locked->origin = made->origin;
    locked->reserved = made->bytes;
    locked->epoch = ward_host_fork_epoch();
}

/* Only the inside: the system cannot lock what is inaccessible. */
static int open_locked(const struct ward_reserve_ *made)
{
    int error = ward_host_protect(made->base, made->size, WARD_RW);

    if (!error)
        error = ward_host_advise(made->base, made->size, WARD_HOST_NO_DUMP);
    if (!error)
        error = ward_host_advise(made->base, made->size, WARD_HOST_WIPE_ON_FORK);
    if (!error)
        error = ward_host_advise(made->base, made->size, WARD_HOST_LOCK);
    return error;
}

static int make_locked(struct ward_locked *locked, const struct ward_reserve_spec_ *plan)
{
    struct ward_reserve_ made;
    int error = ward_reserve_init_(&made, plan);

    if (error)
        return error;
    error = open_locked(&made);
    if (error)
        ward_reserve_drop_(made.origin, made.bytes);
    else
        fill_in(locked, &made, &locked_ops, WARD_IS_WIPED_ON_FORK);
    return error;
}

/* The memory is shared, so a child would see it, and later changes too: it must not have it. It is
 * faulted in as locked memory is: what there is no room for is an error now, not a death later. */
static int open_secret(const struct ward_reserve_ *made)
{
    int error = ward_host_advise(made->base, made->size, WARD_HOST_ABSENT_ON_FORK);

    if (!error)
        error = ward_host_advise(made->base, made->size, WARD_HOST_NO_DUMP);
    if (!error)
        error = ward_host_advise(made->base, made->size, WARD_HOST_POPULATE);
    return error;
}

static int make_secret(struct ward_locked *locked, const struct ward_reserve_spec_ *plan)
{
    struct ward_reserve_ made;
    int error = ward_reserve_init_kind_(&made, plan, WARD_HOST_SECRET, 0);

    if (error)
        return error;
    error = open_secret(&made);
    if (error)
        ward_reserve_drop_(made.origin, made.bytes);
    else
        fill_in(locked, &made, &secret_ops, WARD_IS_SECRET | WARD_IS_ABSENT_ON_FORK);
    return error;
}

int ward_locked_init(struct ward_locked *locked, size_t size)
{
    struct ward_reserve_spec_ plan;

    if (!locked)
        return -EINVAL;
    *locked = (struct ward_locked){ 0 };
    return plan_locked(&plan, size) ? -EINVAL : make_locked(locked, &plan);
}

int ward_secret_init(struct ward_locked *locked, size_t size)
{
    struct ward_reserve_spec_ plan;
    int error;

    if (!locked)
        return -EINVAL;
    *locked = (struct ward_locked){ 0 };
    error = plan_locked(&plan, size);
    if (!error)
        error = make_secret(locked, &plan);
    return error == -ENOTSUP ? make_locked(locked, &plan) : error;
}
