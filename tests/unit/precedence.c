/* SPDX-License-Identifier: MIT */
/* Which error comes first: every form of access, through every way to the process's own memory,
 * against every kind of bad address. One table of forms, one of addresses. */
#include "access.h"

#include <ward/iov.h>
#include <ward/user.h>

/* More than a word, aligned to 8, and with room for elements that straddle. */
struct record {
    uint64_t a;
    uint32_t b, c;
};
WARD_USER_DEFINE(urecord, struct record, WARD_FIELDS(struct record, a, b, c));

enum { CAP = 4 };

static struct record values[CAP];
static struct ward_iov ranges[CAP];

/* --- the forms: of n elements at a; n is 1 where the form has one ----------------------------- */

#define WORD_FORMS(W)                                                                              \
    static ptrdiff_t read_##W(struct ward_space *s, uint64_t a, size_t n, struct ward_fault *why)  \
    {                                                                                              \
        ward_##W##_type value;                                                                     \
        (void)n;                                                                                   \
        return ward_##W##_read(s, ward_##W##_in_at(a), &value, why);                               \
    }                                                                                              \
    static ptrdiff_t write_##W(struct ward_space *s, uint64_t a, size_t n, struct ward_fault *why) \
    {                                                                                              \
        ward_##W##_type value = 0;                                                                 \
        (void)n;                                                                                   \
        return ward_##W##_write(s, ward_##W##_out_at(a), &value, why);                             \
    }                                                                                              \
    static ptrdiff_t add_##W(struct ward_space *s, uint64_t a, size_t n, struct ward_fault *why)   \
    {                                                                                              \
        ward_##W##_type was;                                                                       \
        (void)n;                                                                                   \
        return ward_##W##_atomic_add(s, ward_##W##_inout_at(a), 1, &was, why);                     \
    }

WORD_FORMS(u16)
WORD_FORMS(u32)
WORD_FORMS(u64)

#define FORM(NAME, CALL)                                                                           \
    static ptrdiff_t NAME(struct ward_space *s, uint64_t a, size_t n, struct ward_fault *why)      \
    {                                                                                              \
        bool there = false;                                                                        \
        (void)n, (void)there;                                                                      \
        return CALL;                                                                               \
    }

FORM(read_one, urecord_read(s, urecord_in_at(a), values, why))
FORM(read_or_null, urecord_read_or_null(s, urecord_in_at(a), values, &there, why))
FORM(read_array, urecord_read_array(s, urecord_in_at(a), values, n, why))
FORM(read_until, urecord_read_until(s, urecord_in_at(a), values, n, NULL, why))
FORM(read_versioned, urecord_read_versioned(s, urecord_in_at(a), n * sizeof *values, values, why))
FORM(write_one, urecord_write(s, urecord_out_at(a), values, why))
FORM(write_or_null, urecord_write_or_null(s, urecord_out_at(a), values, why))
FORM(write_array, urecord_write_array(s, urecord_out_at(a), values, n, why))
FORM(write_versioned,
     urecord_write_versioned(s, urecord_out_at(a), n * sizeof *values, values, why))
FORM(fill, urecord_fill(s, urecord_out_at(a), 0, n, why))
FORM(check_in, urecord_in_check(s, urecord_in_at(a), n, why))
FORM(check_out, urecord_out_check(s, urecord_out_at(a), n, why))
FORM(check_inout, urecord_inout_check(s, urecord_inout_at(a), n, why))
FORM(populate_in, urecord_in_populate(s, urecord_in_at(a), n, why))
FORM(populate_out, urecord_out_populate(s, urecord_out_at(a), n, why))
FORM(populate_inout, urecord_inout_populate(s, urecord_inout_at(a), n, why))
FORM(read_array_unaligned, urecord_read_array_unaligned(s, urecord_in_at(a), values, n, why))
FORM(write_array_unaligned, urecord_write_array_unaligned(s, urecord_out_at(a), values, n, why))
FORM(read_unaligned, urecord_read_unaligned(s, urecord_in_at(a), values, why))
FORM(write_unaligned, urecord_write_unaligned(s, urecord_out_at(a), values, why))

static ptrdiff_t import(struct ward_space *s, uint64_t a, size_t n, struct ward_fault *why)
{
    struct ward_iov_list list;

    return ward_iovec_import(s, ward_iovec_in_at(a), n, ranges, CAP, WARD_READ, &list, why);
}

enum {
    ONE = 1,       /* has no count */
    ANYWHERE = 2,  /* asks for no alignment */
    ADVICE = 4,    /* touches nothing: memory may answer later */
    POPULATE = 8,  /* not every system can */
    ATOMIC = 16,   /* not by calls */
    BY_BYTES = 32, /* the count is given in bytes */
    COUNTED = 64,  /* too many are refused otherwise */
};

static const struct form {
    const char *name;
    ptrdiff_t (*call)(struct ward_space *, uint64_t, size_t, struct ward_fault *);
    unsigned access, traits;
} forms[] = {
    { "read_u16", read_u16, WARD_READ, ONE },
    { "read_u32", read_u32, WARD_READ, ONE },
    { "read_u64", read_u64, WARD_READ, ONE },
    { "write_u16", write_u16, WARD_WRITE, ONE },
    { "write_u32", write_u32, WARD_WRITE, ONE },
    { "write_u64", write_u64, WARD_WRITE, ONE },
    { "add_u16", add_u16, WARD_RW, ONE | ATOMIC },
    { "add_u32", add_u32, WARD_RW, ONE | ATOMIC },
    { "add_u64", add_u64, WARD_RW, ONE | ATOMIC },
    { "read", read_one, WARD_READ, ONE },
    { "read_or_null", read_or_null, WARD_READ, ONE },
    { "read_array", read_array, WARD_READ, 0 },
    { "read_until", read_until, WARD_READ, COUNTED },
    { "read_versioned", read_versioned, WARD_READ, BY_BYTES },
    { "write", write_one, WARD_WRITE, ONE },
    { "write_or_null", write_or_null, WARD_WRITE, ONE },
    { "write_array", write_array, WARD_WRITE, 0 },
    { "write_versioned", write_versioned, WARD_WRITE, BY_BYTES },
    { "fill", fill, WARD_WRITE, 0 },
    { "in_check", check_in, WARD_READ, ADVICE },
    { "out_check", check_out, WARD_WRITE, ADVICE },
    { "inout_check", check_inout, WARD_RW, ADVICE },
    { "in_populate", populate_in, WARD_READ, POPULATE },
    { "out_populate", populate_out, WARD_WRITE, POPULATE },
    { "inout_populate", populate_inout, WARD_RW, POPULATE },
    { "read_array_unaligned", read_array_unaligned, WARD_READ, ANYWHERE },
    { "write_array_unaligned", write_array_unaligned, WARD_WRITE, ANYWHERE },
    { "read_unaligned", read_unaligned, WARD_READ, ANYWHERE | ONE },
    { "write_unaligned", write_unaligned, WARD_WRITE, ANYWHERE | ONE },
    { "iovec_import", import, WARD_READ, COUNTED },
};

/* --- the addresses ---------------------------------------------------------------------------- */

static unsigned char *pages; /* two: the first may be accessed, the second only be read */
static bool can_populate;

static bool is_left_out(const struct form *form, size_t way)
{
    return (way == 1 && (form->traits & ATOMIC)) || (!can_populate && (form->traits & POPULATE));
}

/* Calls f(form, way) for every form that the way can do. */
#define FOR_EACH(FORM, WAY)                                                                        \
    for (size_t WAY = 0; WAY < ways(); WAY++)                                                      \
        for (const struct form *FORM = forms; FORM < forms + sizeof forms / sizeof *forms; FORM++) \
            if (!is_left_out(FORM, WAY))

static void expect(const struct form *form, size_t way, uint64_t a, size_t n, int error,
                   unsigned kind)
{
    struct ward_fault why;
    ptrdiff_t got;

    memset(&why, 0xee, sizeof why);
    got = form->call(by(way), a, n, &why);
    if (got != error || why.kind != kind || (kind && why.addr != a) ||
        (kind && why.access != form->access))
        fail_msg("%s, by %s, at %#llx: %d, kind %s, at %#llx", form->name, way ? "calls" : "table",
                 (unsigned long long)a, (int)got, ward_fault_name(why.kind),
                 (unsigned long long)why.addr);
}

static void misaligned_comes_before_everything(void **state)
{
    const uint64_t at[] = { 1,
                            UINT64_MAX,
                            WARD_SELF_LAST,
                            address(pages - PAGE) + 1,
                            address(pages + PAGE) + 1,
                            address(pages + 2 * PAGE) + 1 };

    (void)state;
    use_ward();
    FOR_EACH(form, way)
    {
        for (size_t i = 0; i < sizeof at / sizeof *at && !(form->traits & ANYWHERE); i++)
            expect(form, way, at[i], 1, -EINVAL, WARD_FAULT_ALIGN);
    }
}

static void misaligned_comes_before_a_length_that_is_none(void **state)
{
    (void)state;
    use_ward();
    FOR_EACH(form, way)
    {
        if (form->traits & (ONE | BY_BYTES))
            continue;
        if (!(form->traits & ANYWHERE) && form->call != import)
            expect(form, way, 1, SIZE_MAX, -EINVAL, WARD_FAULT_ALIGN);
        if (form->call != import) {
            expect(form, way, 8, SIZE_MAX, -EOVERFLOW, 0);
            expect(form, way, 8, PTRDIFF_MAX / sizeof(struct record) + 1, -EOVERFLOW, 0);
        }
    }
}

static void outside_comes_before_the_memory(void **state)
{
    const uint64_t at[] = { 8, WARD_SELF_FIRST - 8, WARD_SELF_LAST + 1, UINT64_MAX - 7 };

    (void)state;
    use_ward();
    FOR_EACH(form, way)
    {
        for (size_t i = 0; i < sizeof at / sizeof *at; i++)
            expect(form, way, at[i], 1, -EFAULT, WARD_FAULT_RANGE);
    }
}

/* Nothing is mapped there either: that it reaches out is seen first, and where. */
static void a_range_that_reaches_out_is_refused_before_its_memory_is_asked(void **state)
{
    const uint64_t at = WARD_SELF_LAST - 7;
    struct ward_fault why;

    (void)state;
    use_ward();
    FOR_EACH(form, way)
    {
        if (form->call(by(way), at & ~UINT64_C(7), 1, &why) != -EFAULT ||
            (why.kind == WARD_FAULT_RANGE && why.addr != WARD_SELF_LAST + 1))
            fail_msg("%s, by %s", form->name, way ? "calls" : "table");
        if (strncmp(form->name, "read_u", 6) && strncmp(form->name, "write_u", 7) &&
            strncmp(form->name, "add_u", 5))
            assert_int_equal(why.kind, WARD_FAULT_RANGE);
    }
}

static void the_memory_answers_last(void **state)
{
    struct ward_fault why;

    (void)state;
    use_ward();
    FOR_EACH(form, way)
    {
        bool writes = (form->access & WARD_WRITE) != 0;
        int error = (form->traits & ADVICE) ? 0 : -EFAULT;

        memset(pages, 0, sizeof *values);
        assert_int_equal(form->call(by(way), address(pages), 1, NULL), 0);
        assert_int_equal(form->call(by(way), address(pages + 2 * PAGE), 1, &why), error);
        assert_true(why.kind != WARD_FAULT_RANGE && why.kind != WARD_FAULT_ALIGN);
        if (writes)
            assert_int_equal(form->call(by(way), address(pages + PAGE), 1, NULL), error);
        else
            assert_int_equal(form->call(by(way), address(pages + PAGE), 1, NULL), 0);
    }
}

static void nothing_is_a_success_anywhere(void **state)
{
    const uint64_t at[] = { 0, 1, 7, 8, UINT64_MAX, UINT64_MAX - 7, address(pages + 2 * PAGE) };

    (void)state;
    use_ward();
    FOR_EACH(form, way)
    {
        if ((form->traits & ONE) || form->call == read_until)
            continue;
        for (size_t i = 0; i < sizeof at / sizeof *at; i++)
            expect(form, way, at[i], 0, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misaligned_comes_before_everything),
        cmocka_unit_test(misaligned_comes_before_a_length_that_is_none),
        cmocka_unit_test(outside_comes_before_the_memory),
        cmocka_unit_test(a_range_that_reaches_out_is_refused_before_its_memory_is_asked),
        cmocka_unit_test(the_memory_answers_last),
        cmocka_unit_test(nothing_is_a_success_anywhere),
    };

    install_first();
    pages = map_edge(2);
    if (mprotect(pages + PAGE, PAGE, PROT_READ))
        abort();
    can_populate =
        ward_space_populate(by(0), address(pages + 2 * PAGE), PAGE, WARD_READ, NULL) == -EFAULT;
    if (!can_populate)
        print_message("no MADV_POPULATE_READ here, or one that does nothing\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
