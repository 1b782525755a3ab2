/* SPDX-License-Identifier: MIT */
/*
 * ward/guard.h: guards inside a region that one did not map.
 *
 * Takes the first and the last grain of the inner region as guards; what remains is the region.
 * Use it over a map that brings none, a part of someone else's memory, or to stand a guard inside
 * a split: guard(split(map)). Guards are made by MADV_GUARD_INSTALL (no further mapping), by
 * protection otherwise; a grain that a lazy region has not committed is inaccessible already.
 *
 * Over a lazy region the first grain is committed to be guarded; the last is never committed
 * through the guard, whose range ends before it.
 *
 * commit, release, protect, committed and meta pass through. fini makes the two grains usable
 * again: readable, writable and empty.
 */
#ifndef WARD_GUARD_H
#define WARD_GUARD_H

#include <ward/region.h>

struct ward_guard {
    struct ward_region region; /* the inner region without its first and last grain */
    struct ward_region *inner; /* borrowed */
    bool back;                 /* the last grain was committed, and is guarded by us */
};

WARD_EXTERN_C_BEGIN

/* -EINVAL: guard or inner is NULL, inner is no region, or smaller than three grains; -ENOTSUP:
 * inner cannot protect; else what protecting answers. On failure *guard is all zero and inner is
 * as it was (but for a first grain that was committed). */
WARD_API WARD_CHECKED int ward_guard_init(struct ward_guard *guard, struct ward_region *inner);

WARD_EXTERN_C_END

#endif
