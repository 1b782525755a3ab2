/* SPDX-License-Identifier: MIT */
/* Eight at a time is the same as one at a time, wherever a range begins and ends. */
#include "backing.h"

#include "access/states.h"

enum { PAGES = 80 };

static WARD_ALIGNED(8) uint8_t states[PAGES];

static void the_first_page_that_differs_is_found(void **state)
{
    (void)state;
    for (size_t from = 0; from <= PAGES; from++)
        for (size_t to = from; to <= PAGES; to++)
            for (size_t odd = 0; odd < PAGES; odd++) {
                memset(states, 0xb, PAGES);
                states[odd] = 0xa;
                assert_int_equal(ward_states_find_(states, from, to, 9, 9),
                                 odd >= from && odd < to ? odd : to);
                assert_int_equal(ward_states_find_(states, from, to, 10, 10), to);
                states[odd] = 0x1b;
                assert_int_equal(ward_states_find_(states, from, to, 16, 0),
                                 odd >= from && odd < to ? odd : to);
                if (from < to)
                    assert_int_equal(ward_states_run_(states, from, to, 0x1f),
                                     odd == from              ? from + 1
                                     : odd > from && odd < to ? odd
                                                              : to);
            }
}

static void a_run_is_followed_back_to_its_first_page(void **state)
{
    (void)state;
    memset(states, 8, PAGES);
    states[40] = 9;
    assert_int_equal(ward_states_run_back_(states, 60, 0, 15, 8), 41);
    assert_int_equal(ward_states_run_back_(states, 60, 50, 15, 8), 50);
    assert_int_equal(ward_states_run_back_(states, 60, 0, 8, 8), 0);
    assert_int_equal(ward_states_run_back_(states, 40, 0, 15, 9), 40);
    states[60] = 9; /* meanwhile: the page itself is not looked at */
    assert_int_equal(ward_states_run_back_(states, 60, 0, 15, 8), 41);
}

static void a_change_is_of_its_range_and_its_bits(void **state)
{
    (void)state;
    for (size_t from = 0; from <= PAGES; from++)
        for (size_t to = from; to <= PAGES; to++) {
            memset(states, 0x1a, PAGES);
            ward_states_change_(states, from, to, 0xf, 1);
            assert_true(is_all(states, from, 0x1a) && is_all(states + from, to - from, 0xb));
            assert_true(is_all(states + to, PAGES - to, 0x1a));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_page_that_differs_is_found),
        cmocka_unit_test(a_run_is_followed_back_to_its_first_page),
        cmocka_unit_test(a_change_is_of_its_range_and_its_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
