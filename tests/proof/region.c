/* SPDX-License-Identifier: MIT */
/* proves: check is_prot size_of ward_region_commit ward_region_release ward_region_protect */
/* proves: ward_region_committed ward_region_ok */
#include "arith.h"

#include <ward/region.h>

/*@ axiomatic Committed {
      // Bytes from base that are committed.
      logic integer committed_of{L}(struct ward_region *r) reads r->ops, r->size;
    }

    // What a raw operation is called with.
    predicate reachable(struct ward_region *r, integer off, integer len) =
      \valid(r) && 0 < len && off % r->grain == 0 && len % r->grain == 0 && off + len <= r->size;

    predicate is_protection(integer prot) = // none, guard, access, access behind the key
      prot == 0 || prot == 8 || 1 <= prot <= 7 || 17 <= prot <= 23;
*/

/* The four operations of any region: all that is asked of the front is in what they require. */

/*@ requires reachable(region, off, len);
    assigns *region;
*/
int op_commit(struct ward_region *region, size_t off, size_t len);

/*@ requires reachable(region, off, len);
    assigns *region;
*/
int op_release(struct ward_region *region, size_t off, size_t len);

/*@ requires reachable(region, off, len) && off + len <= committed_of(region);
    requires is_protection(prot) && !(region->facts & WARD_IS_SEALED);
    assigns *region;
*/
int op_protect(struct ward_region *region, size_t off, size_t len, unsigned prot);

/*@ requires \valid_read(region);
    assigns \nothing;
    ensures \result == committed_of(region);
*/
size_t op_committed(const struct ward_region *region);

/*@ predicate usable(struct ward_region *r) =
      r == \null ||
      (\valid(r) && is_two(r->grain) &&
       (r->ops == \null ||
        (\valid_read(r->ops) &&
         (r->ops->commit == \null || r->ops->commit == &op_commit) &&
         (r->ops->release == \null || r->ops->release == &op_release) &&
         (r->ops->protect == \null || r->ops->protect == &op_protect) &&
         (r->ops->committed == \null || r->ops->committed == &op_committed) &&
         (r->ops->committed == \null ==> committed_of(r) == r->size) &&
         committed_of(r) <= r->size)));

    predicate made(struct ward_region *r) = r != \null && r->ops != \null;

    predicate on_grain(struct ward_region *r, integer off, integer len) =
      off % r->grain == 0 && len % r->grain == 0;
*/

/*@ requires usable(region);
    assigns \nothing;
    behavior invalid:
      assumes !made(region) || !on_grain(region, off, len);
      ensures \result == -EINVAL;
    behavior outside:
      assumes made(region) && on_grain(region, off, len) && off + len > limit;
      ensures \result == -ERANGE;
    behavior inside:
      assumes made(region) && on_grain(region, off, len) && off + len <= limit;
      ensures \result == 0;
    complete behaviors;
    disjoint behaviors;
*/
static int check(const struct ward_region *region, size_t off, size_t len, size_t limit);

/*@ requires usable(region);
    assigns \nothing;
    ensures \result == (region == \null ? 0 : region->size);
*/
static size_t size_of(const struct ward_region *region);

/*@ assigns \nothing;
    ensures \result <==> is_protection(prot);
*/
static bool is_prot(unsigned prot);

/* For the three: what is refused assigns nothing, so no operation was called. */

/*@ requires usable(region);
    assigns *region;
    behavior invalid:
      assumes !made(region) || !on_grain(region, off, len);
      assigns \nothing;
      ensures \result == -EINVAL;
    behavior outside:
      assumes made(region) && on_grain(region, off, len) && off + len > region->size;
      assigns \nothing;
      ensures \result == -ERANGE;
    behavior empty:
      assumes made(region) && on_grain(region, off, len) && off <= region->size && len == 0;
      assigns \nothing;
      ensures \result == 0;
    disjoint behaviors;
*/
int ward_region_commit(struct ward_region *region, size_t off, size_t len),
    ward_region_release(struct ward_region *region, size_t off, size_t len);

/*@ requires usable(region);
    assigns *region;
    behavior invalid:
      assumes !made(region) || !on_grain(region, off, len);
      assigns \nothing;
      ensures \result == -EINVAL;
    behavior outside:
      assumes made(region) && on_grain(region, off, len) && off + len > committed_of(region);
      assigns \nothing;
      ensures \result == -ERANGE;
    behavior senseless:
      assumes made(region) && on_grain(region, off, len) && off + len <= committed_of(region);
      assumes !is_protection(prot);
      assigns \nothing;
      ensures \result == -EINVAL;
    disjoint behaviors;
*/
int ward_region_protect(struct ward_region *region, size_t off, size_t len, unsigned prot);

/*@ requires usable(region);
    assigns \nothing;
    ensures made(region) ==> \result == committed_of(region);
    ensures !made(region) ==> \result == 0;
*/
size_t ward_region_committed(const struct ward_region *region);

/*@ requires region == \null || \valid_read(region);
    requires made(region) ==> \valid_read(region->ops);
    assigns \nothing;
    ensures \result <==> made(region) && region->ops->name != \null && region->base != \null &&
            0 < region->size && is_two(region->grain) && region->size % region->grain == 0 &&
            (uintptr_t)region->base % region->grain == 0 &&
            (uintptr_t)region->base + region->size <= UINTPTR_MAX;
*/
bool ward_region_ok(const struct ward_region *region);

#include "core/region.c"
