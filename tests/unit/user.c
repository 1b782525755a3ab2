/* SPDX-License-Identifier: MIT */
/* Typed pointers: what they carry over the boundary, and what they refuse at run time. What they
 * refuse at compile time is in tests/compile_fail. */
#include "access.h"

#include <ward/user.h>

struct point {
    int32_t x, y;
};
WARD_USER_DEFINE(upoint, struct point, WARD_FIELDS(struct point, x, y));

struct line {
    struct point from, to;
    char name[8];
    double width;
};
WARD_USER_DEFINE(uline, struct line,
                 WARD_FIELD_OF(upoint, struct line, from) + WARD_FIELD_OF(upoint, struct line, to) +
                     WARD_FIELDS(struct line, name, width));

struct option {
    bool on;
    uint8_t spare[7];
};

static inline bool option_is_valid(const struct option *copy)
{
    return ward_user_is_bool(&copy->on) && copy->spare[0] == 0;
}

WARD_USER_DEFINE_CHECKED(uoption, struct option,
                         WARD_FIELDS_CHECKED(struct option, on) + WARD_FIELDS(struct option, spare),
                         option_is_valid);

struct padded {
    char c;
    long l;
};
WARD_USER_IN_DEFINE(upadded, struct padded);

static struct ward_space *self;
static unsigned char *pages;

static uint64_t edge_minus(size_t bytes)
{
    return address(pages + PAGE - bytes);
}

static void structures_go_in_and_out_whole(void **state)
{
    struct line line = { { 1, 2 }, { 3, 4 }, "abcdefg", 0.5 }, copy;
    uint64_t at = edge_minus(sizeof line);

    (void)state;
    use_ward();
    assert_int_equal(uline_write(self, uline_out_at(at), &line, NULL), 0);
    assert_int_equal(uline_read(self, uline_in_at(at), &copy, NULL), 0);
    assert_memory_equal(&copy, &line, sizeof line);
    assert_memory_equal(pages + PAGE - sizeof line, &line, sizeof line);
}

static void a_failed_read_leaves_a_zero_value(void **state)
{
    struct line copy;
    struct ward_fault why;
    uint32_t word = 5;

    (void)state;
    use_ward();
    dirty(copy);
    assert_int_equal(uline_read(self, uline_in_at(edge_minus(8)), &copy, &why), -EFAULT);
    assert_all_zero(copy);
    assert_true(why.done == 8 && why.addr == edge_minus(0));
    dirty(copy);
    assert_int_equal(uline_read(self, uline_in_at(edge_minus(40) + 1), &copy, &why), -EINVAL);
    assert_all_zero(copy);
    assert_true(why.kind == WARD_FAULT_ALIGN && why.addr == edge_minus(40) + 1);
    assert_int_equal(ward_u32_read(self, ward_u32_in_at(edge_minus(0)), &word, &why), -EFAULT);
    assert_int_equal(word, 0);
}

static void unaligned_is_said_by_name(void **state)
{
    struct point p = { 5, 6 }, copy;

    (void)state;
    use_ward();
    assert_int_equal(upoint_write(self, upoint_out_at(edge_minus(11)), &p, NULL), -EINVAL);
    assert_int_equal(upoint_write_unaligned(self, upoint_out_at(edge_minus(11)), &p, NULL), 0);
    assert_int_equal(upoint_read_unaligned(self, upoint_in_at(edge_minus(11)), &copy, NULL), 0);
    assert_true(copy.x == 5 && copy.y == 6);
    dirty(copy);
    assert_int_equal(upoint_read_unaligned(self, upoint_in_at(edge_minus(3)), &copy, NULL),
                     -EFAULT);
    assert_all_zero(copy);
}

static void arrays_have_a_length_or_an_error(void **state)
{
    uint16_t out[4] = { 1, 2, 3, 4 }, in[4];
    ward_u16_in at = ward_u16_in_at(edge_minus(8));
    struct ward_fault why;

    (void)state;
    use_ward();
    assert_int_equal(ward_u16_write_array(self, ward_u16_out_at(edge_minus(8)), out, 4, NULL), 0);
    assert_int_equal(ward_u16_read_array(self, at, in, 4, NULL), 0);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(ward_u16_read_array(self, at, in, SIZE_MAX, NULL), -EOVERFLOW);
    assert_int_equal(ward_u16_read_array(self, at, in, SIZE_MAX / 2 + 1, NULL), -EOVERFLOW);
    assert_int_equal(ward_u16_write_array(self, ward_u16_out_at(3), out, 2, &why), -EINVAL);
    assert_int_equal(ward_u16_read_array(self, ward_u16_in_at(3), in, 0, &why), 0);
    assert_int_equal(ward_u16_read_array(self, ward_u16_in_at(edge_minus(4)), in, 4, &why),
                     -EFAULT);
    assert_true(why.done == 4 && in[0] == 3 && in[1] == 4 && in[2] == 0 && in[3] == 0);
    assert_int_equal(ward_u16_in_check(self, at, SIZE_MAX, NULL), -EOVERFLOW);
    assert_int_equal(ward_u16_in_check(self, at, 4, NULL), 0);
    assert_int_equal(ward_u16_in_check(self, ward_u16_in_at(UINT64_MAX - 1), 4, NULL), -EFAULT);
}

static void offsets_do_not_wrap(void **state)
{
    upoint_in u = upoint_in_at(1000), to;

    (void)state;
    assert_int_equal(upoint_in_offset(u, 3, &to), 0);
    assert_int_equal(upoint_in_addr(to), 1024);
    assert_int_equal(upoint_in_offset(u, -125, &to), 0);
    assert_true(upoint_in_is_null(to));
    assert_int_equal(upoint_in_offset(u, -126, &to), -EOVERFLOW);
    assert_int_equal(upoint_in_offset(u, PTRDIFF_MAX, &to), -EOVERFLOW);
    assert_int_equal(upoint_in_offset(u, PTRDIFF_MIN, &to), -EOVERFLOW);
    assert_true(upoint_in_is_null(to));
    assert_int_equal(upoint_in_offset(upoint_in_at(UINT64_MAX - 8), 1, &to), 0);
    assert_int_equal(upoint_in_offset(upoint_in_at(UINT64_MAX - 7), 1, &to), -EOVERFLOW);
}

static void null_may_mean_absent(void **state)
{
    struct point p;
    bool there = true;

    (void)state;
    use_ward();
    dirty(p);
    assert_int_equal(upoint_read_or_null(self, upoint_in_at(0), &p, &there, NULL), 0);
    assert_false(there);
    assert_all_zero(p);
    assert_int_equal(upoint_read_or_null(self, upoint_in_at(4), &p, &there, NULL), -EFAULT);
    assert_true(there);
    assert_int_equal(upoint_write_or_null(self, upoint_out_at(0), &p, NULL), 0);
    assert_int_equal(upoint_write(self, upoint_out_at(0), &p, NULL), -EFAULT);
}

static void what_the_validator_refuses_is_einval_and_zero(void **state)
{
    unsigned char good[16] = { 1, 0, 0, 0, 0, 0, 0, 0, 0 }, bad[16] = { 1, 0, 0, 0, 0, 0, 0, 0, 2 };
    struct option copy[2];
    struct ward_fault why;

    (void)state;
    use_ward();
    assert_int_equal(uoption_read_array(self, uoption_in_at(address(good)), copy, 2, NULL), 0);
    assert_true(copy[0].on && !copy[1].on);
    assert_int_equal(uoption_read_array(self, uoption_in_at(address(bad)), copy, 2, &why), -EINVAL);
    assert_true(is_all(copy, sizeof copy, 0));
    assert_all_zero(why);
    assert_int_equal(uoption_read(self, uoption_in_at(address(bad + 8)), copy, NULL), -EINVAL);
}

static void directions_and_types_change_by_name_only(void **state)
{
    upoint_inout both = upoint_inout_at(4096);
    ward_u8_in bytes = WARD_USER_CAST_IN(ward_u8, upoint_in_of(both));

    (void)state;
    assert_int_equal(ward_u8_in_addr(bytes), 4096);
    assert_int_equal(upoint_out_addr(upoint_out_of(both)), 4096);
    assert_true(sizeof both == 8 && sizeof bytes == 8);
}

static void atomics_are_typed(void **state)
{
    uint32_t word = 5, was = 0;
    ward_u32_inout u = ward_u32_inout_at(address(&word));

    (void)state;
    use_ward();
    assert_int_equal(ward_u32_atomic_add(self, u, 3, &was, NULL), 0);
    assert_true(was == 5 && word == 8);
    assert_int_equal(ward_u32_atomic_compare_exchange(self, u, 8, UINT32_MAX, &was, NULL), 0);
    assert_true(was == 8 && word == UINT32_MAX);
    assert_int_equal(ward_u32_atomic_load(self, u, &was, NULL), 0);
    assert_true(was == UINT32_MAX); /* a value as good as any: errors are elsewhere */
    assert_int_equal(ward_u32_atomic_store(self, u, 1, NULL), 0);
    assert_int_equal(ward_u32_atomic_or(self, u, 6, &was, NULL), 0);
    assert_int_equal(word, 7);
    assert_int_equal(
        ward_u32_atomic_exchange(self, ward_u32_inout_at(address(&word) + 1), 9, &was, NULL),
        -EINVAL);
    assert_true(was == 0 && word == 7);
}

static void what_is_only_read_may_have_padding(void **state)
{
    struct padded there = { 'x', 77 }, copy;

    (void)state;
    use_ward();
    assert_int_equal(upadded_read(self, upadded_in_at(address(&there)), &copy, NULL), 0);
    assert_true(copy.c == 'x' && copy.l == 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structures_go_in_and_out_whole),
        cmocka_unit_test(a_failed_read_leaves_a_zero_value),
        cmocka_unit_test(unaligned_is_said_by_name),
        cmocka_unit_test(arrays_have_a_length_or_an_error),
        cmocka_unit_test(offsets_do_not_wrap),
        cmocka_unit_test(null_may_mean_absent),
        cmocka_unit_test(what_the_validator_refuses_is_einval_and_zero),
        cmocka_unit_test(directions_and_types_change_by_name_only),
        cmocka_unit_test(atomics_are_typed),
        cmocka_unit_test(what_is_only_read_may_have_padding),
    };

    install_first();
    self = ward_space_self();
    pages = map_edge(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
