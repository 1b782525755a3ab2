/* SPDX-License-Identifier: MIT */
/*
 * Two ways to stand guards around a map, by what costs fewer mappings:
 *
 *   marked      the mapping is one, RW from the front guard on; guard markers make its ends
 *               inaccessible. Lazy: the front guard is marked, the committed prefix grows from
 *               origin, and the rest with the back guard is one inaccessible mapping behind it.
 *   protected   the ends are inaccessible mappings of their own (WARD_IS_GUARD_SPLIT): where the
 *               host has no markers, where a fork would drop them (WIPE_ON_FORK), and for guards so
 *               large that the page tables of the markers would cost more than two mappings.
 */
#include <ward/host.h>
#include <ward/map.h>

#include "reserve.h"

#define THP_BYTES ((size_t)2 << 20)

/* Markers need page tables: 8 bytes per page of guard. Beyond so many pages, protect. */
#define MARKED_PAGES_MAX ((size_t)1024)

#define KNOWN_FLAGS                                                                                \
    (WARD_MAP_LAZY | WARD_MAP_POPULATE | WARD_MAP_THP | WARD_MAP_NO_THP | WARD_MAP_NO_DUMP |       \
     WARD_MAP_WIPE_ON_FORK | WARD_MAP_RANDOM | WARD_MAP_CLOSED)

/* Every region's own type is where its region is: at its start. */
static struct ward_map *map_of(struct ward_region *region)
{
    return (struct ward_map *)region;
}

static struct ward_reserve_ reserve_of(const struct ward_map *map)
{
    return (struct ward_reserve_){ map->origin, map->reserved, map->region.base, map->region.size };
}

/* All of it is inaccessible from the start, and the guards with it. */
static bool starts_closed(const struct ward_map *map)
{
    return (map->region.facts & (WARD_IS_LAZY | WARD_IS_CLOSED)) != 0;
}

/* --- The operations --------------------------------------------------------------------------- */

/* Grows the prefix to at least off + len. The first step takes a marked front guard along, so
 * that guard and prefix stay one mapping. */
static int map_commit(struct ward_region *region, size_t off, size_t len)
{
    struct ward_map *map = map_of(region);
    unsigned char *from = region->base + map->committed;
    unsigned char *to = region->base + off + len;
    int error;

    if (to <= from)
        return 0;
    if (map->committed == 0 && !(region->facts & WARD_IS_GUARD_SPLIT))
        from = map->origin;
    error = ward_host_protect(from, (size_t)(to - from), WARD_RW);
    if (!error)
        map->committed = off + len;
    return error;
}

/* What is not committed has no contents. Guard markers survive this. */
static int map_release(struct ward_region *region, size_t off, size_t len)
{
    size_t committed = map_of(region)->committed;

    if (off >= committed)
        return 0;
    if (len > committed - off)
        len = committed - off;
    return ward_host_advise(region->base + off, len, WARD_HOST_RELEASE);
}

static bool may_mark(unsigned facts, size_t len)
{
    return !(facts & WARD_IS_WIPED_ON_FORK) && len <= MARKED_PAGES_MAX * ward_host_page_size();
}

static int map_guard(struct ward_map *map, size_t off, size_t len)
{
    unsigned char *at = map->region.base + off;
    int error;

    if (may_mark(map->region.facts, len) && !ward_host_advise(at, len, WARD_HOST_GUARD)) {
        map->marked = true;
        return 0;
    }
    error = ward_reserve_guard_(&map->splits, &map->region, off, len, !map->altered);
    if (!error)
        map->region.facts |= WARD_IS_GUARD_SPLIT;
    return error;
}

/* Any protection ends a guard: of the one kind by itself, of the other once the markers are
 * gone. */
static int map_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    struct ward_map *map = map_of(region);
    unsigned char *at = region->base + off;
    int error;

    if (prot == WARD_GUARD)
        error = map_guard(map, off, len);
    else
        error = ward_host_protect(at, len, prot);
    if (!error && prot != WARD_GUARD)
        ward_reserve_open_(&map->splits, region, off, len);
    if (!error && prot != WARD_GUARD && map->marked)
        error = ward_host_advise(at, len, WARD_HOST_UNGUARD);
    map->altered = map->altered || (!error && prot != WARD_RW);
    return error;
}

static size_t map_committed(const struct ward_region *region)
{
    return ((const struct ward_map *)region)->committed;
}

/* Where part of it is sealed, it cannot go: what the pages hold is dropped (the system may refuse
 * even that, for what was made read-only first), and everything stays where it is. */
static int map_fini(struct ward_region *region)
{
    struct ward_map *map = map_of(region);
    struct ward_reserve_ all = reserve_of(map);
    int error = ward_reserve_fini_(&all);

    if (error && error != -EPERM)
        return error;
    if (error && map->committed > 0)
        ward_reserve_empty_(region->base, map->committed);
    ward_reserve_refund_(&map->splits);
    *map = (struct ward_map){ 0 };
    return error;
}

static const struct ward_region_ops map_ops = {
    .name = "map",
    .commit = map_commit,
    .release = map_release,
    .protect = map_protect,
    .committed = map_committed,
    .fini = map_fini,
};

/* --- Making one ------------------------------------------------------------------------------- */

/* Marks one guard, or makes it inaccessible where that fails. */
static int arm_guard(struct ward_map *map, unsigned char *at, size_t len)
{
    if (may_mark(map->region.facts, len) && !ward_host_advise(at, len, WARD_HOST_GUARD))
        return 0;
    map->region.facts |= WARD_IS_GUARD_SPLIT;
    return starts_closed(map) ? 0 : ward_host_protect(at, len, WARD_NONE);
}

/* Lazy maps are inaccessible already: their front guard is marked only to be committed along. */
static int arm_guards(struct ward_map *map)
{
    unsigned char *end = map->region.base + map->region.size;
    int error = 0;

    if (!(map->region.facts & WARD_IS_CLOSED))
        error = arm_guard(map, map->origin, (size_t)(map->region.base - map->origin));
    if (error || starts_closed(map))
        return error;
    return arm_guard(map, end, (size_t)(map->origin + map->reserved - end));
}

struct wish {
    unsigned flag;
    enum ward_host_advice advice;
};

/* Advice goes to the whole mapping: a part of it would be a mapping of its own. */
static int advise_all(struct ward_map *map, unsigned flags)
{
    static const struct wish wishes[] = {
        { WARD_MAP_THP, WARD_HOST_HUGE_ON },
        { WARD_MAP_NO_THP, WARD_HOST_HUGE_OFF },
        { WARD_MAP_NO_DUMP, WARD_HOST_NO_DUMP },
        { WARD_MAP_WIPE_ON_FORK, WARD_HOST_WIPE_ON_FORK },
    };
    int error = 0;

    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0] && !error; i++)
        if (flags & wishes[i].flag)
            error = ward_host_advise(map->origin, map->reserved, wishes[i].advice);
    return error;
}

/* Everything after the reservation. Guards come before the advice, as the order does not matter
 * to the system, and before populating, which must not touch them. */
static int furnish(struct ward_map *map, unsigned flags)
{
    int error = arm_guards(map);

    if (!error)
        error = advise_all(map, flags);
    if (!error && flags & WARD_MAP_POPULATE)
        error = ward_host_advise(map->region.base, map->region.size, WARD_HOST_POPULATE);
    return error;
}

static unsigned facts_of(unsigned flags)
{
    return WARD_IS_MAPPED | WARD_IS_GUARDED | WARD_IS_ZEROED |
           (flags & WARD_MAP_LAZY ? WARD_IS_LAZY : 0u) |
           (flags & WARD_MAP_CLOSED ? WARD_IS_CLOSED : 0u) |
           (flags & WARD_MAP_NO_DUMP ? WARD_IS_NO_DUMP : 0u) |
           (flags & WARD_MAP_WIPE_ON_FORK ? WARD_IS_WIPED_ON_FORK : 0u);
}

static bool flags_make_sense(unsigned flags)
{
    const unsigned thp = WARD_MAP_THP | WARD_MAP_NO_THP;
    unsigned start = flags & (WARD_MAP_LAZY | WARD_MAP_POPULATE | WARD_MAP_CLOSED);

    return (flags & ~(unsigned)KNOWN_FLAGS) == 0 && (flags & thp) != thp &&
           (start & (start - 1)) == 0; /* one of them at most */
}

/* Adds 0 to 255 pages to each guard. To both: which of them faces the mapping made before depends
 * on the direction the system maps in, and Linux maps downwards. */
static int lengthen(struct ward_reserve_spec_ *plan, size_t page)
{
    unsigned char pages[2] = { 0 };
    int error = ward_host_random(pages, sizeof pages);

    if (error)
        return error;
    return ward_add(plan->front, pages[0] * page, &plan->front) &&
                   ward_add(plan->back, pages[1] * page, &plan->back)
               ? 0
               : -EINVAL;
}

/* What to reserve for a specification. */
static int plan_map(struct ward_reserve_spec_ *plan, const struct ward_map_spec *spec, size_t page)
{
    size_t align = spec->align > page ? spec->align : page;
    size_t guard =
        spec->guard_bytes > WARD_MAP_GUARD_BYTES ? spec->guard_bytes : WARD_MAP_GUARD_BYTES;

    if (!flags_make_sense(spec->flags) || (spec->align != 0 && !ward_is_pow2(spec->align)))
        return -EINVAL;
    plan->size = ward_reserve_round_(spec->size, page);
    plan->front = ward_reserve_round_(guard, page);
    plan->back = plan->front;
    plan->align = spec->flags & WARD_MAP_THP && align < THP_BYTES ? THP_BYTES : align;
    plan->prot = spec->flags & (WARD_MAP_LAZY | WARD_MAP_CLOSED) ? WARD_NONE : WARD_RW;
    if (plan->size == 0 || plan->front == 0)
        return -EINVAL;
    return spec->flags & WARD_MAP_RANDOM ? lengthen(plan, page) : 0;
}

static void fill_in(struct ward_map *map, const struct ward_reserve_ *made, unsigned flags)
{
    map->region.ops = &map_ops;
    map->region.base = made->base;
    map->region.size = made->size;
    map->region.grain = ward_host_page_size();
    map->region.facts = facts_of(flags);
    map->origin = made->origin;
    map->reserved = made->bytes;
    map->committed = flags & WARD_MAP_LAZY ? 0 : made->size;
    map->altered = (flags & WARD_MAP_CLOSED) != 0;
}

int ward_map_init_with(struct ward_map *map, const struct ward_map_spec *spec)
{
    struct ward_reserve_spec_ plan;
    struct ward_reserve_ made;
    int error;

    if (!map)
        return -EINVAL;
    *map = (struct ward_map){ 0 };
    error = spec ? plan_map(&plan, spec, ward_host_page_size()) : -EINVAL;
    if (!error)
        error = ward_reserve_init_(&made, &plan);
    if (error)
        return error;
    fill_in(map, &made, spec->flags);
    error = furnish(map, spec->flags);
    if (error) {
        ward_reserve_drop_(made.origin, made.bytes);
        *map = (struct ward_map){ 0 };
    }
    return error;
}

int ward_map_init(struct ward_map *map, size_t size, unsigned flags)
{
    const struct ward_map_spec spec = { .size = size, .flags = flags };

    return ward_map_init_with(map, &spec);
}
