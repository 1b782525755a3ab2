/* SPDX-License-Identifier: MIT */
/*
 * Exact counts: every form of every bulk access against what a byte-by-byte copy would do, for
 * a sample of lengths, distances to the fault and alignments. tests/unit/oracle.c has all of them,
 * as they come through the front of a space.
 */
#include "access.h"

#include "core/bulk.h"

enum { MOST = 512, ALIGNMENTS = 64, LONGEST = 3 * 4096, SIDE = 16, SPARE = 64 };

static unsigned char *edge; /* the first byte that faults */
static unsigned char *pages;
static unsigned char ours[LONGEST + ALIGNMENTS + 2 * SPARE] WARD_ALIGNED(64);

typedef bool one_case(const struct ward_bulk_form_ *form, size_t n, size_t distance, size_t align);

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Says which case went wrong, once. */
static bool check(bool right, const struct ward_bulk_form_ *form, size_t n, size_t distance,
                  size_t align)
{
    if (!right)
        print_message("%s: %zu bytes, fault after %zu, ours aligned to %zu\n", form->name, n,
                      distance, align);
    return right;
}

static void try_lengths(const struct ward_bulk_form_ *form, one_case *one)
{
    size_t turn = 0;

    for (size_t n = 0; n <= MOST; n++)
        for (size_t distance = 0; distance <= MOST; distance++)
            for (size_t align = 0; align < ALIGNMENTS; align++)
                if (turn++ % stride == 0)
                    assert_true(check(one(form, n, distance, align), form, n, distance, align));
}

/* Around every threshold, and to three pages. */
static void try_long(const struct ward_bulk_form_ *form, one_case *one)
{
    static const size_t lengths[] = { 2047, 2048, 2049, 2500, 4095, 4096, 4097, 8192, 9000, 12288 };
    static const size_t back[] = { 0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 2048 };

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t k = 0; k < sizeof back / sizeof *back; k++)
            for (size_t align = 0; align<ALIGNMENTS; align += stride> 1 ? 13 : 1) {
                size_t n = lengths[i], less = least(back[k], n);

                assert_true(check(one(form, n, n - less, align), form, n, n - less, align));
            }
}

static void try_all(one_case *one)
{
    for (size_t i = 0; i < ward_bulk_form_count_; i++) {
        const struct ward_bulk_form_ *form = ward_bulk_forms_[i];

        if (!form->usable()) {
            print_message("no %s here\n", form->name);
            continue;
        }
        try_lengths(form, one);
        try_long(form, one);
    }
}

static bool is_told(struct ward_bulk_ got, size_t n, size_t distance)
{
    return got.done == least(n, distance) && (got.kind != 0) == (n > distance) &&
           (n <= distance || got.kind == WARD_FAULT_PROT);
}

/* --- In --------------------------------------------------------------------------------------- */

static bool in_case(const struct ward_bulk_form_ *form, size_t n, size_t distance, size_t align)
{
    unsigned char *dst = ours + SPARE + align;
    struct ward_bulk_ got;

    memset(dst - SIDE, 0xee, n + (size_t)2 * SIDE);
    got = form->in(dst, (uintptr_t)(edge - distance), n);
    return is_told(got, n, distance) && memcmp(dst, edge - distance, got.done) == 0 &&
           is_all(dst - SIDE, SIDE, 0xee) && is_all(dst + n, SIDE, 0xee);
}

static void every_copy_in_is_exact(void **state)
{
    (void)state;
    use_ward();
    fill_pattern(pages, 4 * PAGE);
    try_all(in_case);
}

/* --- Out, fill -------------------------------------------------------------------------------- */

/* Has [to, to + done) been written with these, or with value, and nothing beside it? */
static bool is_put(const unsigned char *to, const unsigned char *src, size_t done)
{
    return memcmp(to, src, done) == 0 && is_all(to - SIDE, SIDE, 0xee) &&
           is_all(to + done, least(SIDE, (size_t)(edge - to) - done), 0xee);
}

static bool out_case(const struct ward_bulk_form_ *form, size_t n, size_t distance, size_t align)
{
    unsigned char *to = edge - distance;
    struct ward_bulk_ got;

    memset(to - SIDE, 0xee, least(n + SIDE, distance) + SIDE);
    got = form->out((uintptr_t)to, ours + align, n);
    return is_told(got, n, distance) && is_put(to, ours + align, got.done);
}

static void every_copy_out_is_exact(void **state)
{
    (void)state;
    use_ward();
    fill_pattern(ours, sizeof ours);
    try_all(out_case);
}

static bool fill_case(const struct ward_bulk_form_ *form, size_t n, size_t distance, size_t align)
{
    unsigned char *to = edge - distance;
    struct ward_bulk_ got;

    memset(to - SIDE, 0xee, least(n + SIDE, distance) + SIDE);
    got = form->fill((uintptr_t)to, (unsigned char)align, n);
    return is_told(got, n, distance) && is_all(to, got.done, (unsigned char)align) &&
           is_all(to - SIDE, SIDE, 0xee) &&
           is_all(to + got.done, least(SIDE, distance - got.done), 0xee);
}

static void every_fill_is_exact(void **state)
{
    (void)state;
    use_ward();
    try_all(fill_case);
}

/* --- Strings ---------------------------------------------------------------------------------- */

/* A string of `length` bytes that would end behind the fault if length >= distance, into room for
 * n. */
static bool str_once(const struct ward_bulk_form_ *form, size_t n, size_t distance, size_t align,
                     size_t length)
{
    unsigned char *from = edge - distance, *dst = ours + SPARE + align;
    size_t done = least(length, least(n, distance));
    bool ends = length < least(n, distance);
    struct ward_bulk_ got;
    unsigned char kept = 0;

    if (ends) {
        kept = from[length];
        from[length] = 0;
    }
    memset(dst - SIDE, 0xee, n + (size_t)2 * SIDE);
    got = form->str((char *)dst, (uintptr_t)from, n);
    if (ends && memcmp(dst, from, done + 1) != 0)
        return false;
    for (size_t i = done + 1; ends && i < n; i++)
        if (dst[i] != 0 && dst[i] != 0xee)
            return false;
    if (ends)
        from[length] = kept;
    return got.done == done && (got.kind != 0) == (!ends && n > distance) &&
           memcmp(dst, from, done) == 0 && is_all(dst - SIDE, SIDE, 0xee) &&
           is_all(dst + n, SIDE, 0xee);
}

static bool str_case(const struct ward_bulk_form_ *form, size_t n, size_t distance, size_t align)
{
    return str_once(form, n, distance, align, n + distance) &&
           str_once(form, n, distance, align, least(n, distance) / 2) &&
           (n == 0 || distance == 0 || str_once(form, n, distance, align, least(n, distance) - 1));
}

static void every_string_is_exact(void **state)
{
    (void)state;
    use_ward();
    fill_pattern(pages, 4 * PAGE);
    try_all(str_case);
}

/* --- Ours ------------------------------------------------------------------------------------- */

static int copy_to_bad(void *arg)
{
    const struct ward_bulk_form_ *form = arg;
    unsigned char *bad = edge - 100;

    use_ward();
    (void)form->in(bad, (uintptr_t)ours, 300);
    return 0;
}

static void a_bad_buffer_of_our_own_is_a_crash(void **state)
{
    (void)state;
    for (size_t i = 0; i < ward_bulk_form_count_; i++)
        if (ward_bulk_forms_[i]->usable())
            assert_int_equal(in_child(copy_to_bad, (void *)(uintptr_t)ward_bulk_forms_[i]),
                             -SIGSEGV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_copy_in_is_exact),
        cmocka_unit_test(every_copy_out_is_exact),
        cmocka_unit_test(every_fill_is_exact),
        cmocka_unit_test(every_string_is_exact),
        cmocka_unit_test(a_bad_buffer_of_our_own_is_a_crash),
    };

    install_first();
    pages = map_edge(4);
    edge = pages + 4 * PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
