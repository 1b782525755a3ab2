/* SPDX-License-Identifier: MIT */
/*
 * A reservation: one stretch of address space with guards at both ends.
 *
 *      origin          base                    base + size        origin + bytes
 *        |  front guard  |        inside         |  back guard  |
 *
 * Map, huge and locked regions start from one. It is mapped with one protection throughout; what
 * is done to the inside and to the guards afterwards is theirs.
 */
#ifndef WARD_BACKING_RESERVE_H
#define WARD_BACKING_RESERVE_H

#include <ward/arith.h>
#include <ward/base.h>
#include <ward/host.h>
#include <ward/region.h>

struct ward_reserve_ {
    unsigned char *origin;
    size_t bytes; /* all of it, with both guards */
    unsigned char *base;
    size_t size;
};

/* What to reserve: everything in bytes, multiples of the page size, but align is a power of
 * two. */
struct ward_reserve_spec_ {
    size_t size;
    size_t align; /* of base, at least the page size */
    size_t front;
    size_t back;
    unsigned prot; /* of all of it */
};

/* size rounded up to align (a power of two), or 0 for what is no size of a region: 0, or larger
 * than any object. */
static inline size_t ward_reserve_round_(size_t size, size_t align)
{
    size_t rounded = 0;

    if (size == 0 || !ward_round_up(size, align, &rounded) || rounded > (size_t)PTRDIFF_MAX)
        return 0;
    return rounded;
}

/* Maps it. -EINVAL: the sum is larger than the address space; -ENOMEM. On failure *made is all
 * zero and nothing is mapped. */
WARD_CHECKED int ward_reserve_init_(struct ward_reserve_ *made,
                                    const struct ward_reserve_spec_ *spec);

/* The same, all inaccessible, and the inside of another kind of memory, RW. */
WARD_CHECKED int ward_reserve_init_kind_(struct ward_reserve_ *made,
                                         const struct ward_reserve_spec_ *spec,
                                         enum ward_host_memory kind, size_t huge_bytes);

/* Unmaps all of it. -EPERM: part of it is sealed. On failure nothing changed. */
WARD_CHECKED int ward_reserve_fini_(const struct ward_reserve_ *made);

/* Unmaps where something else failed already. Unmapping itself can fail for want of memory, and may
 * work a moment later; after that there is no remedy. */
static inline void ward_reserve_drop_(void *at, size_t len)
{
    int error = ward_host_unmap(at, len);

    if (error)
        error = ward_host_unmap(at, len);
    (void)error;
}

/* Drops what pages hold, where nothing can be done about a failure. */
static inline void ward_reserve_empty_(void *at, size_t len)
{
    int ignored = ward_host_advise(at, len, WARD_HOST_RELEASE);

    (void)ignored;
}

/*
 * A guard by protection: no access, contents dropped. It may split one mapping into three, so two
 * are charged to the process's budget for such splits, unless the range contains one that is
 * charged already. was_rw: all of the range is WARD_RW now. -ENOSPC: the budget is used up. On
 * failure nothing changed, but a range that was not RW may stay closed: opening it could give more
 * access than there was.
 */
WARD_CHECKED int ward_reserve_guard_(struct ward_splits *splits, const struct ward_region *region,
                                     size_t off, size_t len, bool was_rw);

/* The range got one protection throughout that is no guard: gives back what is known to have been
 * charged for guards in it. */
void ward_reserve_open_(struct ward_splits *splits, const struct ward_region *region, size_t off,
                        size_t len);

/* Gives everything back to the budget. */
void ward_reserve_refund_(struct ward_splits *splits);

#endif
