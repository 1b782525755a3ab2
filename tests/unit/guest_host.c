/* SPDX-License-Identifier: MIT */
/* What guests promise their hosts: hooks, pins, forks, and nothing changed by what failed. */
#include "guests.h"

#include <pthread.h>

#include "access/guest.h"
#include "inject.h"

/* --- A host with hooks ------------------------------------------------------------------------ */

struct host {
    struct ward_guest guest;
    enum ward_answer answer;
    unsigned asked, kind; /* kind: what WARD_FAIL leaves */
    bool maps, copies;    /* what it does about a page that is not there, or not writable */
    bool unlocked;        /* while it ran, the guest could be changed */
    unsigned char device[4096];
    size_t serves; /* bytes at most, of each piece */
};

static struct host host;

static enum ward_answer host_fault(struct ward_guest *guest, struct ward_fault *fault)
{
    uint64_t page = fault->addr & ~(uint64_t)(PAGE - 1);

    if (guest != &host.guest)
        abort();
    host.asked++;
    host.unlocked = ward_guest_protect(guest, page_at(guest, PAGES - 1), PAGE, WARD_READ) == 0;
    if (host.maps && fault->kind == WARD_FAULT_UNMAPPED)
        return ward_guest_map(guest, page, PAGE, WARD_RW) ? WARD_FAIL : WARD_RETRY;
    if (host.copies && fault->kind == WARD_FAULT_PROT && fault->access & WARD_WRITE)
        return ward_guest_protect(guest, page, PAGE, WARD_RW) ? WARD_FAIL : WARD_RETRY;
    fault->kind = host.kind ? host.kind : fault->kind;
    return host.answer;
}

static size_t host_read(struct ward_guest *guest, uint64_t a, void *dst, size_t n,
                        struct ward_fault *why)
{
    size_t done = n < host.serves ? n : host.serves;

    if (a / PAGE != (a + n - 1) / PAGE)
        abort();
    (void)guest;
    memcpy(dst, host.device + a % PAGE, done);
    why->addr = a + done;
    why->kind = WARD_FAULT_BUS;
    return done;
}

static size_t host_write(struct ward_guest *guest, uint64_t a, const void *src, size_t n,
                         struct ward_fault *why)
{
    size_t done = n < host.serves ? n : host.serves;

    (void)guest;
    memcpy(host.device + a % PAGE, src, done);
    why->addr = a + done;
    why->kind = WARD_FAULT_BUS;
    return done;
}

static const struct ward_guest_hooks hooks = { host_fault, host_read, host_write };

static void make_host(unsigned flags)
{
    memset(&host, 0, sizeof host);
    make_with(&host.guest, flags, 0, &hooks);
    map_pages(&host.guest, PAGES - 1, 1, WARD_READ);
    host.serves = SIZE_MAX;
}

static void a_host_may_map_on_demand_and_copy_on_write(void **state)
{
    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        struct ward_pin pin;
        uint64_t at;

        make_host(kinds[i]);
        at = page_at(&host.guest, 4);
        map_pages(&host.guest, 5, 1, WARD_READ);
        host.maps = host.copies = true;
        assert_int_equal(ward_space_fill(&host.guest.space, at, 6, 3 * PAGE, NULL), 0);
        assert_true(host.asked == 3 && host.unlocked);
        assert_true(is_all(host.guest.region->base + 4 * PAGE, 3 * PAGE, 6));
        assert_int_equal(ward_space_fill(&host.guest.space, at, 7, 3 * PAGE, NULL), 0);
        assert_true(can_store(&host.guest, 10) && host.asked == 4);
        assert_int_equal(ward_space_populate(&host.guest.space, page_at(&host.guest, 12), 2 * PAGE,
                                             WARD_WRITE, NULL),
                         0);
        assert_int_equal(
            ward_space_pin(&host.guest.space, page_at(&host.guest, 20), 9, WARD_RW, &pin, NULL), 0);
        assert_int_equal(host.asked, 7);
        assert_int_equal(ward_space_unpin(&pin), 0);
        end(&host.guest);
    }
}

static void a_host_serves_what_is_no_memory(void **state)
{
    unsigned char bytes[200];

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        struct ward_atomic load = { WARD_ATOMIC_LOAD, 4, 0, 0, 0 };
        struct ward_fault why;
        struct ward_pin pin;
        uint64_t device, word = 0;

        make_host(kinds[i]);
        host.answer = WARD_SERVE;
        device = page_at(&host.guest, 9);
        map_pages(&host.guest, 8, 1, WARD_RW);
        map_pages(&host.guest, 10, 1, WARD_RW);
        memset(host.device, 3, sizeof host.device);
        assert_int_equal(ward_space_read(&host.guest.space, device - 100, bytes, 200, NULL), 0);
        assert_true(is_all(bytes, 100, 0) && is_all(bytes + 100, 100, 3));
        assert_int_equal(
            ward_space_write_u64(&host.guest.space, device + 16, 0x0404040404040404, NULL), 0);
        assert_true(is_all(host.device + 16, 8, 4) && host.device[24] == 3);
        assert_int_equal(ward_space_read_u64(&host.guest.space, device + 16, &word, NULL), 0);
        assert_true(word == 0x0404040404040404);
        assert_int_equal(ward_space_fill(&host.guest.space, device - 50, 5, PAGE + 90, NULL), 0);
        assert_true(is_all(host.device, PAGE < 4096 ? PAGE : 4096, 5));
        assert_true(is_all(host.guest.region->base + 10 * PAGE, 40, 5));
        assert_true(is_all(host.guest.region->base + 9 * PAGE - 50, 50, 5));
        host.serves = 7;
        memset(bytes, 0xee, 200);
        assert_int_equal(ward_space_read(&host.guest.space, device - 100, bytes, 200, &why),
                         -EFAULT);
        assert_true(why.done == 107 && why.addr == device + 7 && why.kind == WARD_FAULT_BUS);
        assert_true(why.access == WARD_READ && is_all(bytes + 107, 93, 0));
        assert_int_equal(ward_space_atomic(&host.guest.space, device, &load, &why), -ENOTSUP);
        assert_int_equal(ward_space_pin(&host.guest.space, device, 4, WARD_READ, &pin, &why),
                         -ENOTSUP);
        end(&host.guest);
    }
}

static void a_host_that_fails_may_say_why_and_is_not_asked_without_end(void **state)
{
    struct ward_fault why;
    uint64_t word;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make_host(kinds[i]);
        host.kind = WARD_FAULT_NO_MEMORY;
        assert_int_equal(
            ward_space_read_u64(&host.guest.space, page_at(&host.guest, 1), &word, &why), -EFAULT);
        assert_true(why.kind == WARD_FAULT_NO_MEMORY && why.addr == page_at(&host.guest, 1));
        host.asked = 0, host.answer = WARD_RETRY;
        assert_int_equal(
            ward_space_read_u64(&host.guest.space, page_at(&host.guest, 1), &word, &why), -EFAULT);
        assert_int_equal(host.asked, WARD_SPACE_RETRIES);
        host.asked = 0;
        assert_int_equal(
            ward_space_populate(&host.guest.space, page_at(&host.guest, 1), 1, WARD_READ, &why),
            -EFAULT);
        assert_int_equal(host.asked, WARD_SPACE_RETRIES);
        host.asked = 0;
        ward_nofault_begin();
        assert_false(can_load(&host.guest, 1));
        ward_nofault_end();
        assert_int_equal(host.asked, 0);
        assert_int_equal(
            ward_space_check(&host.guest.space, page_at(&host.guest, 1), 1, WARD_READ, &why),
            -EFAULT);
        assert_int_equal(host.asked, 0);
        end(&host.guest);
    }
}

/* --- Pins ------------------------------------------------------------------------------------- */

/* Everything that would take page 5 away is refused, and it is as it was. */
static void assert_held(struct ward_guest *guest)
{
    struct ward_guest_area area;

    assert_int_equal(ward_guest_unmap(guest, page_at(guest, 5), PAGE), -EBUSY);
    assert_int_equal(ward_guest_unmap(guest, page_at(guest, 0), 9 * PAGE), -EBUSY);
    assert_int_equal(ward_guest_protect(guest, page_at(guest, 4), 3 * PAGE, WARD_NONE), -EBUSY);
    assert_int_equal(ward_guest_protect(guest, page_at(guest, 5), PAGE, WARD_RW), -EBUSY);
    assert_int_equal(ward_guest_shrink(guest, PAGE), -EBUSY);
    assert_int_equal(ward_guest_fini(guest), -EBUSY);
    assert_int_equal(ward_guest_limit(guest), PAGES * PAGE);
    assert_int_equal(ward_guest_get(guest, page_at(guest, 3), &area), 0);
    assert_true(area.mapped && area.prot == WARD_RW && area.bytes == 6 * PAGE);
    assert_true(is_all(guest->region->base + 3 * PAGE, 6 * PAGE, 2));
}

static void what_is_pinned_stays_as_it_is_until_it_is_released(void **state)
{
    struct ward_pin pin, over;
    struct ward_guest guest;
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 3, 6, WARD_RW);
        assert_int_equal(ward_space_fill(&guest.space, page_at(&guest, 3), 2, 6 * PAGE, NULL), 0);
        assert_int_equal(ward_guest_protect(&guest, page_at(&guest, 3), 6 * PAGE, WARD_NONE), 0);
        assert_int_equal(ward_guest_protect(&guest, page_at(&guest, 3), 6 * PAGE, WARD_RW), 0);
        assert_int_equal(
            ward_space_pin(&guest.space, page_at(&guest, 5) + 9, 5, WARD_RW, &pin, &why), 0);
        assert_ptr_equal(pin.host, guest.region->base + 5 * PAGE + 9);
        assert_true(*(unsigned char *)pin.host == 2);
        assert_true(can_read(guest.region->base + 5 * PAGE));
        assert_int_equal(
            ward_space_populate(&guest.space, page_at(&guest, 3), 6 * PAGE, WARD_RW, NULL), 0);
        assert_held(&guest);
        assert_int_equal(
            ward_space_pin(&guest.space, page_at(&guest, 4), 2 * PAGE, WARD_READ, &over, &why), 0);
        assert_int_equal(ward_space_unpin(&pin), 0);
        assert_held(&guest);
        memset(over.host, 4, 1);
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 6), PAGE), 0);
        assert_int_equal(ward_guest_protect(&guest, page_at(&guest, 3), PAGE, WARD_READ), 0);
        assert_int_equal(ward_guest_shrink(&guest, 6 * PAGE), 0);
        assert_int_equal(ward_space_unpin(&over), 0);
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 0), 6 * PAGE), 0);
        end(&guest);
    }
}

static void a_pin_is_refused_where_the_access_would_be(void **state)
{
    struct ward_guest guest;
    struct ward_fault why;
    struct ward_pin pin;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 3, 2, WARD_READ);
        assert_int_equal(
            ward_space_pin(&guest.space, page_at(&guest, 3), PAGE, WARD_RW, &pin, &why), -EFAULT);
        assert_true(why.kind == WARD_FAULT_PROT && why.addr == page_at(&guest, 3));
        assert_int_equal(
            ward_space_pin(&guest.space, page_at(&guest, 4) + 5, PAGE, WARD_READ, &pin, &why),
            -EFAULT);
        assert_true(why.kind == WARD_FAULT_UNMAPPED && why.addr == page_at(&guest, 5));
        assert_all_zero(pin);
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 3), 2 * PAGE), 0);
        end(&guest);
    }
}

static void more_pins_than_can_be_counted_are_refused(void **state)
{
    struct ward_pin *pins = calloc(WARD_GUEST_PINS + 1, sizeof *pins);
    struct ward_guest guest;
    struct ward_fault why;
    uint64_t at;

    (void)state;
    use_ward();
    assert_non_null(pins);
    make(&guest, 0);
    map_pages(&guest, 2, 3, WARD_RW);
    at = page_at(&guest, 3);
    for (size_t i = 0; i < WARD_GUEST_PINS; i++)
        assert_int_equal(ward_space_pin(&guest.space, at, 1, WARD_READ, &pins[i], NULL), 0);
    assert_int_equal(
        ward_space_pin(&guest.space, at - 9, 20, WARD_READ, &pins[WARD_GUEST_PINS], &why), -ENOSPC);
    assert_true(why.kind == WARD_FAULT_PINS && why.addr == at);
    assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 2), PAGE), 0); /* not one was kept */
    assert_int_equal(ward_space_unpin(&pins[77]), 0);
    assert_int_equal(ward_space_pin(&guest.space, at, 1, WARD_READ, &pins[77], NULL), 0);
    for (size_t i = 0; i < WARD_GUEST_PINS; i++) {
        assert_int_equal(ward_guest_unmap(&guest, at, PAGE), -EBUSY);
        assert_int_equal(ward_space_unpin(&pins[i]), 0);
    }
    assert_int_equal(ward_guest_unmap(&guest, at, PAGE), 0);
    free(pins);
    end(&guest);
}

static void a_pinned_string_is_read_where_it_lies(void **state)
{
    struct ward_guest guest;
    struct ward_fault why;
    struct ward_pin pin;
    uint64_t at;

    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make(&guest, kinds[i]);
        map_pages(&guest, 3, 2, WARD_RW);
        at = page_at(&guest, 4) - 3;
        assert_int_equal(ward_space_write(&guest.space, at, "pinned", 7, NULL), 0);
        assert_int_equal(ward_space_pin_str(&guest.space, at, 100, &pin, &why), 6);
        assert_string_equal(pin.host, "pinned");
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 4), PAGE), -EBUSY);
        assert_int_equal(ward_space_unpin(&pin), 0);
        assert_int_equal(ward_space_fill(&guest.space, at, 1, PAGE + 3, NULL), 0);
        assert_int_equal(ward_space_pin_str(&guest.space, at, 9999, &pin, &why), -EFAULT);
        assert_true(why.addr == page_at(&guest, 5) && why.kind == WARD_FAULT_UNMAPPED);
        assert_true(why.done == PAGE + 3);
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 3), 2 * PAGE), 0);
        end(&guest);
    }
}

/* --- Forks ------------------------------------------------------------------------------------ */

static struct ward_guest forked;
static struct ward_pin parents;

static int work_in_child(void *unused)
{
    uint64_t word = 0;

    (void)unused;
    use_ward();
    EXPECT(ward_space_read_u64(&forked.space, 4 * PAGE, &word, NULL) == 0 && word == 9);
    EXPECT(ward_guest_unmap(&forked, 4 * PAGE, PAGE) == 0);
    EXPECT(!can_load(&forked, 4) && can_load(&forked, 5));
    EXPECT(ward_space_unpin(&parents) == -EPERM);
    EXPECT(ward_guest_map(&forked, 4 * PAGE, PAGE, WARD_RW) == 0);
    EXPECT(ward_space_read_u64(&forked.space, 4 * PAGE, &word, NULL) == 0 && word == 0);
    EXPECT(ward_space_pin(&forked.space, 4 * PAGE, 1, WARD_RW, &parents, NULL) == 0);
    EXPECT(ward_guest_fini(&forked) == -EBUSY);
    EXPECT(ward_space_unpin(&parents) == 0);
    EXPECT(ward_guest_fini(&forked) == 0);
    return 0;
}

static void make_forked(void)
{
    make(&forked, 0);
    map_pages(&forked, 4, 2, WARD_RW);
    assert_int_equal(ward_space_write_u64(&forked.space, 4 * PAGE, 9, NULL), 0);
    assert_int_equal(ward_space_pin(&forked.space, 4 * PAGE, 1, WARD_RW, &parents, NULL), 0);
}

static void a_child_has_a_guest_of_its_own_and_no_pins(void **state)
{
    uint64_t word = 0;

    (void)state;
    use_ward();
    make_forked();
    assert_int_equal(in_child(work_in_child, NULL), 0);
    assert_int_equal(ward_guest_unmap(&forked, 4 * PAGE, PAGE), -EBUSY);
    assert_int_equal(ward_space_read_u64(&forked.space, 4 * PAGE, &word, NULL), 0);
    assert_true(word == 9);
    assert_int_equal(ward_space_unpin(&parents), 0);
    end(&forked);
}

/* The lock is held as by another thread, and the pages are not as their states say: opened too
 * far, as in the middle of a protect. */
static void a_child_of_a_fork_in_the_middle_of_a_change_goes_on(void **state)
{
    (void)state;
    use_ward();
    make_forked();
    assert_int_equal(ward_guest_enter_(&forked), 0);
    assert_int_equal(ward_region_protect(forked.region, 6 * PAGE, PAGE, WARD_RW), 0);
    assert_int_equal(in_child(work_in_child, NULL), 0);
    ward_guest_leave_(&forked);
    assert_int_equal(ward_region_protect(forked.region, 6 * PAGE, PAGE, WARD_NONE), 0);
    assert_int_equal(ward_space_unpin(&parents), 0);
    end(&forked);
}

static int find_closed(void *unused)
{
    uint64_t word;

    (void)unused;
    use_ward();
    EXPECT(ward_guest_map(&forked, 7 * PAGE, PAGE, WARD_READ) == 0);
    EXPECT(!can_load(&forked, 6));
    EXPECT(ward_space_read_u64(&forked.space, 4 * PAGE, &word, NULL) == 0 && word == 9);
    EXPECT(ward_guest_map(&forked, 9 * PAGE, PAGE, WARD_READ) == 0);
    ward_nofault_begin();
    EXPECT(can_load(&forked, 4)); /* closed once, not each time */
    ward_nofault_end();
    return 0;
}

static int find_unmended(void *unused)
{
    (void)unused;
    inject_arm_from(1, ENOMEM);
    EXPECT(ward_guest_map(&forked, 7 * PAGE, PAGE, WARD_READ) == -ENOMEM);
    EXPECT(ward_guest_unmap(&forked, 4 * PAGE, PAGE) == -ENOMEM);
    inject_reset();
    return find_closed(NULL);
}

static void what_was_half_open_is_closed_in_the_child(void **state)
{
    (void)state;
    use_ward();
    make_forked();
    assert_int_equal(ward_guest_enter_(&forked), 0);
    assert_int_equal(ward_region_protect(forked.region, 6 * PAGE, PAGE, WARD_RW), 0);
    assert_int_equal(in_child(find_closed, NULL), 0);
    assert_int_equal(in_child(find_unmended, NULL), 0);
    ward_guest_leave_(&forked);
    assert_int_equal(ward_space_unpin(&parents), 0);
    end(&forked);
}

/* --- What fails changes nothing --------------------------------------------------------------- */

static void a_reservation_that_fails_leaves_nothing_mapped(void **state)
{
    const struct ward_guest_spec spec = { .size = PAGES * PAGE };
    static struct inject_ledger before;
    struct ward_guest guest;
    bool fired = true;

    (void)state;
    (void)ward_host_fork_epoch();
    before = *inject_mapped();
    for (unsigned long n = 1; fired; n++) {
        int error;

        dirty(guest);
        inject_arm(n, ENOMEM);
        error = ward_guest_reserve(&guest, &spec);
        fired = inject_fired();
        inject_arm(0, 0);
        if (error)
            assert_all_zero(guest);
        else
            end(&guest);
        assert_true(error == -ENOMEM || (error == 0 && (!fired || n > 2)));
        assert_true(inject_mapped_is(&before));
    }
}

/* The pages 2 to 9, in three areas, some open, some closed with contents. */
static void make_varied(struct ward_guest *guest, unsigned flags)
{
    make(guest, flags);
    map_pages(guest, 2, 8, WARD_RW);
    assert_int_equal(ward_space_fill(&guest->space, page_at(guest, 2), 6, 8 * PAGE, NULL), 0);
    assert_int_equal(ward_guest_protect(guest, page_at(guest, 4), 2 * PAGE, WARD_READ), 0);
    assert_int_equal(ward_guest_protect(guest, page_at(guest, 6), PAGE, WARD_NONE), 0);
    assert_int_equal(ward_guest_protect(guest, page_at(guest, 6), PAGE, WARD_RW), 0);
}

static void assert_varied(struct ward_guest *guest)
{
    for (size_t page = 0; page < 14; page++) {
        uint64_t word = 0;
        bool there = page >= 2 && page < 10, writable = there && page != 4 && page != 5;

        assert_true(can_load(guest, page) == there);
        if (there) {
            assert_int_equal(ward_space_read_u64(&guest->space, page_at(guest, page), &word, NULL),
                             0);
            assert_true(word == 0x0606060606060606);
        }
        assert_true(can_store(guest, page) == writable);
    }
}

static int unmap_some(struct ward_guest *guest)
{
    return ward_guest_unmap(guest, page_at(guest, 1), 8 * PAGE);
}

static int unmap_closed(struct ward_guest *guest)
{
    return ward_guest_unmap(guest, page_at(guest, 6), PAGE);
}

static int protect_some(struct ward_guest *guest)
{
    return ward_guest_protect(guest, page_at(guest, 3), 5 * PAGE, WARD_READ);
}

static int protect_open(struct ward_guest *guest)
{
    return ward_guest_protect(guest, page_at(guest, 2), 2 * PAGE, WARD_READ);
}

static int shrink_some(struct ward_guest *guest)
{
    return ward_guest_shrink(guest, 3 * PAGE);
}

static void a_change_that_fails_changes_nothing(void **state)
{
    static int (*const changes[])(struct ward_guest *) = { unmap_some, unmap_closed, protect_some,
                                                           protect_open, shrink_some };
    static const unsigned taken[] = { 0, INJECT_NO_ADVICE(WARD_HOST_GUARD) };
    unsigned failures = 0;

    (void)state;
    use_ward();
    for (size_t i = 0; i < 5 * KINDS * 2; i++) {
        bool fired = true;

        for (unsigned long n = 1; fired; n++) {
            struct ward_guest guest;
            int error;

            make_varied(&guest, kinds[i / 10]);
            inject_take(taken[i % 2]);
            inject_arm(n, ENOMEM);
            error = changes[i / 2 % 5](&guest);
            fired = inject_fired();
            inject_reset();
            if (error) {
                assert_true(fired && error == -ENOMEM);
                assert_int_equal(ward_guest_limit(&guest), PAGES * PAGE);
                assert_varied(&guest);
                failures++;
                assert_int_equal(changes[i / 2 % 5](&guest), 0);
            }
            end(&guest);
        }
    }
    assert_true(failures >= 5 * KINDS);
}

/* Is a host page accessible that the states do not allow, or writable where they do not? */
static void assert_no_more_open_than_the_states_say(struct ward_guest *guest)
{
    for (size_t page = 0; page < PAGES; page++) {
        uint64_t at = (uintptr_t)guest->region->base + page * PAGE;
        struct ward_guest_area area;
        uint8_t byte;

        assert_int_equal(ward_guest_get(guest, page_at(guest, page), &area), 0);
        if ((area.prot & WARD_READ) == 0)
            assert_int_equal(ward_space_read_u8(ward_space_self(), at, &byte, NULL), -EFAULT);
        if ((area.prot & WARD_WRITE) == 0)
            assert_int_equal(ward_space_write_u8(ward_space_self(), at, 9, NULL), -EFAULT);
    }
}

/* A run of pages is opened or changed by more than one call, and one of them may fail when the
 * processor lets accesses through already: before the state says so, or against it. */
static void what_fails_half_way_leaves_no_page_more_open_than_its_state(void **state)
{
    unsigned failures = 0;
    bool fired = true;

    (void)state;
    use_ward();
    for (unsigned long n = 1; fired; n++) {
        struct ward_guest guest;

        make(&guest, 0);
        map_pages(&guest, 2, 2, WARD_RW);
        assert_true(can_store(&guest, 2));
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 2), PAGE), 0); /* by a guard */
        map_pages(&guest, 2, 1, WARD_RW);
        map_pages(&guest, 4, 2, WARD_RW);
        inject_arm(n, ENOMEM);
        failures += !can_store(&guest, 4);
        failures += ward_guest_protect(&guest, page_at(&guest, 4), PAGE, WARD_READ) != 0;
        failures += ward_guest_protect(&guest, page_at(&guest, 4), PAGE, WARD_RW) != 0;
        fired = inject_fired();
        inject_reset();
        assert_no_more_open_than_the_states_say(&guest);
        assert_int_equal(ward_guest_unmap(&guest, page_at(&guest, 2), 4 * PAGE), 0);
        assert_no_more_open_than_the_states_say(&guest);
        end(&guest);
    }
    assert_true(failures >= 3); /* one more where guards are markers, which are taken back apart */
}

static void a_page_that_cannot_be_opened_is_a_fault_and_may_be_tried_again(void **state)
{
    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        struct ward_guest guest;
        struct ward_fault why;
        struct ward_pin pin;
        uint64_t at, word;

        make(&guest, kinds[i]);
        map_pages(&guest, 2, 2, WARD_RW);
        at = page_at(&guest, 2);
        inject_arm_from(1, ENOMEM);
        assert_int_equal(ward_space_read_u64(&guest.space, at, &word, &why), -EFAULT);
        assert_true(why.kind == WARD_FAULT_NO_MEMORY && why.addr == at);
        assert_int_equal(ward_space_populate(&guest.space, at, PAGE, WARD_READ, &why), -EFAULT);
        assert_int_equal(why.kind, WARD_FAULT_NO_MEMORY);
        assert_int_equal(ward_space_pin(&guest.space, at, PAGE, WARD_READ, &pin, &why), -EFAULT);
        assert_int_equal(why.kind, WARD_FAULT_NO_MEMORY);
        assert_all_zero(pin);
        inject_arm_from(1, EPERM);
        assert_int_equal(ward_space_read_u64(&guest.space, at, &word, &why), -EFAULT);
        assert_int_equal(why.kind, WARD_FAULT_DENIED);
        inject_reset();
        assert_int_equal(ward_space_read_u64(&guest.space, at, &word, &why), 0);
        assert_int_equal(ward_guest_unmap(&guest, at, 2 * PAGE), 0); /* nothing is pinned */
        end(&guest);
    }
}

static void a_host_is_not_asked_about_a_page_that_cannot_be_had(void **state)
{
    (void)state;
    use_ward();
    for (size_t i = 0; i < KINDS; i++) {
        make_host(kinds[i]);
        map_pages(&host.guest, 2, 1, WARD_RW);
        inject_arm_from(1, ENOMEM);
        assert_false(can_load(&host.guest, 2));
        inject_reset();
        assert_int_equal(host.asked, 0);
        end(&host.guest);
    }
}

/* --- A region that does not what it says ------------------------------------------------------ */

static struct ward_split liar_of;
static bool lies;

static int liar_release(struct ward_region *region, size_t off, size_t len)
{
    (void)region;
    return ward_region_release(&liar_of.region, off, len);
}

static int liar_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    (void)region;
    return lies ? 0 : ward_region_protect(&liar_of.region, off, len, prot);
}

static struct ward_region *liar_meta(const struct ward_region *region)
{
    (void)region;
    return ward_region_meta(&liar_of.region);
}

static const struct ward_region_ops liar_ops = {
    .name = "liar",
    .release = liar_release,
    .protect = liar_protect,
    .meta = liar_meta,
};

/* Pages that are said to be open and are not stand for those for which there is no memory. */
static void a_pin_whose_pages_cannot_be_brought_in_is_none(void **state)
{
    struct ward_region liar;
    struct ward_guest guest;
    struct ward_fault why;
    struct ward_map map;
    struct ward_pin pin;

    (void)state;
    use_ward();
    assert_int_equal(ward_map_init(&map, 8 * PAGE, 0), 0);
    assert_int_equal(ward_split_init(&liar_of, &map.region, PAGE), 0);
    liar = liar_of.region;
    liar.ops = &liar_ops;
    assert_int_equal(ward_guest_init(&guest, &liar, NULL), 0);
    map_pages(&guest, 2, 3, WARD_RW);
    lies = true;
    assert_int_equal(ward_space_populate(&guest.space, 2 * PAGE + 5, PAGE, WARD_READ, &why),
                     -EFAULT);
    assert_true(why.addr == 2 * PAGE + 5 && why.kind == WARD_FAULT_PROT);
    assert_int_equal(ward_space_pin(&guest.space, 2 * PAGE, PAGE, WARD_WRITE, &pin, &why), -EFAULT);
    assert_all_zero(pin);
    lies = false;
    assert_int_equal(ward_guest_unmap(&guest, 2 * PAGE, 3 * PAGE), 0);
    end(&guest);
    assert_int_equal(ward_region_fini(&liar_of.region), 0);
    assert_int_equal(ward_region_fini(&map.region), 0);
}

/* Where the host cannot populate, pages are touched. */
static void populate_works_without_the_hosts_help(void **state)
{
    struct ward_guest guest;

    (void)state;
    skip_unless(can_count_pages(), "mincore does not count pages here");
    use_ward();
    make(&guest, 0);
    map_pages(&guest, 2, 9, WARD_RW);
    inject_take(INJECT_NO_ADVICE(WARD_HOST_POPULATE));
    assert_int_equal(ward_space_populate(&guest.space, 2 * PAGE, 9 * PAGE, WARD_WRITE, NULL), 0);
    assert_int_equal(resident_pages(guest.region->base, guest.region->size), 9);
    inject_reset();
    end(&guest);
}

static void a_guest_that_cannot_be_ended_can_be_ended_later(void **state)
{
    static struct inject_ledger before;
    struct ward_guest guest;

    (void)state;
    use_ward();
    before = *inject_mapped();
    for (unsigned long n = 1; n <= 2; n++) {
        make(&guest, 0);
        map_pages(&guest, 2, 1, WARD_RW);
        assert_true(can_store(&guest, 2));
        inject_arm(n, ENOMEM);
        assert_int_equal(ward_guest_fini(&guest), -ENOMEM);
        inject_reset();
        end(&guest);
    }
    assert_true(inject_mapped_is(&before));
}

static void a_region_that_cannot_be_closed_is_left_open(void **state)
{
    struct ward_split split;
    struct ward_guest guest;
    struct ward_map map;
    unsigned long n = 1;
    bool fired = true;

    (void)state;
    assert_int_equal(ward_map_init(&map, 8 * PAGE, 0), 0);
    assert_int_equal(ward_split_init(&split, &map.region, PAGE), 0);
    for (; fired; n++) {
        int error;

        inject_arm(n, EINVAL);
        error = ward_guest_init(&guest, &split.region, NULL);
        fired = inject_fired();
        inject_reset();
        assert_int_equal(error, fired ? -EINVAL : 0);
        if (!error)
            break;
        assert_all_zero(guest);
        memset(map.region.base, 1, map.region.size);
    }
    assert_true(n > 3);
    end(&guest);
    assert_int_equal(ward_region_fini(&split.region), 0);
    assert_int_equal(ward_region_fini(&map.region), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_may_map_on_demand_and_copy_on_write),
        cmocka_unit_test(a_host_serves_what_is_no_memory),
        cmocka_unit_test(a_host_that_fails_may_say_why_and_is_not_asked_without_end),
        cmocka_unit_test(what_is_pinned_stays_as_it_is_until_it_is_released),
        cmocka_unit_test(a_pin_is_refused_where_the_access_would_be),
        cmocka_unit_test(more_pins_than_can_be_counted_are_refused),
        cmocka_unit_test(a_pinned_string_is_read_where_it_lies),
        cmocka_unit_test(a_child_has_a_guest_of_its_own_and_no_pins),
        cmocka_unit_test(a_child_of_a_fork_in_the_middle_of_a_change_goes_on),
        cmocka_unit_test(what_was_half_open_is_closed_in_the_child),
        cmocka_unit_test(a_reservation_that_fails_leaves_nothing_mapped),
        cmocka_unit_test(a_change_that_fails_changes_nothing),
        cmocka_unit_test(what_fails_half_way_leaves_no_page_more_open_than_its_state),
        cmocka_unit_test(a_page_that_cannot_be_opened_is_a_fault_and_may_be_tried_again),
        cmocka_unit_test(a_host_is_not_asked_about_a_page_that_cannot_be_had),
        cmocka_unit_test(a_pin_whose_pages_cannot_be_brought_in_is_none),
        cmocka_unit_test(populate_works_without_the_hosts_help),
        cmocka_unit_test(a_guest_that_cannot_be_ended_can_be_ended_later),
        cmocka_unit_test(a_region_that_cannot_be_closed_is_left_open),
    };

    install_first();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
