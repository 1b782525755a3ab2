/* SPDX-License-Identifier: MIT */
#include "reserve.h"

/* How often a hole in our own reservation may be taken by another thread before we can fill
 * it. */
#define FILL_TRIES 8

static const struct ward_reserve_ nothing;

/* Gives back what alignment made us map too much: head bytes in front, tail behind. */
static int trim(const struct ward_reserve_ *made, size_t head, size_t tail)
{
    unsigned char *end = made->origin + made->bytes;
    int error = head > 0 ? ward_host_unmap(made->origin - head, head) : 0;

    if (error) {
        ward_reserve_drop_(made->origin - head, head + made->bytes + tail);
        return error;
    }
    error = tail > 0 ? ward_host_unmap(end, tail) : 0;
    if (error)
        ward_reserve_drop_(made->origin, made->bytes + tail);
    return error;
}

int ward_reserve_init_(struct ward_reserve_ *made, const struct ward_reserve_spec_ *spec)
{
    size_t slack = spec->align - ward_host_page_size();
    size_t bytes, mapped, base;
    void *at = NULL;
    int error;

    *made = nothing;
    if (!ward_add(spec->front, spec->size, &bytes) || !ward_add(bytes, spec->back, &bytes) ||
        !ward_add(bytes, slack, &mapped))
        return -EINVAL;
    error = ward_host_map(&at, mapped, WARD_HOST_ANON, spec->prot, 0);
    if (error)
        return error;
    /* Cannot wrap: the mapping has room for it. */
    base = ward_round_down((uintptr_t)at + spec->front + (spec->align - 1), spec->align);
    made->base = (unsigned char *)at + (base - (uintptr_t)at);
    made->origin = made->base - spec->front;
    made->bytes = bytes;
    made->size = spec->size;
    error = trim(made, (size_t)(made->origin - (unsigned char *)at),
                 slack - (size_t)(made->origin - (unsigned char *)at));
    if (error)
        *made = nothing;
    return error;
}

/* Unmaps the two guards of a reservation whose inside is not ours. */
static void drop_guards(const struct ward_reserve_ *made)
{
    unsigned char *back = made->base + made->size;

    ward_reserve_drop_(made->origin, (size_t)(made->base - made->origin));
    ward_reserve_drop_(back, (size_t)(made->origin + made->bytes - back));
}

/* Puts another kind of memory inside, all or nothing. The host never replaces a mapping (one that
 * fails half-way would leave a hole, and unmapping it later would hit whoever moved in), so we
 * make the hole and then fill it. -EBUSY: another thread's mapping took the hole. */
static int fill(struct ward_reserve_ *made, enum ward_host_memory kind, size_t huge_bytes)
{
    void *at = made->base;
    int error = ward_host_unmap(at, made->size);

    if (error) {
        ward_reserve_drop_(made->origin, made->bytes);
        return error;
    }
    error = ward_host_map(&at, made->size, kind, WARD_RW, huge_bytes);
    if (error)
        drop_guards(made);
    return error;
}

int ward_reserve_init_kind_(struct ward_reserve_ *made, const struct ward_reserve_spec_ *spec,
                            enum ward_host_memory kind, size_t huge_bytes)
{
    int error = -EBUSY;

    for (int i = 0; i < FILL_TRIES && error == -EBUSY; i++) {
        error = ward_reserve_init_(made, spec);
        if (!error)
            error = fill(made, kind, huge_bytes);
    }
    if (error)
        *made = nothing;
    return error == -EBUSY ? -ENOMEM : error;
}

int ward_reserve_fini_(const struct ward_reserve_ *made)
{
    return ward_host_unmap(made->origin, made->bytes);
}

/* --- Guards that split ------------------------------------------------------------------------ */

#define SPLITS_PER_GUARD ((size_t)2)

static size_t charged; /* by all regions of the process; accessed atomically */

static int charge(size_t count)
{
    size_t budget = ward_host_split_budget();
    size_t now = __atomic_load_n(&charged, __ATOMIC_RELAXED);

    do
        if (now > budget || count > budget - now)
            return -ENOSPC;
    while (!__atomic_compare_exchange_n(&charged, &now, now + count, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    return 0;
}

/* Makes the range inaccessible, then drops what it holds. */
static int close_range(void *at, size_t len, bool was_rw)
{
    int error = ward_host_protect(at, len, WARD_NONE);
    int reopened;

    if (error)
        return error;
    error = ward_host_advise(at, len, WARD_HOST_RELEASE);
    if (error && was_rw) {
        reopened = ward_host_protect(at, len, WARD_RW);
        (void)reopened; /* no remedy if that fails as well */
    }
    return error;
}

static void refund(struct ward_splits *splits, size_t count)
{
    splits->charged -= count;
    __atomic_fetch_sub(&charged, count, __ATOMIC_RELAXED);
}

/* Forgets the known ranges that meet [off, off + len). How many of them lie within it: as they are
 * apart, opening it ends as many guards. */
static size_t forget(struct ward_splits *splits, size_t off, size_t len)
{
    size_t within = 0;

    for (unsigned i = 0; i < WARD_SPLITS_KNOWN; i++) {
        size_t at = splits->known[i].off, size = splits->known[i].len;

        if (size == 0 || at >= off + len || off >= at + size)
            continue;
        within += at >= off && at + size <= off + len;
        splits->known[i].len = 0;
    }
    return within;
}

static void remember(struct ward_splits *splits, size_t off, size_t len)
{
    unsigned next = splits->next % WARD_SPLITS_KNOWN;

    splits->known[next].off = off;
    splits->known[next].len = len;
    splits->next = next + 1;
}

/* What a guard of the range adds: nothing where one within it is paid for, nor where all grains of
 * the region could be guards. */
static size_t price(const struct ward_splits *splits, const struct ward_region *region, size_t off,
                    size_t len)
{
    size_t most = SPLITS_PER_GUARD * (region->size / region->grain);
    struct ward_splits probe = *splits;

    return forget(&probe, off, len) > 0 || splits->charged >= most ? 0 : SPLITS_PER_GUARD;
}

int ward_reserve_guard_(struct ward_splits *splits, const struct ward_region *region, size_t off,
                        size_t len, bool was_rw)
{
    size_t count = price(splits, region, off, len);
    int error = charge(count);
    size_t within;

    if (error)
        return error;
    splits->charged += count;
    error = close_range(region->base + off, len, was_rw);
    if (error) {
        refund(splits, count);
        return error;
    }
    within = forget(splits, off, len);
    if (within > 1)
        refund(splits, SPLITS_PER_GUARD * (within - 1)); /* these are one guard now */
    if (within > 0 || count > 0)
        remember(splits, off, len);
    return 0;
}

void ward_reserve_open_(struct ward_splits *splits, const struct ward_region *region, size_t off,
                        size_t len)
{
    if (len == region->size)
        ward_reserve_refund_(splits);
    else
        refund(splits, SPLITS_PER_GUARD * forget(splits, off, len));
}

void ward_reserve_refund_(struct ward_splits *splits)
{
    refund(splits, splits->charged);
    *splits = (struct ward_splits){ 0 };
}
