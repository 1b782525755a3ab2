/* SPDX-License-Identifier: MIT */
/* What a guest's pages promise, for every kind of guest. Its host's part is in guest_host.c. */
#include "guests.h"

#include <ward/guard.h>
#include <ward/locked.h>
#include <ward/static.h>

/* --- Pages ------------------------------------------------------------------------------------ */

static void a_new_guest_has_nothing_mapped(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        for (size_t page = 0; page < PAGES; page += 7)
            assert_fault(&guest, page_at(&guest, page), WARD_RW, WARD_FAULT_UNMAPPED);
        assert_int_equal(guest.space.last - guest.space.first + 1, PAGES * PAGE);
        assert_int_equal(ward_guest_limit(&guest), PAGES * PAGE);
        assert_true(is_closed(guest.region->base, guest.region->size));
        end(&guest);
    }
}

static void a_mapped_page_reads_as_zero_and_keeps_what_is_written(void **state)
{
    unsigned char bytes[300], back[300];
    struct ward_guest guest;
    uint64_t at;

    (void)state;
    use_ward();
    fill_pattern(bytes, sizeof bytes);
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 3, 4, WARD_RW);
        at = page_at(&guest, 4) - 100;
        assert_int_equal(ward_space_read(&guest.space, at, back, 300, NULL), 0);
        assert_true(is_all(back, 300, 0));
        assert_int_equal(ward_space_write(&guest.space, at, bytes, 300, NULL), 0);
        assert_int_equal(ward_space_read(&guest.space, at, back, 300, NULL), 0);
        assert_memory_equal(back, bytes, 300);
        assert_memory_equal(guest.region->base + 4 * PAGE - 100, bytes, 300);
        end(&guest);
    }
}

static void it_reads_as_zero_again_after_unmap_and_map(void **state)
{
    struct ward_guest guest;
    uint64_t word = 1;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        for (unsigned round = 0; round < 3; round++) {
            uint64_t at = page_at(&guest, 10);

            map_pages(&guest, 10, 2, WARD_RW);
            assert_int_equal(ward_space_read_u64(&guest.space, at, &word, NULL), 0);
            assert_true(word == 0);
            assert_int_equal(ward_space_fill(&guest.space, at, 5, 2 * PAGE, NULL), 0);
            if (round == 1) /* closed with contents in it */
                assert_int_equal(ward_guest_protect(&guest, at, 2 * PAGE, WARD_NONE), 0);
            assert_int_equal(ward_guest_unmap(&guest, at, 2 * PAGE), 0);
            assert_fault(&guest, at, WARD_RW, WARD_FAULT_UNMAPPED);
            assert_true(is_closed(guest.region->base, guest.region->size));
        }
        end(&guest);
    }
}

static void each_page_is_mapped_alone(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        for (size_t page = 1; page < PAGES; page += 2)
            map_pages(&guest, page, 1, WARD_RW);
        for (size_t page = 0; page < PAGES; page++)
            assert_true(can_load(&guest, page) == (page % 2 == 1));
        for (size_t page = 1; page < PAGES; page += 4)
            assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, page), PAGE), 0);
        for (size_t page = 0; page < PAGES; page++)
            assert_true(can_store(&guest, page) == (page % 4 == 3));
        end(&guest);
    }
}

/* --- Addresses and protections ---------------------------------------------------------------- */

static void every_class_of_bad_address_is_efault(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 1, 5, WARD_RW);
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 3), PAGE), 0);
        assert_fault(&guest, guest.space.last + 1, WARD_RW, WARD_FAULT_RANGE);
        assert_fault(&guest, guest.space.first + UINT64_C(1) * PAGES * PAGE * 8, WARD_RW,
                     WARD_FAULT_RANGE);
        assert_fault(&guest, guest.space.first - 8, WARD_RW, WARD_FAULT_RANGE);
        assert_fault(&guest, UINT64_MAX & ~UINT64_C(7), WARD_RW, WARD_FAULT_RANGE);
        assert_fault(&guest, UINT64_C(1) << 63, WARD_RW, WARD_FAULT_RANGE);
        assert_fault(&guest, UINT64_C(1) << 47, WARD_RW, WARD_FAULT_RANGE);
        assert_fault(&guest, (uintptr_t)guest.states, WARD_RW, WARD_FAULT_RANGE);
        assert_fault(&guest, page_at(&guest, 0), WARD_RW, WARD_FAULT_UNMAPPED);
        assert_fault(&guest, page_at(&guest, 3), WARD_RW, WARD_FAULT_UNMAPPED);
        assert_fault(&guest, page_at(&guest, 6), WARD_RW, WARD_FAULT_UNMAPPED);
        assert_fault(&guest, page_at(&guest, PAGES - 1), WARD_RW, WARD_FAULT_UNMAPPED);
        end(&guest);
    }
}

static void pages_are_what_their_protection_says(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 1, 1, WARD_NONE);
        map_pages(&guest, 2, 1, WARD_READ);
        map_pages(&guest, 3, 1, WARD_EXEC);
        map_pages(&guest, 4, 1, WARD_READ | WARD_EXEC);
        map_pages(&guest, 5, 1, WARD_RW | WARD_EXEC);
        assert_fault(&guest, page_at(&guest, 1), WARD_RW, WARD_FAULT_PROT);
        assert_true(can_load(&guest, 2));
        assert_fault(&guest, page_at(&guest, 2), WARD_WRITE, WARD_FAULT_PROT);
        assert_fault(&guest, page_at(&guest, 3), WARD_RW, WARD_FAULT_PROT);
        assert_true(can_load(&guest, 4) && !can_store(&guest, 4));
        assert_true(can_load(&guest, 5) && can_store(&guest, 5));
        end(&guest);
    }
}

static void pages_are_write_only_in_a_checked_guest_alone(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        if (is_checked(&guest)) {
            map_pages(&guest, 2, 1, WARD_WRITE);
            assert_true(can_store(&guest, 2));
            assert_fault(&guest, page_at(&guest, 2), WARD_READ, WARD_FAULT_PROT);
            map_pages(&guest, 3, 1, WARD_WRITE | WARD_EXEC);
            assert_true(can_store(&guest, 3) && !can_load(&guest, 3));
        } else {
            assert_int_equal(ward_guest_map(&guest, page_at(&guest, 2), PAGE, WARD_WRITE),
                             -ENOTSUP);
            map_pages(&guest, 2, 1, WARD_RW);
            assert_int_equal(
                ward_guest_protect(&guest, page_at(&guest, 2), PAGE, WARD_WRITE | WARD_EXEC),
                -ENOTSUP);
            assert_true(can_load(&guest, 2));
        }
        end(&guest);
    }
}

static void host_pages_are_never_executable(void **state)
{
    struct ward_guest guest;
    char line[512];
    uintptr_t from, to;
    FILE *maps;

    (void)state;
    use_ward();
    make(&guest, WARD_GUEST_NULL);
    map_pages(&guest, 0, PAGES, WARD_RW | WARD_EXEC);
    assert_int_equal(ward_space_fill(&guest.space, 0, 1, PAGES * PAGE, NULL), 0);
    maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%zx-%zx", &from, &to) == 2 && from <= (uintptr_t)guest.region->base &&
            (uintptr_t)guest.region->base < to)
            assert_non_null(strstr(line, " rw-p "));
    fclose(maps);
    end(&guest);
}

static void protect_keeps_what_the_pages_hold(void **state)
{
    struct ward_guest guest;
    uint64_t at;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        unsigned char bytes[64];

        make(&guest, kinds[i]);
        at = page_at(&guest, 20);
        map_pages(&guest, 20, 8, WARD_RW);
        assert_int_equal(ward_space_fill(&guest.space, at, 7, 3 * PAGE, NULL), 0);
        assert_int_equal(ward_guest_protect(&guest, at, 8 * PAGE, WARD_READ), 0);
        assert_true(can_load(&guest, 20) && can_load(&guest, 27) && !can_store(&guest, 20));
        assert_int_equal(ward_guest_protect(&guest, at + PAGE, PAGE, WARD_NONE), 0);
        assert_true(can_load(&guest, 20) && !can_load(&guest, 21) && can_load(&guest, 22));
        assert_int_equal(ward_guest_protect(&guest, at, 8 * PAGE, WARD_RW), 0);
        assert_int_equal(ward_space_read(&guest.space, at + 2 * PAGE - 32, bytes, 64, NULL), 0);
        assert_true(is_all(bytes, 64, 7));
        assert_int_equal(ward_space_fill(&guest.space, at, 1, 8 * PAGE, NULL), 0);
        end(&guest);
    }
}

/* What was open with another protection is not open for what the new one forbids. */
static void protect_counts_at_once_for_pages_that_are_open(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 8, 8, WARD_RW);
        assert_int_equal(
            ward_space_populate(&guest.space, page_at(&guest, 8), 8 * PAGE, WARD_RW, NULL), 0);
        assert_int_equal(ward_guest_protect(&guest, page_at(&guest, 8), 8 * PAGE, WARD_READ), 0);
        ward_nofault_begin(); /* nobody opens them anew */
        for (size_t page = 8; page < 16; page++)
            assert_true(can_load(&guest, page) && !can_store(&guest, page) &&
                        !can_write(guest.region->base + page * PAGE));
        ward_nofault_end();
        assert_int_equal(ward_guest_protect(&guest, page_at(&guest, 8), 8 * PAGE, WARD_EXEC), 0);
        assert_true(is_closed(guest.region->base, guest.region->size));
        assert_fault(&guest, page_at(&guest, 9), WARD_RW, WARD_FAULT_PROT);
        end(&guest);
    }
}

static void the_page_at_zero_is_mapped_on_request_only(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    make(&guest, 0);
    assert_int_equal(ward_guest_map(&guest, 0, 2 * PAGE, WARD_RW), -EPERM);
    assert_false(can_load(&guest, 1));
    assert_int_equal(ward_guest_map(&guest, 0, 0, WARD_RW), 0);
    map_pages(&guest, 1, 1, WARD_RW);
    end(&guest);
    make(&guest, WARD_GUEST_NULL);
    map_pages(&guest, 0, 1, WARD_RW);
    assert_true(can_load(&guest, 0));
    end(&guest);
    make(&guest, WARD_GUEST_IDENTITY);
    map_pages(&guest, 0, 1, WARD_RW);
    assert_true(can_load(&guest, 0));
    assert_true(page_at(&guest, 0) == address(guest.region->base));
    end(&guest);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void ranges_that_are_none_are_refused_and_change_nothing(void **state)
{
    static const uint64_t odd[] = { 1, 8, 4095 };
    struct ward_guest guest;
    struct ward_guest_area area;

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t at, last;

        make_with(&guest, kinds[i], 32 * PAGE, NULL);
        at = page_at(&guest, 1), last = page_at(&guest, 31);
        map_pages(&guest, 31, 1, WARD_READ);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(ward_guest_map(&guest, at + odd[k], PAGE, WARD_RW), -EINVAL);
            assert_int_equal(ward_guest_map(&guest, at, odd[k], WARD_RW), -EINVAL);
            assert_int_equal(ward_guest_unmap(&guest, at + odd[k], PAGE), -EINVAL);
            assert_int_equal(ward_guest_protect(&guest, last, odd[k], WARD_RW), -EINVAL);
        }
        assert_int_equal(ward_guest_map(&guest, page_at(&guest, 30), 3 * PAGE, WARD_RW), -ERANGE);
        assert_int_equal(ward_guest_map(&guest, page_at(&guest, 32), PAGE, WARD_RW), -ERANGE);
        assert_int_equal(ward_guest_map(&guest, guest.space.first - PAGE, PAGE, WARD_RW), -ERANGE);
        assert_int_equal(ward_guest_map(&guest, at, 0 - PAGE, WARD_RW), -ERANGE);
        assert_int_equal(ward_guest_unmap(&guest, last, 2 * PAGE), -ERANGE);
        assert_int_equal(ward_guest_protect(&guest, last, 2 * PAGE, WARD_RW), -ERANGE);
        assert_int_equal(ward_guest_map(&guest, at, PAGE, WARD_GUARD), -EINVAL);
        assert_int_equal(ward_guest_map(&guest, at, PAGE, 64), -EINVAL);
        assert_int_equal(ward_guest_protect(&guest, last, PAGE, WARD_KEYED | WARD_RW), -EINVAL);
        assert_int_equal(ward_guest_map(&guest, page_at(&guest, 32), 0, WARD_RW), 0);
        assert_int_equal(ward_guest_protect(&guest, at, 0, WARD_RW), 0);
        assert_int_equal(ward_guest_unmap(&guest, at, 0), 0);
        assert_int_equal(ward_guest_get(&guest, guest.space.first, &area), 0);
        assert_true(!area.mapped && area.bytes == 31 * PAGE);
        assert_int_equal(ward_guest_get(&guest, last, &area), 0);
        assert_true(area.mapped && area.prot == WARD_READ && area.bytes == PAGE);
        end(&guest);
    }
}

static void what_is_mapped_is_not_mapped_again_and_what_is_not_is_not_protected(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    make(&guest, 0);
    map_pages(&guest, 5, 1, WARD_READ);
    assert_int_equal(ward_guest_map(&guest, page_at(&guest, 3), 4 * PAGE, WARD_RW), -EBUSY);
    assert_true(!can_load(&guest, 3) && can_load(&guest, 5) && !can_store(&guest, 5));
    assert_int_equal(ward_guest_protect(&guest, page_at(&guest, 5), 2 * PAGE, WARD_RW), -EFAULT);
    assert_true(can_load(&guest, 5) && !can_store(&guest, 5) && !can_load(&guest, 6));
    assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 1), 9 * PAGE), 0);
    assert_false(can_load(&guest, 5));
    end(&guest);
}

/* --- The limit -------------------------------------------------------------------------------- */

static void growing_raises_the_limit_and_moves_nothing(void **state)
{
    struct ward_guest guest;
    struct ward_space was;

    (void)state;
    use_ward();
    make_with(&guest, 0, 4 * PAGE, NULL);
    was = guest.space;
    map_pages(&guest, 1, 3, WARD_RW);
    assert_int_equal(ward_space_fill(&guest.space, PAGE, 3, 3 * PAGE, NULL), 0);
    assert_int_equal(ward_guest_map(&guest, 4 * PAGE, PAGE, WARD_RW), -ERANGE);
    assert_fault(&guest, 4 * PAGE, WARD_RW, WARD_FAULT_UNMAPPED);
    assert_int_equal(ward_guest_grow(&guest, 8 * PAGE), 0);
    assert_fault(&guest, 4 * PAGE, WARD_RW, WARD_FAULT_UNMAPPED);
    map_pages(&guest, 4, 4, WARD_RW);
    assert_int_equal(ward_space_fill(&guest.space, PAGE, 4, 7 * PAGE, NULL), 0);
    assert_memory_equal(&was, &guest.space, sizeof was);
    assert_int_equal(ward_guest_grow(&guest, 8 * PAGE), 0);
    assert_int_equal(ward_guest_grow(&guest, 4 * PAGE), -EINVAL);
    assert_int_equal(ward_guest_grow(&guest, 8 * PAGE + 1), -EINVAL);
    assert_int_equal(ward_guest_grow(&guest, (PAGES + 1) * PAGE), -ERANGE);
    assert_int_equal(ward_guest_limit(&guest), 8 * PAGE);
    end(&guest);
}

static void shrinking_unmaps_what_is_beyond(void **state)
{
    struct ward_guest guest;
    uint64_t word = 1;

    (void)state;
    use_ward();
    make(&guest, 0);
    map_pages(&guest, 1, 9, WARD_RW);
    assert_int_equal(ward_space_fill(&guest.space, PAGE, 3, 9 * PAGE, NULL), 0);
    assert_int_equal(ward_guest_shrink(&guest, 5 * PAGE), 0);
    assert_int_equal(ward_guest_limit(&guest), 5 * PAGE);
    assert_true(can_load(&guest, 4) && !can_load(&guest, 5) && !can_load(&guest, 9));
    assert_int_equal(ward_guest_map(&guest, 5 * PAGE, PAGE, WARD_RW), -ERANGE);
    assert_int_equal(ward_guest_shrink(&guest, 6 * PAGE), -EINVAL);
    assert_int_equal(ward_guest_shrink(&guest, PAGE / 2), -EINVAL);
    assert_int_equal(ward_guest_grow(&guest, PAGES * PAGE), 0);
    map_pages(&guest, 5, 1, WARD_RW);
    assert_int_equal(ward_space_read_u64(&guest.space, 5 * PAGE, &word, NULL), 0);
    assert_true(word == 0);
    end(&guest);
}

/* --- Areas ------------------------------------------------------------------------------------ */

static void areas_are_runs_of_equal_state(void **state)
{
    static const struct {
        size_t first, pages;
        unsigned prot;
        bool mapped;
    } expected[] = {
        { 0, 3, 0, false },         { 3, 7, WARD_RW, true },      { 10, 2, WARD_READ, true },
        { 12, 1, WARD_NONE, true }, { 13, PAGES - 13, 0, false },
    };
    struct ward_guest_area area;
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t a;
        size_t k = 0;

        make(&guest, kinds[i]);
        map_pages(&guest, 3, 4, WARD_RW);
        map_pages(&guest, 7, 3, WARD_RW);
        map_pages(&guest, 10, 2, WARD_READ);
        map_pages(&guest, 12, 1, WARD_NONE);
        assert_true(can_load(&guest, 5)); /* open or not is nobody's business */
        for (a = guest.space.first; a <= guest.space.last; a = area.first + area.bytes, k++) {
            assert_int_equal(ward_guest_get(&guest, a + 100, &area), 0);
            assert_true(area.first == page_at(&guest, expected[k].first) && area.first == a);
            assert_true(area.bytes == expected[k].pages * PAGE);
            assert_true(area.prot == expected[k].prot && area.mapped == expected[k].mapped);
        }
        assert_int_equal(k, 5);
        dirty(area);
        assert_int_equal(ward_guest_get(&guest, guest.space.last + 1, &area), -ERANGE);
        assert_all_zero(area);
        assert_int_equal(ward_guest_get(&guest, page_at(&guest, 11) + 5, &area), 0);
        assert_true(area.first == page_at(&guest, 10));
        end(&guest);
    }
}

/* --- In advance ------------------------------------------------------------------------------- */

static void check_names_the_first_byte_that_may_not_be_accessed(void **state)
{
    struct ward_fault why;
    struct ward_guest guest;

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t at;

        make(&guest, kinds[i]);
        at = page_at(&guest, 2);
        map_pages(&guest, 2, 40, WARD_RW);
        assert_int_equal(ward_space_check(&guest.space, at, 40 * PAGE, WARD_RW, &why), 0);
        assert_int_equal(ward_space_check(&guest.space, at + 9, 40 * PAGE - 9, WARD_RW, &why), 0);
        assert_int_equal(ward_space_check(&guest.space, at + 9, 40 * PAGE, WARD_RW, &why), -EFAULT);
        assert_true(why.addr == at + 40 * PAGE && why.kind == WARD_FAULT_UNMAPPED);
        assert_int_equal(ward_guest_protect(&guest, at + 33 * PAGE, PAGE, WARD_READ), 0);
        assert_int_equal(ward_space_check(&guest.space, at, 40 * PAGE, WARD_READ, &why), 0);
        assert_int_equal(ward_space_check(&guest.space, at, 40 * PAGE, WARD_RW, &why), -EFAULT);
        assert_true(why.addr == at + 33 * PAGE && why.kind == WARD_FAULT_PROT);
        assert_true(why.access == WARD_RW && why.done == 0);
        assert_int_equal(ward_space_check(&guest.space, at + 33 * PAGE + 5, 9, WARD_WRITE, &why),
                         -EFAULT);
        assert_true(why.addr == at + 33 * PAGE + 5);
        assert_true(is_closed(guest.region->base, guest.region->size)); /* nothing was touched */
        end(&guest);
    }
}

static void populate_brings_pages_in_and_changes_nothing_in_them(void **state)
{
    struct ward_fault why;
    struct ward_guest guest;
    uint64_t at, word;

    (void)state;
    skip_unless(can_count_pages(), "mincore does not count pages here");
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        at = page_at(&guest, 8);
        map_pages(&guest, 8, 20, WARD_RW);
        assert_int_equal(ward_space_write_u64(&guest.space, at + PAGE, 77, NULL), 0);
        assert_int_equal(ward_space_populate(&guest.space, at, 4 * PAGE, WARD_READ, &why), 0);
        assert_int_equal(ward_space_populate(&guest.space, at + 9, 20 * PAGE - 9, WARD_RW, &why),
                         0);
        assert_all_zero(why);
        assert_int_equal(resident_pages(guest.region->base, guest.region->size), 20);
        ward_nofault_begin();
        assert_int_equal(ward_space_read_u64(&guest.space, at + PAGE, &word, NULL), 0);
        assert_true(word == 77);
        assert_int_equal(ward_space_fill(&guest.space, at, 4, 20 * PAGE, NULL), 0);
        ward_nofault_end();
        assert_int_equal(ward_space_populate(&guest.space, at, 21 * PAGE, WARD_RW, &why), -EFAULT);
        assert_true(why.addr == at + 20 * PAGE && why.kind == WARD_FAULT_UNMAPPED);
        end(&guest);
    }
}

static void the_first_touch_opens_the_area_around_and_no_more(void **state)
{
    struct ward_guest guest;
    size_t around = 65536 / PAGE;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 1, PAGES - 1, WARD_RW);
        if (around >= 8 && 3 * around <= PAGES) {
            assert_int_equal(
                ward_guest_protect(&guest, page_at(&guest, around + 2), PAGE, WARD_READ), 0);
            assert_true(can_load(&guest, around + 5));
            assert_true(can_write(guest.region->base + (around + 3) * PAGE));
            assert_true(can_write(guest.region->base + (2 * around - 1) * PAGE));
            assert_true(is_closed(guest.region->base, (around + 3) * PAGE));
            assert_false(can_read(guest.region->base + 2 * around * PAGE));
        }
        end(&guest);
    }
}

static void in_nofault_mode_a_page_that_is_not_open_is_a_fault(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 2, 2, WARD_RW);
        ward_nofault_begin();
        assert_false(can_load(&guest, 2));
        assert_false(can_store(&guest, 2));
        ward_nofault_end();
        assert_true(can_load(&guest, 2));
        ward_nofault_begin();
        assert_true(can_store(&guest, 2));
        ward_nofault_end();
        end(&guest);
    }
}

/* --- Other accesses --------------------------------------------------------------------------- */

static void strings_atomics_and_counts_work_across_pages(void **state)
{
    struct ward_guest guest;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        struct ward_atomic add = { WARD_ATOMIC_ADD, 4, 5, 0, 0 };
        unsigned char bytes[64];
        struct ward_fault why;
        char text[64];
        uint64_t edge;

        make(&guest, kinds[i]);
        edge = page_at(&guest, 16); /* between two pieces that are opened apart */
        map_pages(&guest, 15, 2, WARD_RW);
        assert_int_equal(ward_space_write(&guest.space, edge - 5, "over the edge", 14, NULL), 0);
        assert_int_equal(ward_space_read_str(&guest.space, edge - 5, text, 64, NULL), 13);
        assert_string_equal(text, "over the edge");
        assert_int_equal(ward_space_atomic(&guest.space, edge + 64, &add, NULL), 0);
        assert_int_equal(ward_space_atomic(&guest.space, edge + 64, &add, NULL), 0);
        assert_true(add.was == 5);
        memset(bytes, 0xee, 64);
        assert_int_equal(ward_space_read(&guest.space, edge + PAGE - 20, bytes, 64, &why), -EFAULT);
        assert_true(why.done == 20 && why.addr == edge + PAGE && why.kind == WARD_FAULT_UNMAPPED);
        assert_true(is_all(bytes, 64, 0));
        assert_int_equal(ward_space_write(&guest.space, edge + PAGE - 20, bytes, 64, &why),
                         -EFAULT);
        assert_true(why.done == 20 && why.addr == edge + PAGE && why.access == WARD_WRITE);
        end(&guest);
    }
}

/* --- Regions of one's own --------------------------------------------------------------------- */

static void a_region_of_the_callers_is_given_back_empty_and_open(void **state)
{
    struct ward_guest_spec spec = { 0 };
    struct ward_split split;
    struct ward_guest guest;
    struct ward_guard guard;
    struct ward_map map;

    (void)state;
    use_ward();
    assert_int_equal(ward_map_init(&map, 10 * PAGE, 0), 0);
    assert_int_equal(ward_split_init(&split, &map.region, ward_guest_meta_bytes(10 * PAGE)), 0);
    assert_int_equal(ward_guard_init(&guard, &split.region), 0);
    memset(guard.region.base, 9, guard.region.size);
    memset(ward_split_meta_base(&split), 0xff, ward_split_meta_size(&split));
    assert_int_equal(ward_guest_init(&guest, &guard.region, &spec), 0);
    assert_true(ward_guest_ok(&guest));
    assert_true(is_closed(map.region.base, map.region.size));
    map_pages(&guest, 1, 7, WARD_RW);
    assert_int_equal(ward_space_fill(&guest.space, PAGE, 8, 7 * PAGE, NULL), 0);
    assert_int_equal(ward_guest_map(&guest, 8 * PAGE, PAGE, WARD_RW), -ERANGE);
    end(&guest);
    assert_true(is_all(guard.region.base, guard.region.size, 0));
    memset(guard.region.base, 9, guard.region.size);
    assert_int_equal(ward_region_fini(&guard.region), 0);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_region_fini(&map.region), 0);
}

static void what_cannot_be_a_guest_is_refused(void **state)
{
    static unsigned char bytes[8192];
    struct ward_guest_spec spec = { 0 };
    struct ward_split split, small;
    struct ward_static plain;
    struct ward_guest guest;
    struct ward_map map, lazy;

    (void)state;
    assert_int_equal(ward_map_init(&map, 100 * PAGE, 0), 0);
    assert_int_equal(ward_split_init(&split, &map.region, ward_guest_meta_bytes(100 * PAGE)), 0);
    assert_int_equal(ward_guest_init(NULL, &split.region, NULL), -EINVAL);
    dirty(guest);
    assert_int_equal(ward_guest_init(&guest, NULL, NULL), -EINVAL);
    assert_all_zero(guest);
    assert_int_equal(ward_guest_init(&guest, &map.region, NULL), -ENOTSUP);
    spec.flags = 16;
    assert_int_equal(ward_guest_init(&guest, &split.region, &spec), -EINVAL);
    spec.flags = WARD_GUEST_CLAMP;
    assert_int_equal(ward_guest_init(&guest, &split.region, &spec), -EINVAL);
    spec.flags = 0, spec.limit = 101 * PAGE;
    assert_int_equal(ward_guest_init(&guest, &split.region, &spec), -EINVAL);
    assert_all_zero(guest);
    memset(map.region.base, 3, map.region.size); /* still open */
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_static_init(&plain, bytes, 64), 0);
    assert_int_equal(ward_split_init_with(&small, &map.region, &plain.region), 0);
    assert_int_equal(ward_guest_init(&guest, &small.region, NULL), -ENOSPC);
    assert_int_equal(ward_region_fini(&map.region), 0);
    assert_int_equal(ward_map_init(&lazy, PAGE, WARD_MAP_LAZY), 0);
    assert_int_equal(ward_split_init(&split, &lazy.region, PAGE), 0);
    assert_int_equal(ward_guest_init(&guest, &split.region, NULL), -ENOTSUP);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_region_fini(&lazy.region), 0);
    spec = (struct ward_guest_spec){ 0 };
    assert_int_equal(ward_guest_reserve(&guest, &spec), -EINVAL);
    assert_int_equal(ward_guest_reserve(&guest, NULL), -EINVAL);
    assert_int_equal(ward_guest_reserve(NULL, &spec), -EINVAL);
    spec.size = SIZE_MAX;
    assert_int_equal(ward_guest_reserve(&guest, &spec), -EINVAL);
    assert_all_zero(guest);
    assert_int_equal(ward_guest_meta_bytes(SIZE_MAX), 0);
    assert_int_equal(ward_guest_meta_bytes(800 * PAGE), 5 * 800);
    assert_int_equal(ward_guest_fini(&guest), 0);
    assert_int_equal(ward_guest_fini(NULL), 0);
}

static void a_large_guest_costs_no_memory_before_it_is_touched(void **state)
{
    const struct ward_guest_spec spec = { .size = (size_t)1 << 36 };
    struct ward_guest guest;
    uint64_t word;

    (void)state;
    use_ward();
    assert_int_equal(ward_guest_reserve(&guest, &spec), 0);
    assert_int_equal(ward_guest_map(&guest, (UINT64_C(1) << 35), (size_t)1 << 20, WARD_RW), 0);
    assert_int_equal(ward_space_write_u64(&guest.space, (UINT64_C(1) << 35) + 4096, 3, NULL), 0);
    assert_int_equal(ward_space_read_u64(&guest.space, (UINT64_C(1) << 35) + 4096, &word, NULL), 0);
    assert_true(word == 3);
    assert_int_equal(mappings_in(guest.region->base, guest.region->size), 3);
    end(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_guest_has_nothing_mapped),
        cmocka_unit_test(a_mapped_page_reads_as_zero_and_keeps_what_is_written),
        cmocka_unit_test(it_reads_as_zero_again_after_unmap_and_map),
        cmocka_unit_test(each_page_is_mapped_alone),
        cmocka_unit_test(every_class_of_bad_address_is_efault),
        cmocka_unit_test(pages_are_what_their_protection_says),
        cmocka_unit_test(pages_are_write_only_in_a_checked_guest_alone),
        cmocka_unit_test(host_pages_are_never_executable),
        cmocka_unit_test(protect_keeps_what_the_pages_hold),
        cmocka_unit_test(protect_counts_at_once_for_pages_that_are_open),
        cmocka_unit_test(the_page_at_zero_is_mapped_on_request_only),
        cmocka_unit_test(ranges_that_are_none_are_refused_and_change_nothing),
        cmocka_unit_test(what_is_mapped_is_not_mapped_again_and_what_is_not_is_not_protected),
        cmocka_unit_test(growing_raises_the_limit_and_moves_nothing),
        cmocka_unit_test(shrinking_unmaps_what_is_beyond),
        cmocka_unit_test(areas_are_runs_of_equal_state),
        cmocka_unit_test(check_names_the_first_byte_that_may_not_be_accessed),
        cmocka_unit_test(populate_brings_pages_in_and_changes_nothing_in_them),
        cmocka_unit_test(the_first_touch_opens_the_area_around_and_no_more),
        cmocka_unit_test(in_nofault_mode_a_page_that_is_not_open_is_a_fault),
        cmocka_unit_test(strings_atomics_and_counts_work_across_pages),
        cmocka_unit_test(a_region_of_the_callers_is_given_back_empty_and_open),
        cmocka_unit_test(what_cannot_be_a_guest_is_refused),
        cmocka_unit_test(a_large_guest_costs_no_memory_before_it_is_touched),
    };

    install_first();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
