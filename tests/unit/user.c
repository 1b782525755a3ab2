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

/* A member of each plain kind and more members than one WARD_FIELDS takes. */
struct wide {
    char a1;
    signed char a2;
    unsigned char a3, a4, a5, a6, a7, a8;
    short b1;
    unsigned short b2;
    int b3;
    unsigned c1;
    float c2;
    long d1;
    unsigned long d2;
    long long d3;
    unsigned long long d4;
    double d5;
    uint8_t e1, e2, e3, e4, e5, e6, e7, e8;
    uint32_t f1, f2, f3, f4;
    uint64_t g1[3], g2;
    struct point points[3];
};
WARD_USER_DEFINE(uwide, struct wide,
                 WARD_FIELDS(struct wide, a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, c1, c2, d1,
                             d2, d3, d4, d5, e1, e2, e3, e4, e5, e6, e7, e8, f1, f2, f3, f4, g1,
                             g2) +
                     WARD_FIELD_OF(upoint, struct wide, points));

/* Members with a validator of their own. */
struct options {
    struct option option[2];
    uint64_t id;
};

static inline bool options_are_valid(const struct options *copy)
{
    return option_is_valid(&copy->option[0]) && option_is_valid(&copy->option[1]);
}

WARD_USER_DEFINE_CHECKED(uoptions, struct options,
                         WARD_FIELD_OF(uoption, struct options, option) +
                             WARD_FIELDS(struct options, id),
                         options_are_valid);

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

static void arrays_lie_at_any_address_if_one_says_so(void **state)
{
    uint32_t out[3] = { 1, 2, 3 }, in[3];
    uint64_t odd = edge_minus(13);

    (void)state;
    use_ward();
    assert_int_equal(ward_u32_write_array(self, ward_u32_out_at(odd), out, 3, NULL), -EINVAL);
    assert_int_equal(ward_u32_write_array_unaligned(self, ward_u32_out_at(odd), out, 3, NULL), 0);
    assert_int_equal(ward_u32_read_array(self, ward_u32_in_at(odd), in, 3, NULL), -EINVAL);
    assert_true(is_all(in, sizeof in, 0));
    assert_int_equal(ward_u32_read_array_unaligned(self, ward_u32_in_at(odd), in, 3, NULL), 0);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(
        ward_u32_read_array_unaligned(self, ward_u32_in_at(odd), in, SIZE_MAX / 2, NULL),
        -EOVERFLOW);
}

static void elements_come_up_to_a_sentinel(void **state)
{
    uint16_t there[6] = { 5, 6, 7, 0, 8, 9 }, in[6], seven = 7;
    struct point path[3] = { { 1, 0 }, { 0, 1 }, { 0, 0 } }, copy[3];
    ward_u16_in at = ward_u16_in_at(edge_minus(sizeof there));

    (void)state;
    use_ward();
    memcpy(pages + PAGE - sizeof there, there, sizeof there);
    assert_int_equal(ward_u16_read_until(self, at, in, 6, NULL, NULL), 3);
    assert_memory_equal(in, there, 8);
    assert_int_equal(ward_u16_read_until(self, at, in, 6, &seven, NULL), 2);
    assert_int_equal(ward_u16_read_until(self, at, in, 3, NULL, NULL), -ENAMETOOLONG);
    assert_memory_equal(in, there, 6);
    assert_int_equal(ward_u16_read_until(self, at, in, 0, NULL, NULL), -EINVAL);
    assert_int_equal(ward_u16_read_until(self, at, in, SIZE_MAX / 2, NULL, NULL), -EOVERFLOW);
    dirty(in);
    assert_int_equal(ward_u16_read_until(self, ward_u16_in_at(edge_minus(3)), in, 6, NULL, NULL),
                     -EINVAL);
    assert_true(is_all(in, sizeof in, 0));
    memcpy(pages + PAGE - sizeof path, path, sizeof path);
    assert_int_equal(upoint_read_until(self, upoint_in_at(edge_minus(24)), copy, 3, NULL, NULL), 2);
    assert_int_equal(upoint_read_until(self, upoint_in_at(edge_minus(24)), copy, 3, path + 1, NULL),
                     1);
}

static void structures_that_grow_have_a_type(void **state)
{
    unsigned char there[16] = { 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    struct point p, q = { 7, 8 };
    struct ward_fault why;
    uint64_t at = edge_minus(sizeof there);

    (void)state;
    use_ward();
    memcpy(pages + PAGE - sizeof there, there, sizeof there);
    assert_int_equal(upoint_read_versioned(self, upoint_in_at(at), 16, &p, NULL), 0);
    assert_true(p.x == 1 && p.y == 2);
    assert_int_equal(upoint_read_versioned(self, upoint_in_at(at), 4, &p, NULL), 0);
    assert_true(p.x == 1 && p.y == 0);
    pages[PAGE - 1] = 1;
    assert_int_equal(upoint_read_versioned(self, upoint_in_at(at), 16, &p, NULL), -E2BIG);
    assert_all_zero(p);
    dirty(p);
    assert_int_equal(upoint_read_versioned(self, upoint_in_at(at + 1), 8, &p, &why), -EINVAL);
    assert_all_zero(p);
    assert_true(why.kind == WARD_FAULT_ALIGN && why.addr == at + 1);
    assert_int_equal(upoint_read_versioned(self, upoint_in_at(1), 0, &p, NULL), 0);
    assert_int_equal(upoint_write_versioned(self, upoint_out_at(at), 16, &q, NULL), 0);
    assert_true(pages[PAGE - 16] == 7 && pages[PAGE - 12] == 8 && is_all(pages + PAGE - 8, 8, 0));
    assert_int_equal(upoint_write_versioned(self, upoint_out_at(at + 2), 16, &q, &why), -EINVAL);
    assert_true(why.kind == WARD_FAULT_ALIGN && why.access == WARD_WRITE);
}

static void fill_sets_whole_elements(void **state)
{
    struct ward_fault why;

    (void)state;
    use_ward();
    memset(pages + PAGE - 32, 9, 32);
    assert_int_equal(upoint_fill(self, upoint_out_at(edge_minus(24)), 3, 2, NULL), 0);
    assert_true(is_all(pages + PAGE - 32, 8, 9) && is_all(pages + PAGE - 24, 16, 3));
    assert_true(is_all(pages + PAGE - 8, 8, 9));
    assert_int_equal(upoint_fill(self, upoint_out_at(edge_minus(8)), 4, 2, &why), -EFAULT);
    assert_true(why.done == 8 && is_all(pages + PAGE - 8, 8, 4));
}

static void strings_are_read_through_a_pointer_to_char(void **state)
{
    char copy[8];

    (void)state;
    use_ward();
    memcpy(pages + PAGE - 4, "n\xc3\xa9", 4);
    assert_int_equal(ward_char_read_str(self, ward_char_in_at(edge_minus(4)), copy, 8, NULL), 3);
    assert_int_equal(ward_char_read_utf8(self, ward_char_in_at(edge_minus(4)), copy, 8, NULL), 3);
    assert_string_equal(copy, "n\xc3\xa9");
    assert_int_equal(ward_char_read_utf8(self, ward_char_in_at(edge_minus(2)), copy, 8, NULL),
                     -EILSEQ);
    assert_int_equal(ward_char_read_str(self, ward_char_in_at(edge_minus(4)), copy, 3, NULL),
                     -ENAMETOOLONG);
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
    struct ward_fault why;
    struct point p;
    bool there = true;

    (void)state;
    use_ward();
    dirty(p);
    dirty(why);
    assert_int_equal(upoint_read_or_null(self, upoint_in_at(0), &p, &there, &why), 0);
    assert_false(there);
    assert_all_zero(p);
    assert_all_zero(why);
    assert_int_equal(upoint_read_or_null(self, upoint_in_at(4), &p, &there, &why), -EFAULT);
    assert_true(there && why.addr == 4);
    assert_int_equal(upoint_write_or_null(self, upoint_out_at(0), &p, &why), 0);
    assert_all_zero(why);
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

/* A fault behind the first element: it was read, but nobody has looked at it. */
static void what_no_validator_approved_of_does_not_stay(void **state)
{
    struct option copy[3], end;
    struct ward_fault why;
    bool there;

    (void)state;
    use_ward();
    memset(&end, 0xff, sizeof end);
    memset(pages + PAGE - 16, 1, 16); /* no option */
    dirty(copy);
    assert_int_equal(uoption_read_array(self, uoption_in_at(edge_minus(16)), copy, 3, &why),
                     -EFAULT);
    assert_true(why.done == 16 && is_all(copy, sizeof copy, 0));
    dirty(copy);
    assert_int_equal(uoption_read_until(self, uoption_in_at(edge_minus(16)), copy, 3, NULL, NULL),
                     -EFAULT);
    assert_true(is_all(copy, sizeof copy, 0));
    dirty(copy);
    assert_int_equal(uoption_read_until(self, uoption_in_at(edge_minus(16)), copy, 2, NULL, NULL),
                     -ENAMETOOLONG);
    assert_true(is_all(copy, 2 * sizeof *copy, 0));
    memset(pages + PAGE - 8, 0, 8);
    assert_int_equal(uoption_read_until(self, uoption_in_at(edge_minus(16)), copy, 2, NULL, NULL),
                     -EINVAL);
    assert_int_equal(uoption_read_versioned(self, uoption_in_at(edge_minus(16)), 8, copy, NULL),
                     -EINVAL);
    assert_int_equal(uoption_read_unaligned(self, uoption_in_at(edge_minus(16)), copy, NULL),
                     -EINVAL);
    assert_int_equal(uoption_read_or_null(self, uoption_in_at(edge_minus(16)), copy, &there, NULL),
                     -EINVAL);
    memset(pages + PAGE - 15, 0, 7);   /* now it is one, */
    memset(pages + PAGE - 8, 0xff, 8); /* and behind it is a sentinel that is none */
    assert_int_equal(uoption_read_until(self, uoption_in_at(edge_minus(16)), copy, 2, &end, NULL),
                     1);
    assert_true(copy[0].on);
}

static void members_are_checked_by_the_structure_they_are_in(void **state)
{
    unsigned char good[24] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 }, bad[24] = { 1, 0, 0, 0, 0, 0, 0, 0, 7 };
    struct options copy;

    (void)state;
    use_ward();
    memcpy(pages + PAGE - 24, good, 24);
    assert_int_equal(uoptions_read(self, uoptions_in_at(edge_minus(24)), &copy, NULL), 0);
    assert_true(copy.option[0].on && copy.option[1].on);
    memcpy(pages + PAGE - 24, bad, 24);
    assert_int_equal(uoptions_read(self, uoptions_in_at(edge_minus(24)), &copy, NULL), -EINVAL);
    assert_all_zero(copy);
}

static void many_members_of_every_kind_go_through(void **state)
{
    struct wide there, copy;

    (void)state;
    use_ward();
    fill_pattern((unsigned char *)&there, sizeof there);
    assert_int_equal(uwide_write(self, uwide_out_at(edge_minus(sizeof there)), &there, NULL), 0);
    assert_int_equal(uwide_read(self, uwide_in_at(edge_minus(sizeof there)), &copy, NULL), 0);
    assert_memory_equal(&copy, &there, sizeof there);
}

#define GOES_THROUGH(NAME, T, VALUE)                                                               \
    do {                                                                                           \
        T put = VALUE, got;                                                                        \
        assert_int_equal(NAME##_write(self, NAME##_out_at(edge_minus(8)), &put, NULL), 0);         \
        assert_int_equal(NAME##_read(self, NAME##_in_at(edge_minus(8)), &got, NULL), 0);           \
        assert_memory_equal(&put, &got, sizeof put);                                               \
    } while (0)

static void scalars_are_declared_in_advance(void **state)
{
    bool copy = true;

    (void)state;
    use_ward();
    GOES_THROUGH(ward_u8, uint8_t, 200);
    GOES_THROUGH(ward_u16, uint16_t, 60000);
    GOES_THROUGH(ward_u32, uint32_t, UINT32_MAX);
    GOES_THROUGH(ward_u64, uint64_t, UINT64_MAX - 1);
    GOES_THROUGH(ward_i8, int8_t, -3);
    GOES_THROUGH(ward_i16, int16_t, -30000);
    GOES_THROUGH(ward_i32, int32_t, INT32_MIN);
    GOES_THROUGH(ward_i64, int64_t, INT64_MIN);
    GOES_THROUGH(ward_f32, float, 0.25F);
    GOES_THROUGH(ward_f64, double, -1e300);
    GOES_THROUGH(ward_char, char, 'x');
    GOES_THROUGH(ward_bool, bool, true);
    pages[PAGE - 8] = 2;
    assert_int_equal(ward_bool_read(self, ward_bool_in_at(edge_minus(8)), &copy, NULL), -EINVAL);
    assert_false(copy);
}

static void a_view_leads_back(void **state)
{
    upoint_out_view view = upoint_out_to_view(upoint_out_at(4096));

    (void)state;
    assert_int_equal(upoint_out_addr(upoint_out_of_view(view)), 4096);
    assert_int_equal(upoint_in_addr(upoint_in_of_view(upoint_in_to_view(upoint_in_at(77)))), 77);
}

/* --- Directions ------------------------------------------------------------------------------- */

static unsigned asked;

static bool ask_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                      struct ward_fault *why)
{
    (void)space, (void)a, (void)n, (void)why;
    asked = access;
    return true;
}

static void check_and_populate_ask_for_the_directions_access(void **state)
{
    const struct ward_space_ops ops = { .name = "asked",
                                        .check = ask_check,
                                        .populate = ask_check };
    struct ward_space space = { .ops = &ops, .last = UINT64_MAX };

    (void)state;
    assert_int_equal(upoint_in_check(&space, upoint_in_at(8), 1, NULL), 0);
    assert_int_equal(asked, WARD_READ);
    assert_int_equal(upoint_out_check(&space, upoint_out_at(8), 1, NULL), 0);
    assert_int_equal(asked, WARD_WRITE);
    assert_int_equal(upoint_inout_check(&space, upoint_inout_at(8), 1, NULL), 0);
    assert_int_equal(asked, WARD_RW);
    assert_int_equal(upoint_in_populate(&space, upoint_in_at(8), 1, NULL), 0);
    assert_int_equal(asked, WARD_READ);
    assert_int_equal(upoint_out_populate(&space, upoint_out_at(8), 1, NULL), 0);
    assert_int_equal(asked, WARD_WRITE);
    assert_int_equal(upoint_inout_populate(&space, upoint_inout_at(8), 1, NULL), 0);
    assert_int_equal(asked, WARD_RW);
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

static void atomics_know_negative_numbers(void **state)
{
    int32_t word = -5, was = 0;
    int8_t byte = -1, before = 0;
    ward_i32_inout u = ward_i32_inout_at(address(&word));

    (void)state;
    use_ward();
    assert_int_equal(ward_i32_atomic_add(self, u, -3, &was, NULL), 0);
    assert_true(was == -5 && word == -8);
    assert_int_equal(ward_i32_atomic_compare_exchange(self, u, -8, -9, &was, NULL), 0);
    assert_true(was == -8 && word == -9);
    assert_int_equal(ward_i8_atomic_compare_exchange(self, ward_i8_inout_at(address(&byte)), -1,
                                                     -128, &before, NULL),
                     0);
    assert_true(before == -1 && byte == -128);
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
        cmocka_unit_test(arrays_lie_at_any_address_if_one_says_so),
        cmocka_unit_test(elements_come_up_to_a_sentinel),
        cmocka_unit_test(structures_that_grow_have_a_type),
        cmocka_unit_test(fill_sets_whole_elements),
        cmocka_unit_test(strings_are_read_through_a_pointer_to_char),
        cmocka_unit_test(offsets_do_not_wrap),
        cmocka_unit_test(null_may_mean_absent),
        cmocka_unit_test(what_the_validator_refuses_is_einval_and_zero),
        cmocka_unit_test(what_no_validator_approved_of_does_not_stay),
        cmocka_unit_test(members_are_checked_by_the_structure_they_are_in),
        cmocka_unit_test(many_members_of_every_kind_go_through),
        cmocka_unit_test(scalars_are_declared_in_advance),
        cmocka_unit_test(a_view_leads_back),
        cmocka_unit_test(check_and_populate_ask_for_the_directions_access),
        cmocka_unit_test(directions_and_types_change_by_name_only),
        cmocka_unit_test(atomics_are_typed),
        cmocka_unit_test(atomics_know_negative_numbers),
        cmocka_unit_test(what_is_only_read_may_have_padding),
    };

    install_first();
    self = ward_space_self();
    pages = map_edge(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
