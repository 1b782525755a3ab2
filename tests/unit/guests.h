/* SPDX-License-Identifier: MIT */
/*
 * What the tests of guests share: guests of every kind, and what must hold of them.
 *
 * To be included first.
 */
#ifndef WARD_TESTS_UNIT_GUESTS_H
#define WARD_TESTS_UNIT_GUESTS_H

#include "access.h"

#include <ward/guest.h>

enum { PAGES = 64 };

/* Every kind of guest that there is, but for the page at 0. */
static const unsigned kinds[] = {
    0,
    WARD_GUEST_CLAMP,
    WARD_GUEST_IDENTITY,
    WARD_GUEST_CHECKED,
    WARD_GUEST_CHECKED | WARD_GUEST_CLAMP | WARD_GUEST_IDENTITY,
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static inline bool is_checked(const struct ward_guest *guest)
{
    return (guest->flags & WARD_GUEST_CHECKED) != 0;
}

static inline void make_with(struct ward_guest *guest, unsigned flags, size_t limit,
                             const struct ward_guest_hooks *hooks)
{
    const struct ward_guest_spec spec = { PAGES * PAGE, limit, flags, hooks };

    dirty(*guest);
    if (ward_guest_reserve(guest, &spec) || !ward_guest_ok(guest))
        abort();
}

static inline void make(struct ward_guest *guest, unsigned flags)
{
    make_with(guest, flags, 0, NULL);
}

static inline void end(struct ward_guest *guest)
{
    assert_int_equal(ward_guest_fini(guest), 0);
    assert_all_zero(*guest);
}

/* The guest address of a page. */
static inline uint64_t page_at(const struct ward_guest *guest, size_t page)
{
    return guest->space.first + page * PAGE;
}

static inline void map_pages(struct ward_guest *guest, size_t page, size_t count, unsigned prot)
{
    assert_int_equal(ward_guest_map(guest, page_at(guest, page), count * PAGE, prot), 0);
}

static inline bool can_load(struct ward_guest *guest, size_t page)
{
    uint8_t value;

    return ward_space_read_u8(&guest->space, page_at(guest, page), &value, NULL) == 0;
}

static inline bool can_store(struct ward_guest *guest, size_t page)
{
    return ward_space_write_u8(&guest->space, page_at(guest, page) + PAGE - 1, 9, NULL) == 0;
}

/* Every access to an address fails, by the same kind of fault. */
static inline void assert_fault(struct ward_guest *guest, uint64_t a, unsigned access,
                                unsigned kind)
{
    struct ward_atomic add = { WARD_ATOMIC_ADD, 8, 1, 0, 0 };
    struct ward_space *space = &guest->space;
    struct ward_fault why;
    unsigned char bytes[24];
    uint64_t word = 7;

    if (access & WARD_READ) {
        memset(bytes, 0xee, sizeof bytes);
        assert_int_equal(ward_space_read(space, a, bytes, sizeof bytes, &why), -EFAULT);
        assert_true(why.kind == kind && why.addr == a && why.done == 0 && why.access == WARD_READ);
        assert_true(is_all(bytes, sizeof bytes, 0));
        assert_int_equal(ward_space_read_u64(space, a, &word, &why), -EFAULT);
        assert_true(why.kind == kind && why.addr == a && word == 0);
        assert_true(ward_space_read_str(space, a, (char *)bytes, 24, &why) == -EFAULT);
        assert_int_equal(ward_space_check(space, a, 8, WARD_READ, &why), -EFAULT);
        assert_true(why.kind == kind && why.addr == a);
        assert_int_equal(ward_space_populate(space, a, 8, WARD_READ, &why), -EFAULT);
        assert_true(why.kind == kind && why.addr == a);
    }
    if (access & WARD_WRITE) {
        assert_int_equal(ward_space_write(space, a, &word, 8, &why), -EFAULT);
        assert_true(why.kind == kind && why.addr == a && why.done == 0 && why.access == WARD_WRITE);
        assert_int_equal(ward_space_fill(space, a, 1, 8, &why), -EFAULT);
        assert_int_equal(ward_space_write_u16(space, a, 1, &why), -EFAULT);
        assert_true(why.kind == kind && why.addr == a);
        assert_int_equal(ward_space_check(space, a, 8, WARD_WRITE, &why), -EFAULT);
        assert_int_equal(why.kind, kind);
    }
    assert_int_equal(ward_space_atomic(space, a, &add, &why), -EFAULT);
    assert_true(why.kind == kind && why.addr == a && add.was == 0);
}

#endif
