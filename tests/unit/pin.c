/* SPDX-License-Identifier: MIT */
/* What the front of pins promises, on a space that only counts. Guests have theirs in guest.c. */
#include "access.h"

#include <ward/pin.h>

enum { BYTES = 8192, FIRST = 0x10000 };

struct toy {
    struct ward_space space;
    unsigned held, asked, refuse; /* refuse: the kind of the fault */
    bool active;
    unsigned char bytes[BYTES];
    void (*meanwhile)(struct toy *); /* what happens before a pin is taken */
};

static bool toy_pin(struct ward_space *space, struct ward_pin *pin, struct ward_fault *why)
{
    struct toy *toy = (struct toy *)space;

    toy->asked++;
    toy->active = ward_recover_active();
    if (toy->meanwhile)
        toy->meanwhile(toy);
    why->kind = toy->refuse;
    if (toy->refuse)
        return false;
    pin->host = toy->bytes + (pin->a - FIRST);
    toy->held++;
    return true;
}

static void toy_unpin(struct ward_space *space, const struct ward_pin *pin)
{
    struct toy *toy = (struct toy *)space;

    if (pin->host != toy->bytes + (pin->a - FIRST))
        abort();
    toy->held--;
}

static size_t toy_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                       struct ward_fault *why)
{
    (void)why;
    memcpy(dst, ((struct toy *)space)->bytes + (a - FIRST), n);
    return n;
}

static const struct ward_space_ops toy_ops = {
    .name = "toy",
    .read = toy_read,
    .pin = toy_pin,
    .unpin = toy_unpin,
};

static struct toy toy;

static int setup(void **state)
{
    (void)state;
    memset(&toy, 0, sizeof toy);
    toy.space = (struct ward_space){ .ops = &toy_ops, .first = FIRST, .last = FIRST + BYTES - 1 };
    return 0;
}

static void a_pin_holds_until_it_is_released_and_is_released_once(void **state)
{
    struct ward_fault why;
    struct ward_pin pin;

    (void)state;
    dirty(pin), dirty(why);
    assert_int_equal(ward_space_pin(&toy.space, FIRST + 5, 10, WARD_RW, &pin, &why), 0);
    assert_all_zero(why);
    assert_true(toy.held == 1 && toy.active && !ward_recover_active());
    assert_true(pin.space == &toy.space && pin.a == FIRST + 5 && pin.n == 10);
    assert_true(pin.access == WARD_RW && pin.host == toy.bytes + 5);
    assert_int_equal(ward_space_unpin(&pin), 0);
    assert_all_zero(pin);
    assert_int_equal(toy.held, 0);
    assert_int_equal(ward_space_unpin(&pin), -EINVAL);
    assert_int_equal(toy.held, 0);
    assert_int_equal(ward_space_unpin(NULL), -EINVAL);
}

static void a_copy_of_a_pin_releases_nothing(void **state)
{
    struct ward_pin pin, copy;

    (void)state;
    assert_int_equal(ward_space_pin(&toy.space, FIRST, 1, WARD_READ, &pin, NULL), 0);
    copy = pin;
    assert_int_equal(ward_space_unpin(&copy), -EINVAL);
    assert_int_equal(toy.held, 1);
    assert_int_equal(ward_space_unpin(&pin), 0);
}

static void a_pin_that_fails_is_all_zero_and_says_why(void **state)
{
    struct ward_fault why;
    struct ward_pin pin;

    (void)state;
    toy.refuse = WARD_FAULT_PINS;
    dirty(pin);
    assert_int_equal(ward_space_pin(&toy.space, FIRST, 1, WARD_READ, &pin, &why), -ENOSPC);
    assert_true(why.kind == WARD_FAULT_PINS && why.addr == FIRST && why.access == WARD_READ);
    assert_all_zero(pin);
    dirty(pin);
    assert_int_equal(ward_space_pin(&toy.space, FIRST + 1, BYTES, WARD_READ, &pin, &why), -EFAULT);
    assert_true(why.kind == WARD_FAULT_RANGE && why.addr == FIRST + BYTES);
    assert_all_zero(pin);
    for (unsigned access = 0; access < 16; access++)
        if (access == 0 || access > WARD_RW) {
            dirty(pin);
            assert_int_equal(ward_space_pin(&toy.space, FIRST, 1, access, &pin, &why), -EINVAL);
            assert_all_zero(pin);
        }
    assert_int_equal(toy.asked, 1);
    assert_int_equal(ward_space_unpin(&pin), -EINVAL);
}

static void a_pin_of_nothing_succeeds_anywhere_and_is_released_like_any_other(void **state)
{
    const uint64_t places[] = { 0, FIRST, FIRST + BYTES, UINT64_MAX };
    struct ward_pin pin;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ward_space_pin(&toy.space, places[i], 0, WARD_RW, &pin, NULL), 0);
        assert_null(pin.host);
        assert_int_equal(ward_space_unpin(&pin), 0);
        assert_int_equal(ward_space_unpin(&pin), -EINVAL);
    }
    assert_int_equal(toy.asked, 0);
}

static void a_space_without_pins_says_so(void **state)
{
    struct ward_fault why;
    struct ward_pin pin;
    int mine = 0;

    (void)state;
    assert_int_equal(
        ward_space_pin(ward_space_self_by_table(), address(&mine), 1, WARD_READ, &pin, &why),
        -ENOTSUP);
    assert_int_equal(why.kind, WARD_FAULT_CANNOT);
    assert_int_equal(ward_space_pin(ward_space_self_by_calls(), address(&mine), sizeof mine,
                                    WARD_READ, &pin, NULL),
                     -ENOTSUP);
}

static int release_in_child(void *arg)
{
    struct ward_pin *pin = arg;

    EXPECT(ward_space_unpin(pin) == -EPERM);
    EXPECT(toy.held == 1);
    EXPECT(is_all(pin, sizeof *pin, 0));
    EXPECT(ward_space_unpin(pin) == -EINVAL);
    EXPECT(ward_space_pin(&toy.space, FIRST, 8, WARD_READ, pin, NULL) == 0);
    EXPECT(ward_space_unpin(pin) == 0);
    return 0;
}

static void pins_are_void_in_a_child(void **state)
{
    struct ward_pin pin;

    (void)state;
    skip_without_advice();
    assert_int_equal(ward_space_pin(&toy.space, FIRST, 8, WARD_READ, &pin, NULL), 0);
    assert_int_equal(in_child(release_in_child, &pin), 0);
    assert_int_equal(ward_space_unpin(&pin), 0);
}

/* --- Strings ---------------------------------------------------------------------------------- */

static void a_pinned_string_has_its_terminator(void **state)
{
    struct ward_fault why;
    struct ward_pin pin;

    (void)state;
    for (size_t length = 0; length < 1000; length += 37) {
        uint64_t at = FIRST + 4000 - length / 2;

        memset(toy.bytes, 'x', BYTES);
        toy.bytes[at - FIRST + length] = 0;
        assert_int_equal(ward_space_pin_str(&toy.space, at, 2000, &pin, &why), length);
        assert_true(pin.a == at && pin.n == length + 1 && pin.access == WARD_READ);
        assert_int_equal(strlen(pin.host), length);
        assert_int_equal(ward_space_unpin(&pin), 0);
        assert_int_equal(ward_space_pin_str(&toy.space, at, length + 1, &pin, NULL), length);
        assert_int_equal(ward_space_unpin(&pin), 0);
        if (length > 0)
            assert_int_equal(ward_space_pin_str(&toy.space, at, length, &pin, &why), -ENAMETOOLONG);
        assert_int_equal(ward_space_unpin(&pin), -EINVAL);
    }
    assert_int_equal(ward_space_pin_str(&toy.space, FIRST, 0, &pin, &why), -EINVAL);
    assert_int_equal(toy.held, 0);
}

static void a_string_that_runs_out_of_the_space_is_a_fault(void **state)
{
    struct ward_fault why;
    struct ward_pin pin;

    (void)state;
    memset(toy.bytes, 'x', BYTES);
    assert_int_equal(ward_space_pin_str(&toy.space, FIRST + BYTES - 10, 100, &pin, &why), -EFAULT);
    assert_true(why.kind == WARD_FAULT_RANGE && why.addr == FIRST + BYTES && why.done == 10);
    assert_all_zero(pin);
}

/* Wherever that is: nothing is asked for that lies behind. */
static void a_string_may_end_where_the_space_ends(void **state)
{
    struct ward_pin pin;

    (void)state;
    memset(toy.bytes, 'x', BYTES);
    for (size_t end = BYTES - 300; end <= BYTES; end += 5) {
        toy.space.last = FIRST + end - 1;
        toy.bytes[end - 1] = 0;
        assert_int_equal(ward_space_pin_str(&toy.space, FIRST + end - 290, 4000, &pin, NULL), 289);
        assert_int_equal(pin.n, 290);
        assert_int_equal(ward_space_unpin(&pin), 0);
        toy.bytes[end - 1] = 'x';
    }
}

static void grow_once(struct toy *t)
{
    t->bytes[3] = 'x';
    t->bytes[9] = 0;
}

static void grow_always(struct toy *t)
{
    size_t length = strlen((char *)t->bytes);

    t->bytes[length] = 'x';
    t->bytes[length + 1] = 0;
}

static void shrink(struct toy *t)
{
    t->bytes[1] = 0;
}

static void the_length_is_that_of_pinned_bytes(void **state)
{
    struct ward_fault why;
    struct ward_pin pin;

    (void)state;
    strcpy((char *)toy.bytes, "abc");
    toy.meanwhile = shrink;
    assert_int_equal(ward_space_pin_str(&toy.space, FIRST, 99, &pin, &why), 1);
    assert_int_equal(ward_space_unpin(&pin), 0);
    strcpy((char *)toy.bytes, "abcdefghi");
    toy.bytes[3] = 0;
    toy.meanwhile = grow_once;
    assert_int_equal(ward_space_pin_str(&toy.space, FIRST, 99, &pin, &why), 9);
    assert_all_zero(why);
    assert_int_equal(pin.n, 10);
    assert_int_equal(toy.held, 1);
    assert_int_equal(ward_space_unpin(&pin), 0);
    toy.meanwhile = grow_always;
    assert_int_equal(ward_space_pin_str(&toy.space, FIRST, 4000, &pin, &why), -EAGAIN);
    assert_true(why.kind == WARD_FAULT_BUSY && toy.held == 0);
    assert_all_zero(pin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_pin_holds_until_it_is_released_and_is_released_once, setup),
        cmocka_unit_test_setup(a_copy_of_a_pin_releases_nothing, setup),
        cmocka_unit_test_setup(a_pin_that_fails_is_all_zero_and_says_why, setup),
        cmocka_unit_test_setup(a_pin_of_nothing_succeeds_anywhere_and_is_released_like_any_other,
                               setup),
        cmocka_unit_test_setup(a_space_without_pins_says_so, setup),
        cmocka_unit_test_setup(pins_are_void_in_a_child, setup),
        cmocka_unit_test_setup(a_pinned_string_has_its_terminator, setup),
        cmocka_unit_test_setup(a_string_that_runs_out_of_the_space_is_a_fault, setup),
        cmocka_unit_test_setup(a_string_may_end_where_the_space_ends, setup),
        cmocka_unit_test_setup(the_length_is_that_of_pinned_bytes, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
