/* SPDX-License-Identifier: MIT */
#include "access.h"

#include <ward/iov.h>

static struct ward_space *self;
static unsigned char *pages; /* two, and behind them a fault */

static void what_is_used_is_what_was_imported(void **state)
{
    struct ward_iov theirs[3] = { { address(pages), 5 },
                                  { address(pages + 100), 0 },
                                  { address(pages + 50), 7 } };
    struct ward_iov ours[4];
    struct ward_iov_list list;
    unsigned char copy[20];

    (void)state;
    use_ward();
    fill_pattern(pages, 2 * PAGE);
    assert_int_equal(ward_iov_import(self, address(theirs), 3, ours, 4, WARD_READ, &list, NULL), 0);
    assert_true(list.count == 3 && list.total == 12);
    assert_int_equal(ward_iovec_import(self, ward_iovec_in_at(address(theirs)), 3, ours, 4,
                                       WARD_READ, &list, NULL),
                     0);
    assert_true(list.count == 3 && list.total == 12);
    memset(theirs, 0xff, sizeof theirs); /* too late */
    memset(copy, 0xee, sizeof copy);
    assert_int_equal(ward_iov_read(self, &list, 0, copy, 20, NULL), 12);
    assert_memory_equal(copy, pages, 5);
    assert_memory_equal(copy + 5, pages + 50, 7);
    assert_true(is_all(copy + 12, 8, 0xee));
    assert_int_equal(ward_iov_read(self, &list, 3, copy, 4, NULL), 4);
    assert_true(copy[0] == pages[3] && copy[1] == pages[4] && copy[2] == pages[50]);
    assert_int_equal(ward_iov_read(self, &list, 12, copy, 4, NULL), 0);
    assert_int_equal(ward_iov_read(self, &list, SIZE_MAX, copy, 4, NULL), 0);
    memset(copy, 9, sizeof copy);
    assert_int_equal(ward_iov_write(self, &list, 4, copy, 3, NULL), 3);
    assert_true(pages[3] != 9 && pages[4] == 9 && pages[50] == 9 && pages[51] == 9);
    assert_true(pages[52] != 9);
}

static void a_fault_counts_over_all_ranges(void **state)
{
    struct ward_iov theirs[2] = { { address(pages), 10 }, { address(pages + 2 * PAGE - 4), 10 } };
    struct ward_iov ours[2];
    struct ward_iov_list list;
    struct ward_fault why;
    unsigned char copy[20];

    (void)state;
    use_ward();
    memset(pages, 1, 2 * PAGE);
    assert_int_equal(ward_iov_import(self, address(theirs), 2, ours, 2, WARD_RW, &list, NULL), 0);
    memset(copy, 0xee, sizeof copy);
    assert_int_equal(ward_iov_read(self, &list, 0, copy, 20, &why), -EFAULT);
    assert_true(why.done == 14 && why.addr == address(pages + 2 * PAGE));
    assert_true(is_all(copy, 14, 1) && is_all(copy + 14, 6, 0));
    memset(copy, 2, sizeof copy);
    assert_int_equal(ward_iov_write(self, &list, 5, copy, 15, &why), -EFAULT);
    assert_int_equal(why.done, 9);
    assert_true(is_all(pages + 5, 5, 2) && is_all(pages + 2 * PAGE - 4, 4, 2));
}

static void vectors_that_make_no_sense_are_refused(void **state)
{
    struct ward_iov theirs[3] = { { address(pages), 1 }, { address(pages), SIZE_MAX }, { 0, 1 } };
    struct ward_iov ours[3];
    struct ward_iov_list list;
    struct ward_fault why;

    (void)state;
    use_ward();
    dirty(list);
    assert_int_equal(ward_iov_import(self, address(theirs), 2, ours, 3, WARD_READ, &list, NULL),
                     -EINVAL);
    assert_all_zero(list);
    theirs[1].len = PTRDIFF_MAX;
    assert_int_equal(ward_iov_import(self, address(theirs), 2, ours, 3, WARD_READ, &list, &why),
                     -EINVAL);
    assert_all_zero(why);
    assert_int_equal(ward_iov_import(self, address(theirs), 3, ours, 2, WARD_READ, &list, NULL),
                     -EINVAL);
    assert_int_equal(ward_iov_import(self, address(theirs), WARD_IOV_COUNT + 1, ours, SIZE_MAX,
                                     WARD_READ, &list, NULL),
                     -EINVAL);
    assert_int_equal(ward_iov_import(self, address(theirs) + 4, 1, ours, 3, WARD_READ, &list, NULL),
                     -EINVAL);
    assert_int_equal(ward_iov_import(self, address(&theirs[2]), 1, ours, 3, WARD_READ, &list, NULL),
                     -EFAULT);
    assert_int_equal(ward_iov_import(self, 64, 1, ours, 3, WARD_READ, &list, NULL), -EFAULT);
    assert_int_equal(ward_iov_import(self, 3, 0, ours, 3, WARD_READ, &list, NULL), 0);
    assert_true(list.count == 0 && list.total == 0);
}

static void what_is_beyond_the_limit_is_cut_off(void **state)
{
    struct ward_iov theirs[3] = { { address(pages), WARD_IOV_BYTES - 10 },
                                  { address(pages), 100 },
                                  { address(pages), 100 } };
    struct ward_iov ours[3];
    struct ward_iov_list list;

    (void)state;
    use_ward();
    assert_int_equal(ward_iov_import(self, address(theirs), 3, ours, 3, WARD_READ, &list, NULL), 0);
    assert_true(list.total == WARD_IOV_BYTES && ours[1].len == 10 && ours[2].len == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_is_what_was_imported),
        cmocka_unit_test(a_fault_counts_over_all_ranges),
        cmocka_unit_test(vectors_that_make_no_sense_are_refused),
        cmocka_unit_test(what_is_beyond_the_limit_is_cut_off),
    };

    install_first();
    self = ward_space_self();
    pages = map_edge(2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
