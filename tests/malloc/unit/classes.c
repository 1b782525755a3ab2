/* SPDX-License-Identifier: MIT */
/* The class of each size: the first whose slots are large enough, and little larger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "malloc/class.h"

static void the_class_of_a_size_is_the_first_that_is_large_enough(void **state)
{
    size_t before = 0;

    (void)state;
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        size_t bytes = class_bytes(class);

        assert_true(before < bytes);
        assert_int_equal(class_computed(before + 1), class);
        assert_int_equal(class_computed(bytes), class);
        before = bytes;
    }
}

/* And every block is aligned. */
static void slots_are_whole_steps(void **state)
{
    (void)state;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        assert_int_equal(class_bytes(class) % CLASS_STEP, 0);
}

static void little_of_a_slot_is_left(void **state)
{
    (void)state;
    for (unsigned class = CLASS_FINE; class < CLASS_COUNT; class ++) {
        size_t bytes = class_bytes(class), before = class_bytes(class - 1);
        size_t parts = before >= CLASS_QUICK_MAX && before < CLASS_EIGHTHS_MAX ? 8 : 4;

        assert_true((bytes - before) * parts <= before);
    }
}

static void bounds_and_powers_of_two_are_classes(void **state)
{
    (void)state;
    assert_int_equal(class_bytes(CLASS_FINE - 1), CLASS_FINE_MAX);
    assert_int_equal(class_bytes(CLASS_EIGHTHS - 1), CLASS_QUICK_MAX);
    assert_int_equal(class_bytes(CLASS_SMALL - 1), CLASS_SMALL_MAX);
    assert_int_equal(class_bytes(CLASS_COUNT - 1), CLASS_MAX);
    for (size_t bytes = CLASS_STEP; bytes <= CLASS_MAX; bytes *= 2)
        assert_int_equal(class_bytes(class_computed(bytes)), bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_class_of_a_size_is_the_first_that_is_large_enough),
        cmocka_unit_test(slots_are_whole_steps),
        cmocka_unit_test(little_of_a_slot_is_left),
        cmocka_unit_test(bounds_and_powers_of_two_are_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
