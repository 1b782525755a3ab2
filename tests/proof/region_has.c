/* SPDX-License-Identifier: MIT */
/* proves: ward_region_has */
/* wraps: the distance of p from base, which is then no offset */
#include "arith.h"

#include <ward/region.h>

/*@ requires \valid_read(region) && (uintptr_t)region->base + region->size <= UINTPTR_MAX;
    assigns \nothing;
    ensures \result <==> (uintptr_t)region->base <= (uintptr_t)p &&
            (uintptr_t)p + len <= (uintptr_t)region->base + region->size;
*/
static inline bool ward_region_has(const struct ward_region *region, const void *p, size_t len);
