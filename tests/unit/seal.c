/* SPDX-License-Identifier: MIT */
/*
 * What is sealed stays for the life of the process, so each test seals in a child of its own.
 */
#include "failing.h"

#include <ward/guard.h>
#include <ward/locked.h>
#include <ward/seal.h>
#include <ward/split.h>
#include <ward/static.h>

#include "inject.h"

static struct ward_map map;
static struct ward_seal seal;

static int setup(void **state)
{
    (void)state;
    inject_reset();
    dirty(map);
    dirty(seal);
    return 0;
}

static bool can_seal(void)
{
    return ward_host_advise(NULL, 0, WARD_HOST_SEAL) != -ENOTSUP;
}

#define skip_without_seal() skip_unless(can_seal(), "no sealing (mseal)")

#define in_child_of_its_own(WORK)                                                                  \
    static void WORK(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        skip_without_seal();                                                                       \
        assert_int_equal(in_child(WORK##_, NULL), 0);                                              \
    }

static bool is_refused(struct ward_region *region, size_t off)
{
    static const unsigned prots[] = { WARD_NONE, WARD_READ, WARD_RW, WARD_RW | WARD_EXEC,
                                      WARD_GUARD };

    for (size_t i = 0; i < sizeof prots / sizeof prots[0]; i++)
        if (ward_region_protect(region, off, PAGE, prots[i]) != -EPERM)
            return false;
    return true;
}

static int sealed_pages_are_never_protected_(void *arg)
{
    (void)arg;
    EXPECT(ward_map_init(&map, 4 * PAGE, 0) == 0);
    memset(map.region.base, 0x5a, 4 * PAGE);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    EXPECT(ward_region_ok(&seal.region));
    EXPECT(strcmp(ward_region_name(&seal.region), "seal") == 0);
    EXPECT(seal.sealed == 4 * PAGE && ward_region_committed(&seal.region) == 4 * PAGE);
    EXPECT(seal.region.facts & WARD_IS_SEALED && map.region.facts & WARD_IS_SEALED);
    for (size_t off = 0; off < 4 * PAGE; off += PAGE) {
        EXPECT(is_refused(&seal.region, off));
        EXPECT(is_refused(&map.region, off));
    }
    EXPECT(is_all(map.region.base, 4 * PAGE, 0x5a));
    EXPECT(can_write(map.region.base));
    return 0;
}
in_child_of_its_own(sealed_pages_are_never_protected)

    static int sealed_pages_are_never_unmapped_or_moved_(void *arg)
{
    (void)arg;
    EXPECT(ward_map_init(&map, 4 * PAGE, 0) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    for (size_t off = 0; off < 4 * PAGE; off += PAGE) {
        unsigned char *at = map.region.base + off;

        EXPECT(munmap(at, PAGE) == -1);
        EXPECT(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
               MAP_FAILED);
        EXPECT(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
        EXPECT(mprotect(at, PAGE, PROT_READ) == -1);
        EXPECT(can_write(at));
    }
    return 0;
}
in_child_of_its_own(sealed_pages_are_never_unmapped_or_moved)

    static int release_of_sealed_pages_works_(void *arg)
{
    (void)arg;
    EXPECT(ward_map_init(&map, 4 * PAGE, 0) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    memset(map.region.base, 0x5a, 4 * PAGE);
    EXPECT(ward_region_release(&seal.region, PAGE, 2 * PAGE) == 0);
    EXPECT(is_all(map.region.base, PAGE, 0x5a) && is_all(map.region.base + 3 * PAGE, PAGE, 0x5a));
    EXPECT(is_all(map.region.base + PAGE, 2 * PAGE, 0));
    EXPECT(ward_region_release(&seal.region, 0, 5 * PAGE) == -ERANGE);
    return 0;
}
in_child_of_its_own(release_of_sealed_pages_works)

    static int fini_drops_the_pages_keeps_the_addresses_and_says_so_(void *arg)
{
    unsigned char *base;

    (void)arg;
    EXPECT(ward_map_init(&map, 4 * PAGE, 0) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    base = map.region.base;
    memset(base, 0x5a, 4 * PAGE);
    EXPECT(ward_region_fini(&seal.region) == -EPERM);
    EXPECT(is_all(&seal, sizeof seal, 0));
    EXPECT(resident_pages(base, 4 * PAGE) == 0);
    EXPECT(is_all(base, 4 * PAGE, 0));
    base[0] = 1;
    EXPECT(ward_region_fini(&map.region) == -EPERM);
    EXPECT(is_all(&map, sizeof map, 0));
    EXPECT(is_all(base, 4 * PAGE, 0));
    EXPECT(can_write(base));
    EXPECT(ward_region_fini(&map.region) == 0 && ward_region_fini(&seal.region) == 0);
    EXPECT(ward_map_init(&map, 4 * PAGE, 0) == 0);
    EXPECT(map.region.base != base);
    return 0;
}
in_child_of_its_own(fini_drops_the_pages_keeps_the_addresses_and_says_so)

    static int commit_seals_step_by_step_(void *arg)
{
    (void)arg;
    EXPECT(ward_map_init(&map, 8 * PAGE, WARD_MAP_LAZY) == 0);
    EXPECT(ward_region_commit(&map.region, 0, PAGE) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    EXPECT(seal.sealed == PAGE);
    for (size_t pages = 2; pages <= 8; pages += 2) {
        EXPECT(ward_region_commit(&seal.region, 0, pages * PAGE) == 0);
        EXPECT(ward_region_committed(&seal.region) == pages * PAGE);
        EXPECT(ward_region_committed(&map.region) == pages * PAGE);
        memset(map.region.base, 0x5a, pages * PAGE);
        EXPECT(mprotect(map.region.base + (pages - 1) * PAGE, PAGE, PROT_READ) == -1);
        EXPECT(pages == 8 || !can_read(map.region.base + pages * PAGE));
        EXPECT(ward_region_commit(&seal.region, 0, PAGE) == 0);
    }
    EXPECT(is_closed(map.region.base - PAGE, PAGE) && is_closed(map.region.base + 8 * PAGE, PAGE));
    return 0;
}
in_child_of_its_own(commit_seals_step_by_step)

    static int with_nothing_committed_there_is_nothing_sealed_yet_(void *arg)
{
    (void)arg;
    EXPECT(ward_map_init(&map, 4 * PAGE, WARD_MAP_LAZY) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    EXPECT(seal.sealed == 0 && !(seal.region.facts & WARD_IS_SEALED));
    EXPECT(!(map.region.facts & WARD_IS_SEALED));
    EXPECT(ward_region_fini(&seal.region) == 0);
    EXPECT(is_all(&seal, sizeof seal, 0));
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    EXPECT(ward_region_commit(&seal.region, 0, PAGE) == 0);
    EXPECT(seal.region.facts & WARD_IS_SEALED);
    EXPECT(is_refused(&seal.region, 0) && is_refused(&map.region, 0));
    EXPECT(ward_region_fini(&seal.region) == -EPERM);
    EXPECT(ward_region_fini(&map.region) == -EPERM);
    return 0;
}
in_child_of_its_own(with_nothing_committed_there_is_nothing_sealed_yet)

    static int commit_that_cannot_seal_may_be_tried_again_(void *arg)
{
    (void)arg;
    EXPECT(ward_map_init(&map, 4 * PAGE, WARD_MAP_LAZY) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    for (unsigned long n = 1; n <= 2; n++) {
        inject_arm(n, ENOMEM);
        EXPECT(ward_region_commit(&seal.region, 0, 2 * PAGE) == -ENOMEM);
        inject_arm(0, 0);
        EXPECT(ward_region_committed(&seal.region) == 0);
        EXPECT(!(seal.region.facts & WARD_IS_SEALED));
    }
    EXPECT(ward_region_commit(&seal.region, 0, 2 * PAGE) == 0);
    EXPECT(ward_region_committed(&seal.region) == 2 * PAGE);
    EXPECT(mprotect(map.region.base, 2 * PAGE, PROT_READ) == -1);
    return 0;
}
in_child_of_its_own(commit_that_cannot_seal_may_be_tried_again)

    static int a_guarded_split_can_be_sealed_and_keeps_its_metadata_(void *arg)
{
    struct ward_split split;
    struct ward_guard guard;
    struct ward_seal meta_seal;

    (void)arg;
    EXPECT(ward_map_init(&map, 8 * PAGE, 0) == 0);
    EXPECT(ward_split_init(&split, &map.region, PAGE) == 0);
    EXPECT(ward_guard_init(&guard, &split.region) == 0);
    EXPECT(ward_seal_init(&seal, &guard.region) == 0);
    EXPECT(ward_region_meta(&seal.region) == ward_split_meta(&split));
    EXPECT(seal.region.base == map.region.base + PAGE && seal.sealed == 6 * PAGE);
    EXPECT(is_refused(&seal.region, 0) && is_refused(&guard.region, 0));
    EXPECT(ward_region_protect(&map.region, PAGE, PAGE, WARD_READ) == -EPERM);
    EXPECT(ward_seal_init(&meta_seal, ward_split_meta(&split)) == 0);
    EXPECT(is_refused(ward_split_meta(&split), 0));
    EXPECT(can_write(ward_split_meta_base(&split)) && can_write(seal.region.base));
    EXPECT(ward_region_fini(&meta_seal.region) == -EPERM);
    EXPECT(ward_region_fini(&seal.region) == -EPERM);
    EXPECT(ward_region_fini(&guard.region) == 0);
    EXPECT(ward_region_fini(&split.region) == -EPERM);
    EXPECT(is_all(&split, sizeof split, 0));
    EXPECT(ward_region_fini(&map.region) == -EPERM);
    return 0;
}
in_child_of_its_own(a_guarded_split_can_be_sealed_and_keeps_its_metadata)

    static int sealed_locked_memory_is_cleared_and_unlocked_by_fini_(void *arg)
{
    struct ward_locked locked;
    unsigned char *base;

    (void)arg;
    EXPECT(ward_locked_init(&locked, 2 * PAGE) == 0);
    EXPECT(ward_seal_init(&seal, &locked.region) == 0);
    base = locked.region.base;
    memset(base, 0x5a, 2 * PAGE);
    EXPECT(ward_region_release(&seal.region, 0, PAGE) == 0);
    EXPECT(is_all(base, PAGE, 0));
    EXPECT(ward_region_fini(&seal.region) == -EPERM);
    EXPECT(is_all(base, 2 * PAGE, 0));
    memset(base, 0x5a, 2 * PAGE);
    EXPECT(ward_region_fini(&locked.region) == -EPERM);
    EXPECT(is_all(&locked, sizeof locked, 0));
    EXPECT(is_all(base, 2 * PAGE, 0));
    EXPECT(!has_vm_flag(base, "lo"));
    return 0;
}
in_child_of_its_own(sealed_locked_memory_is_cleared_and_unlocked_by_fini)

    /* Read-only first, sealed then: the system refuses even to empty it. Nothing may crash. */
    static int what_was_read_only_when_sealed_stays_as_it_is_(void *arg)
{
    struct ward_locked locked;

    (void)arg;
    EXPECT(ward_locked_init(&locked, 2 * PAGE) == 0);
    locked.region.base[0] = 7;
    EXPECT(ward_region_protect(&locked.region, 0, 2 * PAGE, WARD_READ) == 0);
    EXPECT(ward_seal_init(&seal, &locked.region) == 0);
    EXPECT(ward_region_release(&seal.region, 0, PAGE) == -EPERM);
    EXPECT(ward_region_fini(&seal.region) == -EPERM);
    EXPECT(ward_region_fini(&locked.region) == -EPERM);
    EXPECT(ward_map_init(&map, PAGE, 0) == 0);
    EXPECT(ward_region_protect(&map.region, 0, PAGE, WARD_READ) == 0);
    EXPECT(ward_seal_init(&seal, &map.region) == 0);
    EXPECT(ward_region_release(&seal.region, 0, PAGE) == -EPERM);
    EXPECT(ward_region_fini(&seal.region) == -EPERM);
    EXPECT(ward_region_fini(&map.region) == -EPERM);
    return 0;
}
in_child_of_its_own(what_was_read_only_when_sealed_stays_as_it_is)

    static void without_sealing_nothing_is_sealed_and_it_says_so(void **state)
{
    static const unsigned flags[] = { 0, WARD_MAP_LAZY };

    (void)state;
    inject_take(INJECT_NO_ADVICE(WARD_HOST_SEAL));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ward_map_init(&map, 4 * PAGE, flags[i]), 0);
        dirty(seal);
        assert_int_equal(ward_seal_init(&seal, &map.region), -ENOTSUP);
        assert_all_zero(seal);
        assert_false(map.region.facts & WARD_IS_SEALED);
        assert_int_equal(ward_region_fini(&map.region), 0);
    }
}

static void what_is_no_mapping_cannot_be_sealed(void **state)
{
    static WARD_ALIGNED(4096) unsigned char buffer[4096];
    struct ward_static bytes;

    (void)state;
    assert_int_equal(ward_static_init(&bytes, buffer, sizeof buffer), 0);
    assert_int_equal(ward_seal_init(&seal, &bytes.region), -ENOTSUP);
    assert_all_zero(seal);
    assert_int_equal(inject_count(), 0);
}

static void a_failed_init_seals_nothing(void **state)
{
    (void)state;
    assert_int_equal(ward_map_init(&map, 4 * PAGE, 0), 0);
    inject_arm(1, ENOMEM);
    assert_int_equal(ward_seal_init(&seal, &map.region), -ENOMEM);
    assert_all_zero(seal);
    assert_int_equal(ward_region_protect(&map.region, 0, PAGE, WARD_READ), 0);
    assert_int_equal(ward_region_fini(&map.region), 0);
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    struct ward_region none = { 0 };

    (void)state;
    assert_int_equal(ward_map_init(&map, PAGE, 0), 0);
    assert_int_equal(ward_seal_init(NULL, &map.region), -EINVAL);
    assert_int_equal(ward_region_fini(&map.region), 0);
    assert_int_equal(ward_seal_init(&seal, NULL), -EINVAL);
    assert_all_zero(seal);
    dirty(seal);
    assert_int_equal(ward_seal_init(&seal, &none), -EINVAL);
    assert_all_zero(seal);
}

#define test(NAME) cmocka_unit_test_setup(NAME, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(sealed_pages_are_never_protected),
        test(sealed_pages_are_never_unmapped_or_moved),
        test(release_of_sealed_pages_works),
        test(fini_drops_the_pages_keeps_the_addresses_and_says_so),
        test(commit_seals_step_by_step),
        test(with_nothing_committed_there_is_nothing_sealed_yet),
        test(commit_that_cannot_seal_may_be_tried_again),
        test(a_guarded_split_can_be_sealed_and_keeps_its_metadata),
        test(sealed_locked_memory_is_cleared_and_unlocked_by_fini),
        test(what_was_read_only_when_sealed_stays_as_it_is),
        test(without_sealing_nothing_is_sealed_and_it_says_so),
        test(what_is_no_mapping_cannot_be_sealed),
        test(a_failed_init_seals_nothing),
        test(bad_arguments_are_refused_and_leave_a_zero_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
