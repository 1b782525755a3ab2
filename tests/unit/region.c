/* SPDX-License-Identifier: MIT */
#include "backing.h"

/* A region that only writes down what reaches it. */
struct recorder {
    struct ward_region region;
    size_t committed;
    unsigned calls;
    size_t off, len;
    unsigned prot;
    int answer;
};

static int record(struct ward_region *region, size_t off, size_t len)
{
    struct recorder *recorder = (struct recorder *)region;

    recorder->calls++;
    recorder->off = off;
    recorder->len = len;
    return recorder->answer;
}

static int record_prot(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    ((struct recorder *)region)->prot = prot;
    return record(region, off, len);
}

static size_t committed(const struct ward_region *region)
{
    return ((const struct recorder *)region)->committed;
}

static struct ward_region *meta(const struct ward_region *region)
{
    return (struct ward_region *)(uintptr_t)region;
}

static int fini(struct ward_region *region)
{
    return record(region, 0, 0);
}

static const struct ward_region_ops all_ops = { "recorder", record, record, record_prot,
                                                committed,  meta,   fini };
static const struct ward_region_ops no_ops = { .name = "bare" };

enum { GRAIN = 4096, SIZE = 16 * GRAIN };

static WARD_ALIGNED(GRAIN) unsigned char bytes[SIZE];

static struct recorder make(const struct ward_region_ops *ops)
{
    return (struct recorder){ .region = { ops, bytes, SIZE, GRAIN, 0 }, .committed = SIZE };
}

static int commit(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_commit(region, off, len);
}

static int release(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_release(region, off, len);
}

static int protect(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_protect(region, off, len, WARD_READ);
}

static int (*const operations[])(struct ward_region *, size_t, size_t) = { commit, release,
                                                                           protect };

#define each_operation(OP) for (size_t OP = 0; OP < 3; OP++)

static void a_range_within_reaches_the_operation_unchanged(void **state)
{
    struct recorder r = make(&all_ops);

    (void)state;
    each_operation(op)
    {
        r.calls = 0;
        assert_int_equal(operations[op](&r.region, 3 * GRAIN, 2 * GRAIN), 0);
        assert_int_equal(r.calls, 1);
        assert_int_equal(r.off, 3 * GRAIN);
        assert_int_equal(r.len, 2 * GRAIN);
        assert_int_equal(operations[op](&r.region, 0, SIZE), 0);
        assert_int_equal(operations[op](&r.region, SIZE - GRAIN, GRAIN), 0);
        assert_int_equal(r.calls, 3);
    }
    assert_int_equal(r.prot, WARD_READ);
}

static void what_the_operation_answers_is_returned(void **state)
{
    struct recorder r = make(&all_ops);

    (void)state;
    r.answer = -EBUSY;
    each_operation(op) assert_int_equal(operations[op](&r.region, 0, GRAIN), -EBUSY);
    assert_int_equal(ward_region_fini(&r.region), -EBUSY);
}

static void a_range_outside_is_refused_and_touches_nothing(void **state)
{
    static const size_t ranges[][2] = {
        { SIZE, GRAIN },
        { 0, SIZE + GRAIN },
        { SIZE - GRAIN, 2 * GRAIN },
        { SIZE + GRAIN, 0 },
        { 0 - (size_t)GRAIN, GRAIN },
        { GRAIN, 0 - (size_t)GRAIN },
        { 0 - (size_t)GRAIN, 2 * GRAIN },
    };
    struct recorder r = make(&all_ops);

    (void)state;
    each_operation(op)
    {
        for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
            assert_int_equal(operations[op](&r.region, ranges[i][0], ranges[i][1]), -ERANGE);
    }
    assert_int_equal(r.calls, 0);
}

static void a_range_off_the_grain_is_refused_and_touches_nothing(void **state)
{
    static const size_t ranges[][2] = {
        { 1, GRAIN },         { 0, 1 }, { GRAIN / 2, GRAIN / 2 },
        { GRAIN, GRAIN - 1 }, { 8, 0 }, { SIZE_MAX, 1 },
    };
    struct recorder r = make(&all_ops);

    (void)state;
    each_operation(op)
    {
        for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
            assert_int_equal(operations[op](&r.region, ranges[i][0], ranges[i][1]), -EINVAL);
    }
    assert_int_equal(r.calls, 0);
}

static void an_empty_range_succeeds_and_touches_nothing(void **state)
{
    struct recorder r = make(&all_ops);

    (void)state;
    each_operation(op)
    {
        assert_int_equal(operations[op](&r.region, 0, 0), 0);
        assert_int_equal(operations[op](&r.region, SIZE, 0), 0);
    }
    assert_int_equal(r.calls, 0);
}

static void no_region_is_an_invalid_argument(void **state)
{
    struct ward_region zero = { 0 };

    (void)state;
    each_operation(op)
    {
        assert_int_equal(operations[op](NULL, 0, 0), -EINVAL);
        assert_int_equal(operations[op](&zero, 0, 0), -EINVAL);
    }
}

static void what_a_region_has_no_operation_for_is_not_supported(void **state)
{
    struct recorder r = make(&no_ops);

    (void)state;
    assert_int_equal(release(&r.region, 0, GRAIN), -ENOTSUP);
    assert_int_equal(protect(&r.region, 0, GRAIN), -ENOTSUP);
    assert_null(ward_region_meta(&r.region));
}

static void a_region_that_cannot_commit_is_committed_from_the_start(void **state)
{
    struct recorder r = make(&no_ops);

    (void)state;
    assert_int_equal(commit(&r.region, 0, SIZE), 0);
    assert_int_equal(commit(&r.region, 0, SIZE + GRAIN), -ERANGE);
    assert_int_equal(ward_region_committed(&r.region), SIZE);
}

static void protection_ends_where_the_committed_bytes_do(void **state)
{
    struct recorder r = make(&all_ops);

    (void)state;
    r.committed = 2 * GRAIN;
    assert_int_equal(protect(&r.region, 0, 2 * GRAIN), 0);
    assert_int_equal(protect(&r.region, GRAIN, 2 * GRAIN), -ERANGE);
    assert_int_equal(protect(&r.region, 2 * GRAIN, GRAIN), -ERANGE);
    assert_int_equal(r.calls, 1);
    assert_int_equal(commit(&r.region, 2 * GRAIN, GRAIN), 0);
}

static void flags_that_make_no_sense_are_refused(void **state)
{
    static const unsigned senseless[] = {
        WARD_GUARD | WARD_READ, WARD_GUARD | WARD_KEYED, WARD_KEYED, 32, WARD_RW | 32, ~0u
    };
    struct recorder r = make(&all_ops);

    (void)state;
    for (size_t i = 0; i < sizeof senseless / sizeof senseless[0]; i++) {
        assert_int_equal(ward_region_protect(&r.region, 0, GRAIN, senseless[i]), -EINVAL);
        assert_int_equal(ward_region_protect(&r.region, 0, 0, senseless[i]), -EINVAL);
    }
    assert_int_equal(r.calls, 0);
}

static void flags_that_make_sense_are_passed_on(void **state)
{
    static const unsigned sensible[] = { WARD_NONE,
                                         WARD_READ,
                                         WARD_WRITE,
                                         WARD_RW,
                                         WARD_EXEC,
                                         WARD_READ | WARD_EXEC,
                                         WARD_RW | WARD_KEYED,
                                         WARD_READ | WARD_KEYED,
                                         WARD_GUARD };
    struct recorder r = make(&all_ops);

    (void)state;
    for (size_t i = 0; i < sizeof sensible / sizeof sensible[0]; i++) {
        assert_int_equal(ward_region_protect(&r.region, 0, GRAIN, sensible[i]), 0);
        assert_int_equal(r.prot, sensible[i]);
    }
}

static void a_sealed_region_is_not_protected(void **state)
{
    struct recorder r = make(&all_ops);

    (void)state;
    r.region.facts = WARD_IS_SEALED;
    assert_int_equal(protect(&r.region, 0, GRAIN), -EPERM);
    assert_int_equal(ward_region_protect(&r.region, 0, GRAIN, WARD_GUARD), -EPERM);
    assert_int_equal(r.calls, 0);
    assert_int_equal(release(&r.region, 0, GRAIN), 0);
    assert_int_equal(commit(&r.region, 0, GRAIN), 0);
}

static void committed_meta_and_name_are_the_regions_own(void **state)
{
    struct recorder r = make(&all_ops);

    (void)state;
    r.committed = 5 * GRAIN;
    assert_int_equal(ward_region_committed(&r.region), 5 * GRAIN);
    assert_ptr_equal(ward_region_meta(&r.region), &r.region);
    assert_string_equal(ward_region_name(&r.region), "recorder");
}

static void questions_about_nothing_have_answers(void **state)
{
    struct ward_region zero = { 0 };

    (void)state;
    assert_int_equal(ward_region_committed(NULL), 0);
    assert_int_equal(ward_region_committed(&zero), 0);
    assert_null(ward_region_meta(NULL));
    assert_null(ward_region_meta(&zero));
    assert_string_equal(ward_region_name(NULL), "none");
    assert_string_equal(ward_region_name(&zero), "none");
    assert_int_equal(ward_region_fini(NULL), 0);
    assert_int_equal(ward_region_fini(&zero), 0);
    assert_false(ward_region_ok(NULL));
    assert_false(ward_region_ok(&zero));
}

static void fini_without_an_operation_zeroes_the_object(void **state)
{
    struct recorder r = make(&no_ops);

    (void)state;
    assert_int_equal(ward_region_fini(&r.region), 0);
    assert_all_zero(r.region);
    assert_int_equal(ward_region_fini(&r.region), 0);
}

static void has_knows_every_border(void **state)
{
    struct recorder r = make(&all_ops);
    const unsigned char *end = bytes + SIZE;

    (void)state;
    assert_true(ward_region_has(&r.region, bytes, SIZE));
    assert_true(ward_region_has(&r.region, bytes + 1, SIZE - 1));
    assert_true(ward_region_has(&r.region, end - 1, 1));
    assert_true(ward_region_has(&r.region, end, 0));
    assert_false(ward_region_has(&r.region, bytes, SIZE + 1));
    assert_false(ward_region_has(&r.region, end, 1));
    assert_false(ward_region_has(&r.region, (void *)((uintptr_t)bytes - 1), 1));
    assert_false(ward_region_has(&r.region, (void *)((uintptr_t)bytes - 1), SIZE_MAX));
    assert_false(ward_region_has(&r.region, bytes + 1, SIZE_MAX));
    assert_false(ward_region_has(&r.region, NULL, 0));
    assert_false(ward_region_has(&r.region, NULL, SIZE_MAX));
}

static void has_works_at_the_top_of_the_address_space(void **state)
{
    struct ward_region top = { &all_ops, (unsigned char *)(0 - (uintptr_t)GRAIN), GRAIN, GRAIN, 0 };

    (void)state;
    assert_true(ward_region_has(&top, (void *)UINTPTR_MAX, 1));
    assert_false(ward_region_has(&top, (void *)UINTPTR_MAX, 2));
    assert_false(ward_region_has(&top, NULL, 1));
    assert_false(ward_region_has(&top, (void *)(0 - (uintptr_t)GRAIN - 1), 1));
}

static void ok_sees_every_broken_field(void **state)
{
    const struct recorder good = make(&all_ops);
    const struct ward_region_ops nameless = { 0 };
    struct ward_region r = good.region;

    (void)state;
    assert_true(ward_region_ok(&r));
    r.ops = NULL;
    assert_false(ward_region_ok(&r));
    r.ops = &nameless;
    assert_false(ward_region_ok(&r));
    r = good.region, r.base = NULL;
    assert_false(ward_region_ok(&r));
    r = good.region, r.base++;
    assert_false(ward_region_ok(&r));
    r = good.region, r.size = 0;
    assert_false(ward_region_ok(&r));
    r = good.region, r.size++;
    assert_false(ward_region_ok(&r));
    r = good.region, r.grain = 0;
    assert_false(ward_region_ok(&r));
    r = good.region, r.grain = 3;
    assert_false(ward_region_ok(&r));
    r = good.region, r.size = 0 - (size_t)GRAIN;
    assert_false(ward_region_ok(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_within_reaches_the_operation_unchanged),
        cmocka_unit_test(what_the_operation_answers_is_returned),
        cmocka_unit_test(a_range_outside_is_refused_and_touches_nothing),
        cmocka_unit_test(a_range_off_the_grain_is_refused_and_touches_nothing),
        cmocka_unit_test(an_empty_range_succeeds_and_touches_nothing),
        cmocka_unit_test(no_region_is_an_invalid_argument),
        cmocka_unit_test(what_a_region_has_no_operation_for_is_not_supported),
        cmocka_unit_test(a_region_that_cannot_commit_is_committed_from_the_start),
        cmocka_unit_test(protection_ends_where_the_committed_bytes_do),
        cmocka_unit_test(flags_that_make_no_sense_are_refused),
        cmocka_unit_test(flags_that_make_sense_are_passed_on),
        cmocka_unit_test(a_sealed_region_is_not_protected),
        cmocka_unit_test(committed_meta_and_name_are_the_regions_own),
        cmocka_unit_test(questions_about_nothing_have_answers),
        cmocka_unit_test(fini_without_an_operation_zeroes_the_object),
        cmocka_unit_test(has_knows_every_border),
        cmocka_unit_test(has_works_at_the_top_of_the_address_space),
        cmocka_unit_test(ok_sees_every_broken_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
