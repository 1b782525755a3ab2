/* SPDX-License-Identifier: MIT */
/*
 * ward/seal.h: a region whose committed pages can never be unmapped, moved or protected again, by
 * anyone in the process (mseal, Linux 6.10).
 *
 * Stops an attacker who can call the system with chosen arguments from replacing trusted memory
 * by his own or making it executable. Put it on last: after guards and protection keys, over
 * committed read-write memory. commit passes through and seals what was added, step by step;
 * release works; protect (through the seal and through inner) and the inner region's fini answer
 * -EPERM from then on. A lazy region of which nothing is committed yet has nothing sealed yet.
 * The system lets pages of a sealed range be emptied as long as they are writable, and so guard
 * markers be set in them by a region deeper than inner: what is sealed is the place and the
 * access, not the bytes.
 *
 * Over a split it seals the data side only. For a slab the order is: the slab first, then
 * ward_seal_init(&seal, ward_slab_meta(&slab)). Metadata that is sealed before the slab is made
 * stays writable for good: the slab cannot make its geometry read-only any more (geometry_fixed is
 * false).
 *
 * fini drops the pages, keeps the addresses for the life of the process, and says so: -EPERM. It
 * is 0 if nothing was sealed.
 */
#ifndef WARD_SEAL_H
#define WARD_SEAL_H

#include <ward/region.h>

struct ward_seal {
    struct ward_region region;
    struct ward_region *inner; /* borrowed */
    size_t sealed;             /* bytes from base that are sealed; all that is committed */
};

WARD_EXTERN_C_BEGIN

/* Seals what inner has committed. -EINVAL: seal or inner is NULL or inner is no region; -ENOTSUP:
 * inner is not a mapping, or the system has no sealing (the caller decides whether to go on
 * without). On failure *seal is all zero and nothing is sealed. */
WARD_API WARD_CHECKED int ward_seal_init(struct ward_seal *seal, struct ward_region *inner);

WARD_EXTERN_C_END

#endif
