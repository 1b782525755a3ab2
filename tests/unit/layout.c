/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <ward/layout.h>

static struct ward_layout junk(void)
{
    struct ward_layout layout = { 77, 77 };

    return layout;
}

static void assert_refused(int error, int want, struct ward_layout out)
{
    assert_int_equal(error, want);
    assert_int_equal(out.size, 0);
    assert_int_equal(out.align, 0);
}

static void the_largest_size_of_every_alignment_is_accepted_and_one_more_refused(void **state)
{
    (void)state;
    for (unsigned log2 = 0; log2 < 63; log2++) {
        size_t align = (size_t)1 << log2, most = (size_t)PTRDIFF_MAX - (align - 1);
        struct ward_layout out = junk();

        assert_int_equal(ward_layout_init(&out, most, align), 0);
        assert_true(out.size == most && out.align == align && ward_layout_ok(&out));
        assert_true(ward_layout_stride(out) <= (size_t)PTRDIFF_MAX);
        assert_refused(ward_layout_init(&out, most + 1, align), -EINVAL, out);
    }
}

static void what_is_no_size_or_no_alignment_is_refused(void **state)
{
    const size_t wrong[] = { 0, 3, 6, 12, SIZE_MAX, SIZE_MAX - 1, (size_t)1 << 63 };
    struct ward_layout out = junk();

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        out = junk();
        assert_refused(ward_layout_init(&out, 8, wrong[i]), -EINVAL, out);
    }
    out = junk();
    assert_refused(ward_layout_init(&out, 0, 8), -EINVAL, out);
    out = junk();
    assert_refused(ward_layout_init(&out, SIZE_MAX, 1), -EINVAL, out);
    out = junk();
    assert_refused(ward_layout_init(&out, 1, (size_t)1 << 63), -EINVAL, out);
    assert_int_equal(ward_layout_init(NULL, 8, 8), -EINVAL);
}

static void ok_is_false_for_null_and_for_every_broken_field(void **state)
{
    struct ward_layout good = { 24, 8 }, empty = { 0, 8 }, odd = { 24, 24 }, none = { 24, 0 };
    struct ward_layout huge = { PTRDIFF_MAX, 2 }, high = { 1, (size_t)1 << 63 };

    (void)state;
    assert_true(ward_layout_ok(&good));
    assert_false(ward_layout_ok(NULL));
    assert_false(ward_layout_ok(&empty));
    assert_false(ward_layout_ok(&odd));
    assert_false(ward_layout_ok(&none));
    assert_false(ward_layout_ok(&huge));
    assert_false(ward_layout_ok(&high));
}

static void an_array_pads_every_element(void **state)
{
    const struct ward_layout of = { 10, 8 };
    struct ward_layout out = junk();

    (void)state;
    assert_int_equal(ward_layout_init_array(&out, of, 3), 0);
    assert_int_equal(out.size, 48);
    assert_int_equal(out.align, 8);
    assert_int_equal(ward_layout_init_array(&out, of, 1), 0);
    assert_int_equal(out.size, 16);
}

static void an_array_too_large_is_an_overflow(void **state)
{
    const struct ward_layout of = { 16, 16 };
    const size_t most = ((size_t)PTRDIFF_MAX - 15) / 16;
    struct ward_layout out = junk();

    (void)state;
    assert_int_equal(ward_layout_init_array(&out, of, most), 0);
    assert_true(out.size == most * 16);
    assert_refused(ward_layout_init_array(&out, of, most + 1), -EOVERFLOW, out);
    out = junk(); /* the product wraps to 16 */
    assert_refused(ward_layout_init_array(&out, of, ((size_t)1 << 60) + 1), -EOVERFLOW, out);
    out = junk();
    assert_refused(ward_layout_init_array(&out, of, SIZE_MAX), -EOVERFLOW, out);
}

static void an_array_of_nothing_is_refused(void **state)
{
    const struct ward_layout of = { 16, 16 }, broken = { 16, 3 }, empty = { 0, 1 };
    struct ward_layout out = junk();

    (void)state;
    assert_refused(ward_layout_init_array(&out, of, 0), -EINVAL, out);
    out = junk();
    assert_refused(ward_layout_init_array(&out, broken, 1), -EINVAL, out);
    out = junk();
    assert_refused(ward_layout_init_array(&out, empty, 1), -EINVAL, out);
    assert_int_equal(ward_layout_init_array(NULL, of, 1), -EINVAL);
}

static void the_stride_is_the_size_rounded_up_to_the_alignment(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 4096; align *= 2)
        for (size_t size = 1; size < 300; size++) {
            struct ward_layout layout = { size, align };

            assert_true(ward_layout_stride(layout) == (size + align - 1) / align * align);
        }
}

static void a_broken_layout_has_no_stride(void **state)
{
    struct ward_layout broken = { 16, 3 }, empty = { 0, 1 }, huge = { SIZE_MAX, 8 };

    (void)state;
    assert_int_equal(ward_layout_stride(broken), 0);
    assert_int_equal(ward_layout_stride(empty), 0);
    assert_int_equal(ward_layout_stride(huge), 0);
}

static void the_layout_of_a_type_is_its_size_and_alignment(void **state)
{
    struct odd {
        char c;
        long l;
        char d;
    };
    const struct ward_layout layout = WARD_LAYOUT_OF(struct odd);

    (void)state;
    assert_int_equal(layout.size, sizeof(struct odd));
    assert_int_equal(layout.align, _Alignof(struct odd));
    assert_true(ward_layout_ok(&layout));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_size_of_every_alignment_is_accepted_and_one_more_refused),
        cmocka_unit_test(what_is_no_size_or_no_alignment_is_refused),
        cmocka_unit_test(ok_is_false_for_null_and_for_every_broken_field),
        cmocka_unit_test(an_array_pads_every_element),
        cmocka_unit_test(an_array_too_large_is_an_overflow),
        cmocka_unit_test(an_array_of_nothing_is_refused),
        cmocka_unit_test(the_stride_is_the_size_rounded_up_to_the_alignment),
        cmocka_unit_test(a_broken_layout_has_no_stride),
        cmocka_unit_test(the_layout_of_a_type_is_its_size_and_alignment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
