/* SPDX-License-Identifier: MIT */
#include "failing.h"

#include <ward/map.h>

#include "inject.h"

enum { MAPPED = WARD_IS_MAPPED | WARD_IS_GUARDED | WARD_IS_ZEROED };

static int setup(void **state)
{
    (void)state;
    inject_reset();
    return 0;
}

static struct ward_map *make(size_t size, unsigned flags)
{
    static struct ward_map map;

    dirty(map);
    assert_int_equal(ward_map_init(&map, size, flags), 0);
    assert_true(ward_region_ok(&map.region));
    return &map;
}

static void end(struct ward_map *map)
{
    assert_int_equal(ward_region_fini(&map->region), 0);
    assert_all_zero(*map);
}

static unsigned char *end_of(const struct ward_map *map)
{
    return map->region.base + map->region.size;
}

static size_t front_bytes(const struct ward_map *map)
{
    return (size_t)(map->region.base - map->origin);
}

static size_t back_bytes(const struct ward_map *map)
{
    return map->reserved - front_bytes(map) - map->region.size;
}

static bool is_guarded(const struct ward_map *map)
{
    return front_bytes(map) >= WARD_MAP_GUARD_BYTES && back_bytes(map) >= WARD_MAP_GUARD_BYTES &&
           is_closed(map->origin, front_bytes(map)) && is_closed(end_of(map), back_bytes(map));
}

/* --- What a map is ---------------------------------------------------------------------------- */

static void a_map_is_zeroed_pages_that_can_be_written(void **state)
{
    struct ward_map *map = make(100001, 0);
    struct ward_region *region = &map->region;

    (void)state;
    assert_int_equal(region->size, (100001 + PAGE - 1) / PAGE * PAGE);
    assert_int_equal(region->grain, PAGE);
    assert_int_equal((uintptr_t)region->base % PAGE, 0);
    assert_int_equal(region->facts & ~(unsigned)WARD_IS_GUARD_SPLIT, MAPPED);
    assert_int_equal(ward_region_committed(region), region->size);
    assert_string_equal(ward_region_name(region), "map");
    assert_null(ward_region_meta(region));
    assert_true(is_all(region->base, region->size, 0));
    memset(region->base, 0xff, region->size);
    assert_int_equal(ward_region_commit(region, 0, region->size), 0);
    assert_true(is_all(region->base, region->size, 0xff));
    end(map);
}

static void fini_unmaps_everything_and_zeroes_the_object(void **state)
{
    const struct inject_ledger before = *inject_mapped();
    struct ward_map *map = make(1, 0);
    unsigned char *base = map->region.base;

    (void)state;
    assert_true(can_write(base));
    end(map);
    assert_false(can_read(base));
    assert_true(inject_mapped_is(&before));
    assert_int_equal(ward_region_fini(&map->region), 0);
}

static void fini_that_fails_changes_nothing_and_may_be_tried_again(void **state)
{
    struct ward_map *map = make(PAGE, 0);
    const struct ward_map was = *map;

    (void)state;
    map->region.base[0] = 7;
    inject_arm(1, ENOMEM);
    assert_int_equal(ward_region_fini(&map->region), -ENOMEM);
    assert_memory_equal(map, &was, sizeof was);
    assert_int_equal(map->region.base[0], 7);
    end(map);
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    static const struct ward_map_spec bad[] = {
        { .size = 0 },
        { .size = SIZE_MAX },
        { .size = SIZE_MAX - 4095 },
        { .size = (size_t)PTRDIFF_MAX + 1 },
        { .size = 4096, .align = 3 },
        { .size = 4096, .align = 4097 },
        { .size = 4096, .align = SIZE_MAX },
        { .size = 4096, .guard_bytes = SIZE_MAX },
        { .size = PTRDIFF_MAX, .guard_bytes = PTRDIFF_MAX },
        { .size = (size_t)PTRDIFF_MAX - 4095, .align = (size_t)1 << 63 },
        { .size = 4096, .flags = 2 * WARD_MAP_CLOSED },
        { .size = 4096, .flags = ~0u },
        { .size = 4096, .flags = WARD_MAP_THP | WARD_MAP_NO_THP },
        { .size = 4096, .flags = WARD_MAP_LAZY | WARD_MAP_POPULATE },
    };
    struct ward_map map;

    (void)state;
    assert_int_equal(ward_map_init(NULL, 4096, 0), -EINVAL);
    assert_int_equal(ward_map_init_with(NULL, &bad[0]), -EINVAL);
    dirty(map);
    assert_int_equal(ward_map_init_with(&map, NULL), -EINVAL);
    assert_all_zero(map);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dirty(map);
        assert_int_equal(ward_map_init_with(&map, &bad[i]), -EINVAL);
        assert_all_zero(map);
    }
    assert_int_equal(inject_count(), 0);
}

static void what_does_not_fit_the_address_space_is_enomem(void **state)
{
    static const struct ward_map_spec large[] = {
        { .size = (size_t)1 << 50 },
        { .size = (size_t)1 << 50, .flags = WARD_MAP_LAZY },
        { .size = 4096, .align = (size_t)1 << 50 },
        { .size = 4096, .align = (size_t)1 << 62 },
        { .size = 4096, .guard_bytes = (size_t)1 << 50 },
    };
    struct ward_map map;

    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        dirty(map);
        assert_int_equal(ward_map_init_with(&map, &large[i]), -ENOMEM);
        assert_all_zero(map);
    }
}

/* --- Guards ----------------------------------------------------------------------------------- */

static void every_guard_page_is_inaccessible_at_once(void **state)
{
    struct ward_map *map = make(3 * PAGE, 0);

    (void)state;
    assert_true(is_guarded(map));
    assert_true(can_write(map->region.base));
    assert_true(can_write(end_of(map) - 1));
    assert_write_dies(map->region.base - 1);
    assert_read_dies(end_of(map));
    assert_write_dies(end_of(map) + WARD_MAP_GUARD_BYTES - 1);
    assert_write_dies(map->region.base - WARD_MAP_GUARD_BYTES);
    end(map);
}

static bool has_markers(void)
{
    void *at = NULL;
    bool has;

    if (ward_host_map(&at, PAGE, WARD_HOST_ANON, WARD_RW, 0))
        return false;
    has = ward_host_advise(at, PAGE, WARD_HOST_GUARD) == 0;
    if (ward_host_unmap(at, PAGE))
        abort();
    return has;
}

#define skip_without_markers() skip_unless(has_markers(), "no guard markers (MADV_GUARD_INSTALL)")

static void guards_add_no_mapping(void **state)
{
    struct ward_map *map;

    (void)state;
    skip_without_markers();
    map = make(16 * PAGE, 0);
    assert_int_equal(mappings_in(map->origin, map->reserved), 1);
    assert_false(map->region.facts & WARD_IS_GUARD_SPLIT);
    for (size_t page = 1; page < 15; page += 2)
        assert_int_equal(ward_region_protect(&map->region, page * PAGE, PAGE, WARD_GUARD), 0);
    assert_int_equal(mappings_in(map->origin, map->reserved), 1);
    assert_int_equal(map->splits.charged, 0);
    end(map);
}

static void without_markers_guards_are_inaccessible_pages(void **state)
{
    static const unsigned flags[] = { 0, WARD_MAP_LAZY, WARD_MAP_RANDOM, WARD_MAP_NO_DUMP };

    (void)state;
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct ward_map *map = make(4 * PAGE, flags[i]);

        assert_true(map->region.facts & WARD_IS_GUARD_SPLIT);
        assert_int_equal(ward_region_commit(&map->region, 0, 4 * PAGE), 0);
        assert_true(is_guarded(map));
        assert_true(can_write(map->region.base) && can_write(end_of(map) - 1));
        assert_int_equal(mappings_in(map->origin, map->reserved), 3);
        end(map);
    }
}

static void guards_are_as_long_as_asked_and_never_shorter_than_the_least(void **state)
{
    struct ward_map_spec spec = { .size = PAGE, .guard_bytes = 1 };
    struct ward_map map;

    (void)state;
    assert_int_equal(ward_map_init_with(&map, &spec), 0);
    assert_int_equal(front_bytes(&map), (WARD_MAP_GUARD_BYTES + PAGE - 1) / PAGE * PAGE);
    assert_true(is_guarded(&map));
    end(&map);
    spec.guard_bytes = 3 * WARD_MAP_GUARD_BYTES + 1;
    assert_int_equal(ward_map_init_with(&map, &spec), 0);
    assert_int_equal(front_bytes(&map), 3 * WARD_MAP_GUARD_BYTES + PAGE);
    assert_int_equal(back_bytes(&map), 3 * WARD_MAP_GUARD_BYTES + PAGE);
    assert_true(is_guarded(&map));
    end(&map);
}

/* 4 GiB of markers would be 8 MiB of page tables, and a while to write them. */
static void very_long_guards_are_inaccessible_pages(void **state)
{
    const struct ward_map_spec spec = { .size = PAGE, .guard_bytes = (size_t)4 << 30 };
    struct ward_map map;

    (void)state;
    assert_int_equal(ward_map_init_with(&map, &spec), 0);
    assert_true(map.region.facts & WARD_IS_GUARD_SPLIT);
    assert_true(can_write(map.region.base) && can_write(end_of(&map) - 1));
    assert_false(can_read(map.origin) || can_read(map.region.base - 1));
    assert_false(can_read(end_of(&map)) || can_read(map.origin + map.reserved - 1));
    end(&map);
}

static int guards_hold(void *arg)
{
    struct ward_map *map = arg;

    return !is_guarded(map);
}

static void guards_hold_in_a_child(void **state)
{
    static const unsigned flags[] = { 0, WARD_MAP_LAZY, WARD_MAP_WIPE_ON_FORK,
                                      WARD_MAP_LAZY | WARD_MAP_WIPE_ON_FORK };

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct ward_map *map = make(4 * PAGE, flags[i]);

        assert_int_equal(ward_region_commit(&map->region, 0, 4 * PAGE), 0);
        assert_int_equal(in_child(guards_hold, map), 0);
        end(map);
    }
}

static void guards_hold_through_release(void **state)
{
    struct ward_map *map = make(4 * PAGE, 0);

    (void)state;
    assert_int_equal(ward_region_protect(&map->region, PAGE, PAGE, WARD_GUARD), 0);
    assert_int_equal(ward_region_release(&map->region, 0, 4 * PAGE), 0);
    assert_true(is_guarded(map));
    assert_false(can_read(map->region.base + PAGE));
    assert_true(can_write(map->region.base) && can_write(map->region.base + 2 * PAGE));
    end(map);
}

/* --- Placement -------------------------------------------------------------------------------- */

static void every_alignment_is_kept_and_costs_no_address_space(void **state)
{
    static const unsigned flags[] = { 0, WARD_MAP_LAZY, WARD_MAP_WIPE_ON_FORK };

    (void)state;
    for (size_t align = 1; align <= (size_t)1 << 30; align *= 2) {
        struct ward_map_spec spec = { .size = 3 * PAGE, .align = align };
        struct ward_map map;

        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
            spec.flags = flags[i];
            assert_int_equal(ward_map_init_with(&map, &spec), 0);
            assert_int_equal((uintptr_t)map.region.base % align, 0);
            assert_int_equal(map.region.size, 3 * PAGE);
            assert_int_equal(map.reserved, 3 * PAGE + 2 * front_bytes(&map));
            assert_int_equal(ward_region_commit(&map.region, 0, 3 * PAGE), 0);
            assert_true(is_guarded(&map));
            assert_true(can_write(map.region.base) && can_write(end_of(&map) - 1));
            end(&map);
        }
    }
    assert_int_equal(inject_mapped()->count, 0);
}

static void random_maps_have_longer_guards_of_random_lengths(void **state)
{
    const size_t least = (WARD_MAP_GUARD_BYTES + PAGE - 1) / PAGE * PAGE;
    bool seen_front[256] = { false }, seen_back[256] = { false };
    unsigned fronts = 0, backs = 0, alike = 0;

    (void)state;
    inject_seed(1);
    for (int i = 0; i < 512; i++) {
        struct ward_map *map = make(PAGE, WARD_MAP_RANDOM);
        size_t front = (front_bytes(map) - least) / PAGE;
        size_t back = (back_bytes(map) - least) / PAGE;

        assert_true(front < 256 && back < 256);
        fronts += !seen_front[front];
        backs += !seen_back[back];
        alike += front == back;
        seen_front[front] = seen_back[back] = true;
        if (i % 64 == 0)
            assert_true(is_guarded(map));
        end(map);
    }
    /* 512 draws from 256 miss one with probability 1/e^2: 221 are expected, 200 is 7 sigma less. */
    assert_true(fronts > 200 && backs > 200);
    assert_true(alike < 32); /* 2 are expected: they are drawn apart */
}

/* --- Lazy ------------------------------------------------------------------------------------- */

static void a_lazy_map_is_inaccessible_until_committed(void **state)
{
    struct ward_map *map = make(8 * PAGE, WARD_MAP_LAZY);

    (void)state;
    assert_int_equal(map->region.facts & (WARD_IS_LAZY | MAPPED), WARD_IS_LAZY | MAPPED);
    assert_int_equal(ward_region_committed(&map->region), 0);
    assert_true(is_closed(map->origin, map->reserved));
    assert_write_dies(map->region.base);
    end(map);
}

static void a_closed_map_is_inaccessible_until_protect_opens_parts_of_it(void **state)
{
    struct ward_map *map = make(8 * PAGE, WARD_MAP_CLOSED);
    struct ward_region *region = &map->region;

    (void)state;
    assert_int_equal(region->facts, MAPPED | WARD_IS_CLOSED);
    assert_int_equal(ward_region_committed(region), 8 * PAGE);
    assert_true(is_closed(map->origin, map->reserved));
    assert_int_equal(mappings_in(map->origin, map->reserved), 1);
    assert_int_equal(ward_region_commit(region, 0, 8 * PAGE), 0);
    assert_true(is_closed(map->origin, map->reserved));
    assert_int_equal(ward_region_protect(region, 5 * PAGE, PAGE, WARD_RW), 0);
    assert_true(is_all(region->base + 5 * PAGE, PAGE, 0) && can_write(region->base + 5 * PAGE));
    assert_true(is_closed(map->origin, front_bytes(map) + 5 * PAGE));
    assert_true(is_closed(region->base + 6 * PAGE, 2 * PAGE + back_bytes(map)));
    assert_int_equal(ward_region_protect(region, 5 * PAGE, PAGE, WARD_GUARD), 0);
    assert_true(is_closed(map->origin, map->reserved));
    assert_int_equal(ward_region_release(region, 0, 8 * PAGE), 0);
    assert_int_equal(ward_region_protect(region, 0, 8 * PAGE, WARD_RW), 0);
    assert_true(is_all(region->base, 8 * PAGE, 0) && is_guarded(map));
    end(map);
}

static void a_map_is_lazy_closed_or_populated(void **state)
{
    const unsigned start[] = { WARD_MAP_LAZY, WARD_MAP_CLOSED, WARD_MAP_POPULATE };
    struct ward_map map;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ward_map_init(&map, PAGE, start[i] | start[(i + 1) % 3]), -EINVAL);
}

static void commit_makes_a_growing_prefix_of_zeroes(void **state)
{
    struct ward_map *map = make(8 * PAGE, WARD_MAP_LAZY);
    struct ward_region *region = &map->region;

    (void)state;
    assert_int_equal(ward_region_commit(region, PAGE, PAGE), 0);
    assert_int_equal(ward_region_committed(region), 2 * PAGE);
    assert_true(is_all(region->base, 2 * PAGE, 0));
    memset(region->base, 0x11, 2 * PAGE);
    assert_true(is_closed(region->base + 2 * PAGE, 6 * PAGE));
    assert_int_equal(ward_region_commit(region, 0, PAGE), 0);
    assert_int_equal(ward_region_committed(region), 2 * PAGE);
    assert_int_equal(ward_region_commit(region, 4 * PAGE, PAGE), 0);
    assert_int_equal(ward_region_committed(region), 5 * PAGE);
    assert_true(is_all(region->base, 2 * PAGE, 0x11));
    assert_true(is_all(region->base + 2 * PAGE, 3 * PAGE, 0));
    assert_int_equal(ward_region_commit(region, 0, 8 * PAGE), 0);
    assert_true(can_write(end_of(map) - 1));
    assert_true(is_guarded(map));
    end(map);
}

static void a_growing_prefix_costs_one_boundary_between_mappings(void **state)
{
    struct ward_map *map;

    (void)state;
    skip_without_markers();
    map = make(64 * PAGE, WARD_MAP_LAZY);
    assert_int_equal(mappings_in(map->origin, map->reserved), 1);
    for (size_t pages = 1; pages <= 64; pages++) {
        assert_int_equal(ward_region_commit(&map->region, 0, pages * PAGE), 0);
        assert_int_equal(mappings_in(map->origin, map->reserved), 2);
        assert_false(can_read(map->region.base - 1));
    }
    assert_false(map->region.facts & WARD_IS_GUARD_SPLIT);
    end(map);
}

static void a_lazy_map_costs_no_memory(void **state)
{
    const struct rlimit small = { (rlim_t)1 << 20, RLIM_INFINITY }; /* of writable memory */
    struct rlimit was;
    struct ward_map map;

    (void)state;
    skip_unless(!RUNNING_ON_VALGRIND, "valgrind has no address space to spare");
    assert_int_equal(getrlimit(RLIMIT_DATA, &was), 0);
    assert_int_equal(setrlimit(RLIMIT_DATA, &small), 0);
    assert_int_equal(ward_map_init(&map, (size_t)64 << 30, WARD_MAP_LAZY), 0);
    assert_int_equal(setrlimit(RLIMIT_DATA, &was), 0);
    assert_int_equal(ward_region_commit(&map.region, 0, PAGE), 0);
    end(&map);
}

static void commit_that_fails_changes_nothing(void **state)
{
    struct ward_map *map = make(8 * PAGE, WARD_MAP_LAZY);

    (void)state;
    for (size_t pages = 2; pages <= 4; pages += 2) {
        inject_arm(1, ENOMEM);
        assert_int_equal(ward_region_commit(&map->region, 0, pages * PAGE), -ENOMEM);
        assert_int_equal(ward_region_committed(&map->region), (pages - 2) * PAGE);
        assert_true(is_closed(map->region.base + (pages - 2) * PAGE, PAGE));
        assert_int_equal(ward_region_commit(&map->region, 0, pages * PAGE), 0);
        assert_true(can_write(map->region.base + pages * PAGE - 1));
    }
    end(map);
}

/* --- Release ---------------------------------------------------------------------------------- */

static void release_of_a_committed_range_reads_zero_and_gives_the_pages_back(void **state)
{
    struct ward_map *map = make(8 * PAGE, 0);
    unsigned char *base = map->region.base;

    (void)state;
    memset(base, 0x5a, 8 * PAGE);
    assert_int_equal(ward_region_release(&map->region, 2 * PAGE, 3 * PAGE), 0);
    assert_int_equal(resident_pages(base, 8 * PAGE), 5 * PAGE / (size_t)sysconf(_SC_PAGESIZE));
    assert_true(is_all(base, 2 * PAGE, 0x5a));
    assert_true(is_all(base + 2 * PAGE, 3 * PAGE, 0));
    assert_true(is_all(base + 5 * PAGE, 3 * PAGE, 0x5a));
    end(map);
}

static void release_beyond_what_is_committed_releases_what_is(void **state)
{
    struct ward_map *map = make(8 * PAGE, WARD_MAP_LAZY);
    unsigned char *base = map->region.base;

    (void)state;
    assert_int_equal(ward_region_release(&map->region, 0, 8 * PAGE), 0);
    assert_int_equal(ward_region_commit(&map->region, 0, 3 * PAGE), 0);
    memset(base, 0x5a, 3 * PAGE);
    assert_int_equal(ward_region_release(&map->region, PAGE, 7 * PAGE), 0);
    assert_true(is_all(base, PAGE, 0x5a));
    assert_true(is_all(base + PAGE, 2 * PAGE, 0));
    assert_int_equal(ward_region_committed(&map->region), 3 * PAGE);
    assert_int_equal(ward_region_release(&map->region, 4 * PAGE, PAGE), 0);
    assert_true(is_closed(base + 3 * PAGE, 5 * PAGE));
    end(map);
}

static void no_range_reaches_memory_outside(void **state)
{
    static const size_t foreign[][2] = { { 0, 5 }, { 4, 1 }, { 3, 2 }, { 64, 1 } };
    struct ward_map below, *map = make(4, 0), above;
    size_t size = map->region.size;

    (void)state;
    assert_int_equal(ward_map_init(&below, 64 * PAGE, 0), 0);
    assert_int_equal(ward_map_init(&above, 64 * PAGE, 0), 0);
    memset(below.region.base, 0x5a, below.region.size);
    memset(above.region.base, 0x5a, above.region.size);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        size_t off = foreign[i][0] * size / 4 / PAGE * PAGE, len = foreign[i][1] * size;

        assert_int_equal(ward_region_release(&map->region, off + PAGE, len), -ERANGE);
    }
    /* The distance to another map as an offset is what a wild argument would look like. */
    for (int i = 0; i < 2; i++) {
        struct ward_map *other = i ? &above : &below;
        size_t off = (uintptr_t)other->region.base - (uintptr_t)map->region.base;

        assert_int_equal(ward_region_release(&map->region, off, PAGE), -ERANGE);
        assert_int_equal(ward_region_protect(&map->region, off, PAGE, WARD_NONE), -ERANGE);
        assert_int_equal(ward_region_commit(&map->region, off, PAGE), -ERANGE);
        assert_true(is_all(other->region.base, other->region.size, 0x5a));
        end(other);
    }
    end(map);
}

static void ranges_off_the_page_are_refused_and_change_nothing(void **state)
{
    static const size_t off_page[][2] = { { 1, 0 }, { 0, 1 }, { 8, 4096 - 8 }, { 0, 4095 } };
    struct ward_map *map = make(4 * PAGE, 0);

    (void)state;
    memset(map->region.base, 0x5a, 4 * PAGE);
    for (size_t i = 0; i < sizeof off_page / sizeof off_page[0]; i++) {
        size_t off = off_page[i][0], len = off_page[i][1];

        assert_int_equal(ward_region_commit(&map->region, off, len), -EINVAL);
        assert_int_equal(ward_region_release(&map->region, off, len), -EINVAL);
        assert_int_equal(ward_region_protect(&map->region, off, len, WARD_NONE), -EINVAL);
    }
    assert_true(is_all(map->region.base, 4 * PAGE, 0x5a));
    assert_true(can_write(map->region.base));
    end(map);
}

/* --- Protection ------------------------------------------------------------------------------- */

static void protection_applies_to_the_range_and_keeps_its_contents(void **state)
{
    struct ward_map *map = make(4 * PAGE, 0);
    unsigned char *base = map->region.base;

    (void)state;
    memset(base, 0x5a, 4 * PAGE);
    assert_int_equal(ward_region_protect(&map->region, PAGE, 2 * PAGE, WARD_READ), 0);
    assert_true(is_all(base, 4 * PAGE, 0x5a));
    assert_write_dies(base + PAGE);
    assert_write_dies(base + 3 * PAGE - 1);
    assert_true(can_write(base + PAGE - 1) && can_write(base + 3 * PAGE));
    assert_int_equal(ward_region_protect(&map->region, PAGE, 2 * PAGE, WARD_NONE), 0);
    assert_true(is_closed(base + PAGE, 2 * PAGE));
    assert_int_equal(ward_region_protect(&map->region, PAGE, 2 * PAGE, WARD_RW), 0);
    assert_true(is_all(base, 4 * PAGE, 0x5a));
    assert_true(can_write(base + PAGE));
    end(map);
}

static void protection_beyond_what_is_committed_is_refused(void **state)
{
    struct ward_map *map = make(4 * PAGE, WARD_MAP_LAZY);

    (void)state;
    assert_int_equal(ward_region_protect(&map->region, 0, PAGE, WARD_RW), -ERANGE);
    assert_int_equal(ward_region_commit(&map->region, 0, PAGE), 0);
    assert_int_equal(ward_region_protect(&map->region, 0, 2 * PAGE, WARD_RW), -ERANGE);
    assert_true(is_closed(map->region.base + PAGE, 3 * PAGE));
    assert_int_equal(ward_region_protect(&map->region, 0, PAGE, WARD_READ), 0);
    end(map);
}

/* By whatever means it is made: the range is closed, and empty when it is opened again. */
static void a_guard_inside(struct ward_map *map)
{
    static const unsigned after[] = { WARD_RW, WARD_READ, WARD_NONE };
    unsigned char *base = map->region.base;

    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        memset(base, 0x5a, 4 * PAGE);
        assert_int_equal(ward_region_protect(&map->region, PAGE, 2 * PAGE, WARD_GUARD), 0);
        assert_true(is_closed(base + PAGE, 2 * PAGE));
        assert_write_dies(base + 2 * PAGE);
        assert_true(is_all(base, PAGE, 0x5a) && is_all(base + 3 * PAGE, PAGE, 0x5a));
        assert_int_equal(ward_region_protect(&map->region, PAGE, 2 * PAGE, after[i]), 0);
        assert_int_equal(can_read(base + PAGE), after[i] != WARD_NONE);
        assert_int_equal(can_write(base + PAGE), after[i] == WARD_RW);
        assert_int_equal(ward_region_protect(&map->region, PAGE, 2 * PAGE, WARD_RW), 0);
        assert_true(is_all(base + PAGE, 2 * PAGE, 0));
        assert_true(can_write(base + PAGE) && can_write(base + 3 * PAGE - 1));
    }
}

static void a_guard_inside_closes_and_empties_its_range(void **state)
{
    static const unsigned flags[] = { 0, WARD_MAP_LAZY, WARD_MAP_WIPE_ON_FORK };

    (void)state;
    for (int taken = 0; taken < 2; taken++) {
        inject_take(taken ? INJECT_NO_ADVICE(WARD_HOST_GUARD) : 0);
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
            struct ward_map *map = make(4 * PAGE, flags[i]);

            assert_int_equal(ward_region_commit(&map->region, 0, 4 * PAGE), 0);
            a_guard_inside(map);
            end(map);
        }
    }
}

static int guard_inside_holds(void *arg)
{
    struct ward_map *map = arg;

    return can_read(map->region.base + PAGE) || !can_read(map->region.base);
}

static void a_guard_inside_holds_in_a_child(void **state)
{
    static const unsigned flags[] = { 0, WARD_MAP_WIPE_ON_FORK };

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct ward_map *map = make(4 * PAGE, flags[i]);

        assert_int_equal(ward_region_protect(&map->region, PAGE, PAGE, WARD_GUARD), 0);
        assert_int_equal(in_child(guard_inside_holds, map), 0);
        end(map);
    }
}

static void guards_that_split_are_charged_to_a_budget_until_fini(void **state)
{
    (void)state;
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD));
    inject_split_budget(5);
    for (int round = 0; round < 3; round++) {
        struct ward_map *map = make(16 * PAGE, 0);

        assert_int_equal(ward_region_protect(&map->region, PAGE, PAGE, WARD_GUARD), 0);
        assert_int_equal(ward_region_protect(&map->region, 3 * PAGE, PAGE, WARD_GUARD), 0);
        assert_int_equal(map->splits.charged, 4);
        memset(map->region.base + 5 * PAGE, 0x5a, PAGE);
        assert_int_equal(ward_region_protect(&map->region, 5 * PAGE, PAGE, WARD_GUARD), -ENOSPC);
        assert_true(is_all(map->region.base + 5 * PAGE, PAGE, 0x5a));
        assert_int_equal(map->splits.charged, 4);
        end(map);
    }
}

static void protect_ok(struct ward_map *map, size_t page, size_t pages, unsigned prot)
{
    assert_int_equal(ward_region_protect(&map->region, page * PAGE, pages * PAGE, prot), 0);
}

static void guards_that_split_and_are_opened_again_cost_nothing(void **state)
{
    struct ward_map *map = make(16 * PAGE, WARD_MAP_WIPE_ON_FORK);
    struct ward_map other;

    (void)state;
    inject_split_budget(64);
    for (int round = 0; round < 100000; round++) {
        protect_ok(map, 3, 1, WARD_GUARD);
        protect_ok(map, 3, 1, round & 1 ? WARD_READ : WARD_RW);
    }
    for (int round = 0; round < 1000; round++) { /* as a guard wrapper does */
        protect_ok(map, 0, 1, WARD_GUARD);
        protect_ok(map, 15, 1, WARD_GUARD);
        protect_ok(map, 0, 1, WARD_RW);
        protect_ok(map, 15, 1, WARD_RW);
    }
    assert_int_equal(map->splits.charged, 0);
    for (int round = 0; round < 1000;
         round++) /* more than are known: never beyond what it can be */
        for (size_t page = 0; page < 16; page++)
            protect_ok(map, page, 1, round & 1 ? WARD_RW : WARD_GUARD);
    assert_true(map->splits.charged <= 2 * 16);
    assert_int_equal(ward_map_init(&other, 4 * PAGE, WARD_MAP_WIPE_ON_FORK), 0);
    protect_ok(&other, 1, 1, WARD_GUARD);
    assert_int_equal(ward_region_fini(&other.region), 0);
    protect_ok(map, 0, 16, WARD_RW);
    assert_int_equal(map->splits.charged, 0);
    end(map);
}

/* Opening one does not give back what the others cost. */
static void guards_that_stay_stay_charged(void **state)
{
    struct ward_map *map = make(16 * PAGE, WARD_MAP_WIPE_ON_FORK);

    (void)state;
    for (size_t page = 1; page < 15; page += 2)
        protect_ok(map, page, 1, WARD_GUARD);
    assert_int_equal(map->splits.charged, 14);
    for (int i = 0; i < 3; i++)
        protect_ok(map, 13, 1, WARD_RW);
    assert_int_equal(map->splits.charged, 12);
    protect_ok(map, 8, 4, WARD_GUARD); /* 9 and 11 are one guard now */
    assert_int_equal(map->splits.charged, 10);
    protect_ok(map, 9, 1, WARD_RW); /* a hole in it: two guards */
    assert_int_equal(map->splits.charged, 10);
    end(map);
}

/* The n-th host call of a protection fails, with markers and without: the contents and the access
 * are as they were, or the protection found another way. */
static void protection_that_fails_changes_nothing(void **state)
{
    static const unsigned prots[] = { WARD_READ, WARD_NONE, WARD_GUARD };

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof prots / sizeof prots[0]; i++) {
        struct ward_map *map = make(2 * PAGE, 0);
        bool fired = true;

        inject_take(i & 1 ? INJECT_NO_ADVICE(WARD_HOST_GUARD) : 0);
        for (unsigned long n = 1; fired; n++) {
            int error;

            memset(map->region.base, 0x5a, 2 * PAGE);
            inject_arm(n, ENOMEM);
            error = ward_region_protect(&map->region, 0, PAGE, prots[i / 2]);
            fired = inject_fired();
            inject_arm(0, 0);
            if (error) {
                assert_true(fired);
                assert_true(can_write(map->region.base));
                assert_true(is_all(map->region.base, 2 * PAGE, 0x5a));
                assert_int_equal(map->splits.charged, 0);
            } else {
                assert_int_equal(ward_region_protect(&map->region, 0, PAGE, WARD_RW), 0);
            }
            if (!error && fired) { /* a guard by other means: start with a fresh map */
                end(map);
                map = make(2 * PAGE, 0);
            }
        }
        end(map);
    }
}

static void a_guard_that_fails_never_opens_what_was_closed(void **state)
{
    struct ward_map *map = make(2 * PAGE, 0);

    (void)state;
    inject_take(INJECT_NO_ADVICE(WARD_HOST_GUARD) | INJECT_NO_ADVICE(WARD_HOST_RELEASE));
    assert_int_equal(ward_region_protect(&map->region, 0, PAGE, WARD_READ), 0);
    assert_int_equal(ward_region_protect(&map->region, 0, PAGE, WARD_GUARD), -ENOTSUP);
    assert_false(can_write(map->region.base));
    end(map);
}

/* --- Options ---------------------------------------------------------------------------------- */

static void populate_faults_all_pages_in(void **state)
{
    struct ward_map *map = make(16 * PAGE, WARD_MAP_POPULATE);
    size_t pages = 16 * PAGE / (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    assert_int_equal(resident_pages(map->region.base, 16 * PAGE), pages);
    assert_true(is_guarded(map));
    end(map);
    map = make(16 * PAGE, WARD_MAP_NO_THP);
    assert_int_equal(resident_pages(map->region.base, 16 * PAGE), 0);
    end(map);
}

static void thp_is_advised_and_aligned(void **state)
{
    struct ward_map *map = make((size_t)3 << 20, WARD_MAP_THP);

    (void)state;
    assert_int_equal((uintptr_t)map->region.base % ((size_t)2 << 20), 0);
    assert_true(has_vm_flag(map->region.base, "hg"));
    assert_true(is_guarded(map));
    end(map);
    map = make((size_t)3 << 20, WARD_MAP_NO_THP);
    assert_true(has_vm_flag(map->region.base, "nh"));
    end(map);
    map = make((size_t)3 << 20, 0);
    assert_false(has_vm_flag(map->region.base, "hg") || has_vm_flag(map->region.base, "nh"));
    end(map);
}

static void no_dump_keeps_it_out_of_core_dumps(void **state)
{
    struct ward_map *map = make(4 * PAGE, WARD_MAP_NO_DUMP);

    (void)state;
    assert_true(has_vm_flag(map->region.base, "dd"));
    assert_true(map->region.facts & WARD_IS_NO_DUMP);
    end(map);
    map = make(4 * PAGE, WARD_MAP_NO_DUMP | WARD_MAP_LAZY);
    assert_int_equal(ward_region_commit(&map->region, 0, PAGE), 0);
    assert_true(has_vm_flag(map->region.base, "dd"));
    end(map);
    map = make(4 * PAGE, 0);
    assert_false(has_vm_flag(map->region.base, "dd"));
    assert_false(map->region.facts & WARD_IS_NO_DUMP);
    end(map);
}

static int is_wiped(void *arg)
{
    struct ward_map *map = arg;

    return is_all(map->region.base, 2 * PAGE, 0) ? 10 : is_all(map->region.base, 2 * PAGE, 0x5a);
}

static void a_child_sees_zeroes_of_a_map_that_is_wiped_on_fork(void **state)
{
    struct ward_map *map = make(4 * PAGE, WARD_MAP_WIPE_ON_FORK);

    (void)state;
    memset(map->region.base, 0x5a, 4 * PAGE);
    assert_true(map->region.facts & WARD_IS_WIPED_ON_FORK);
    assert_int_equal(in_child(is_wiped, map), 10);
    assert_true(is_all(map->region.base, 4 * PAGE, 0x5a));
    end(map);
    map = make(4 * PAGE, WARD_MAP_WIPE_ON_FORK | WARD_MAP_LAZY);
    assert_int_equal(ward_region_commit(&map->region, 0, 2 * PAGE), 0);
    memset(map->region.base, 0x5a, 2 * PAGE);
    assert_int_equal(in_child(is_wiped, map), 10);
    end(map);
    map = make(4 * PAGE, 0);
    memset(map->region.base, 0x5a, 4 * PAGE);
    assert_false(map->region.facts & WARD_IS_WIPED_ON_FORK);
    assert_int_equal(in_child(is_wiped, map), 1);
    end(map);
}

static void an_option_the_system_refuses_fails_the_init(void **state)
{
    static const struct {
        unsigned flag;
        enum ward_host_advice needs;
    } options[] = {
        { WARD_MAP_POPULATE, WARD_HOST_POPULATE },         { WARD_MAP_THP, WARD_HOST_HUGE_ON },
        { WARD_MAP_NO_THP, WARD_HOST_HUGE_OFF },           { WARD_MAP_NO_DUMP, WARD_HOST_NO_DUMP },
        { WARD_MAP_WIPE_ON_FORK, WARD_HOST_WIPE_ON_FORK },
    };
    struct ward_map map;

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        inject_take(INJECT_NO_ADVICE(options[i].needs));
        dirty(map);
        assert_int_equal(ward_map_init(&map, PAGE, options[i].flag), -ENOTSUP);
        assert_all_zero(map);
        assert_int_equal(inject_mapped()->count, 0);
        inject_take(~INJECT_NO_ADVICE(options[i].needs));
        assert_int_equal(ward_map_init(&map, PAGE, options[i].flag), 0);
        end(&map);
    }
}

static void without_random_bytes_there_is_no_random_map(void **state)
{
    struct ward_map map;

    (void)state;
    inject_arm(1, ENOTSUP);
    dirty(map);
    assert_int_equal(ward_map_init(&map, PAGE, WARD_MAP_RANDOM), -ENOTSUP);
    assert_all_zero(map);
}

/* --- Everything that can fail, and other page sizes ------------------------------------------- */

static struct ward_map_spec failing_spec;

static int init_failing(void *object)
{
    return ward_map_init_with(object, &failing_spec);
}

static void a_host_call_that_fails_leaves_nothing_mapped(void **state)
{
    static const size_t aligns[] = { 0, 65536 };
    static const unsigned takes[] = { 0, INJECT_NO_ADVICE(WARD_HOST_GUARD) };
    struct ward_map map;

    (void)state;
    for (unsigned flags = 0; flags < 2 * WARD_MAP_CLOSED; flags++)
        for (size_t i = 0; i < 4; i++) {
            failing_spec = (struct ward_map_spec){ 4 * PAGE, aligns[i & 1], 0, flags };
            inject_take(takes[i / 2]);
            if (ward_map_init_with(&map, &failing_spec) == -EINVAL)
                continue;
            end(&map);
            assert_true(fail_each_call(init_failing, &map, sizeof map) >= 1);
        }
    assert_int_equal(inject_mapped()->count, 0);
}

static void pages_of_every_size_work(void **state)
{
    (void)state;
    for (size_t page = 16384; page <= 65536; page *= 4) {
        inject_page_size(page);
        for (unsigned flags = 0; flags <= WARD_MAP_LAZY; flags++) {
            struct ward_map *map = make(3 * page - 1, flags);

            assert_int_equal(map->region.size, 3 * page);
            assert_int_equal(map->region.grain, page);
            assert_int_equal((uintptr_t)map->region.base % page, 0);
            assert_int_equal(ward_region_commit(&map->region, 0, 3 * page), 0);
            assert_true(is_guarded(map));
            assert_int_equal(ward_region_release(&map->region, 4096, 4096), -EINVAL);
            end(map);
        }
    }
}

#define test(NAME) cmocka_unit_test_setup(NAME, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_map_is_zeroed_pages_that_can_be_written),
        test(fini_unmaps_everything_and_zeroes_the_object),
        test(fini_that_fails_changes_nothing_and_may_be_tried_again),
        test(bad_arguments_are_refused_and_leave_a_zero_object),
        test(what_does_not_fit_the_address_space_is_enomem),
        test(every_guard_page_is_inaccessible_at_once),
        test(guards_add_no_mapping),
        test(without_markers_guards_are_inaccessible_pages),
        test(guards_are_as_long_as_asked_and_never_shorter_than_the_least),
        test(very_long_guards_are_inaccessible_pages),
        test(guards_hold_in_a_child),
        test(guards_hold_through_release),
        test(every_alignment_is_kept_and_costs_no_address_space),
        test(random_maps_have_longer_guards_of_random_lengths),
        test(a_lazy_map_is_inaccessible_until_committed),
        test(a_closed_map_is_inaccessible_until_protect_opens_parts_of_it),
        test(a_map_is_lazy_closed_or_populated),
        test(commit_makes_a_growing_prefix_of_zeroes),
        test(a_growing_prefix_costs_one_boundary_between_mappings),
        test(a_lazy_map_costs_no_memory),
        test(commit_that_fails_changes_nothing),
        test(release_of_a_committed_range_reads_zero_and_gives_the_pages_back),
        test(release_beyond_what_is_committed_releases_what_is),
        test(no_range_reaches_memory_outside),
        test(ranges_off_the_page_are_refused_and_change_nothing),
        test(protection_applies_to_the_range_and_keeps_its_contents),
        test(protection_beyond_what_is_committed_is_refused),
        test(a_guard_inside_closes_and_empties_its_range),
        test(a_guard_inside_holds_in_a_child),
        test(guards_that_split_are_charged_to_a_budget_until_fini),
        test(guards_that_split_and_are_opened_again_cost_nothing),
        test(guards_that_stay_stay_charged),
        test(protection_that_fails_changes_nothing),
        test(a_guard_that_fails_never_opens_what_was_closed),
        test(populate_faults_all_pages_in),
        test(thp_is_advised_and_aligned),
        test(no_dump_keeps_it_out_of_core_dumps),
        test(a_child_sees_zeroes_of_a_map_that_is_wiped_on_fork),
        test(an_option_the_system_refuses_fails_the_init),
        test(without_random_bytes_there_is_no_random_map),
        test(a_host_call_that_fails_leaves_nothing_mapped),
        test(pages_of_every_size_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
