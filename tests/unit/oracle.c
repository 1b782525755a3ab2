/* SPDX-License-Identifier: MIT */
/*
 * Exact answers: what a space says of reading, writing, filling and strings is what a copy byte by
 * byte would come to. For every length and distance to the fault up to 512, every alignment of our
 * side, and every way to make the access (with --each 1; else for each 97th): the result, the
 * count, the address and kind of the fault, the bytes, the zeroed tail, and the bytes beside them.
 *
 * A way is self by table as the machine chooses, self by table with one form of the bulk accesses
 * forced, or self by calls.
 */
#include "access.h"

#include "force.h"
#include "ways.h"

enum { MOST = 512, ALIGNMENTS = 64, PAGES = 4, LONGEST = 3 * 4096 + 1, SIDE = 16, SPARE = 64 };

/* One access: n bytes from (or to) `at`, of which the byte at `distance` is the first that faults;
 * our side is aligned to `align`. */
struct one {
    const struct way *way;
    size_t n, distance, align;
    unsigned char *at;
};

typedef bool try_one(const struct one *one);

static unsigned char *edge; /* the first byte that faults */
static unsigned char *pages;
static unsigned char ours[LONGEST + ALIGNMENTS + 2 * SPARE] WARD_ALIGNED(64);

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* --- The cases -------------------------------------------------------------------------------- */

static void check(try_one *try, const struct way *way, size_t n, size_t distance, size_t align)
{
    const struct one one = { way, n, distance, align, edge - distance };

    if (try(&one))
        return;
    print_message("%s: %zu bytes, fault after %zu, ours aligned to %zu\n", way->name, n, distance,
                  align);
    fail();
}

/* Never more than a sample: by calls, where the system copies the same whatever the alignment, and
 * the best form, of which the machine's choice consists. */
static size_t stride_of(const struct way *way)
{
    bool known = is_by_calls(way) || way->form == ward_bulk_forms_[0];

    return known && ward_bulk_form_count_ > 1 && stride < 97 ? 97 : stride;
}

static void try_lengths(try_one *try, const struct way *way)
{
    size_t turn = 0, each = stride_of(way);

    for (size_t n = 0; n <= MOST; n++)
        for (size_t distance = 0; distance <= MOST; distance++)
            for (size_t align = 0; align < ALIGNMENTS; align++)
                if (turn++ % each == 0)
                    check(try, way, n, distance, align);
}

/* Around every threshold there is, and to three pages. */
static void try_long(try_one *try, const struct way *way)
{
    static const size_t lengths[] = { 513,  575,  576,  577,  1023, 1024,  1025, 2047,
                                      2048, 2049, 2500, 4095, 4096, 4097,  8127, 8128,
                                      8129, 8191, 8192, 8193, 9000, 12287, 12288 };
    static const size_t back[] = {
        0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 2048, 8192
    };

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t k = 0; k < sizeof back / sizeof *back; k++)
            for (size_t align = i % 7; align<ALIGNMENTS; align += stride> 1 ? 13 : 1)
                check(try, way, lengths[i], lengths[i] - least(back[k], lengths[i]), align);
}

static try_one *current;

static void try_way(const struct way *way)
{
    try_lengths(current, way);
    try_long(current, way);
}

static void try_all(try_one *try)
{
    current = try;
    go_every_way(try_way);
}

/* --- What is told ----------------------------------------------------------------------------- */

static bool is_told(const struct one *one, ptrdiff_t error, const struct ward_fault *why,
                    unsigned access)
{
    if (one->n <= one->distance)
        return error == 0 && is_all(why, sizeof *why, 0);
    return error == -EFAULT && why->addr == address(edge) && why->done == one->distance &&
           why->access == access && why->kind == kind_by(one->way);
}

/* The first `done` of n bytes have come, the rest is zero, and nothing beside them is touched. */
static bool is_copy(const struct one *one, const unsigned char *dst, size_t done)
{
    return memcmp(dst, one->at, done) == 0 && is_all(dst + done, one->n - done, 0) &&
           is_all(dst - SIDE, SIDE, 0xee) && is_all(dst + one->n, SIDE, 0xee);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool try_read(const struct one *one)
{
    unsigned char *dst = ours + SPARE + one->align;
    struct ward_fault why;
    int error;

    memset(dst - SIDE, 0xee, one->n + (size_t)2 * SIDE);
    dirty(why);
    error = ward_space_read(one->way->space, address(one->at), dst, one->n, &why);
    return is_told(one, error, &why, WARD_READ) && is_copy(one, dst, least(one->n, one->distance));
}

static void every_read_is_as_byte_by_byte(void **state)
{
    (void)state;
    fill_pattern(pages, PAGES * PAGE);
    try_all(try_read);
}

/* --- Writing, filling ------------------------------------------------------------------------- */

static void clear_around(const struct one *one)
{
    memset(one->at - SIDE, 0xee, least(one->n + SIDE, one->distance) + SIDE);
}

/* Nothing is changed beside the bytes that were written. */
static bool is_alone(const struct one *one)
{
    size_t done = least(one->n, one->distance);

    return is_all(one->at - SIDE, SIDE, 0xee) &&
           is_all(one->at + done, least(SIDE, one->distance - done), 0xee);
}

static bool try_write(const struct one *one)
{
    const unsigned char *src = ours + one->align;
    struct ward_fault why;
    int error;

    clear_around(one);
    dirty(why);
    error = ward_space_write(one->way->space, address(one->at), src, one->n, &why);
    return is_told(one, error, &why, WARD_WRITE) && is_alone(one) &&
           memcmp(one->at, src, least(one->n, one->distance)) == 0;
}

static void every_write_is_as_byte_by_byte(void **state)
{
    (void)state;
    fill_pattern(ours, sizeof ours);
    try_all(try_write);
}

static bool try_fill(const struct one *one)
{
    unsigned char value = (unsigned char)(one->align + 1);
    struct ward_fault why;
    int error;

    clear_around(one);
    dirty(why);
    error = ward_space_fill(one->way->space, address(one->at), value, one->n, &why);
    return is_told(one, error, &why, WARD_WRITE) && is_alone(one) &&
           is_all(one->at, least(one->n, one->distance), value);
}

static void every_fill_is_as_byte_by_byte(void **state)
{
    (void)state;
    try_all(try_fill);
}

/* --- Strings ---------------------------------------------------------------------------------- */

/* Behind its terminator the copy is zero, or as it was. */
static bool ends_cleanly(const struct one *one, const unsigned char *dst, size_t length)
{
    for (size_t i = length; i < one->n; i++)
        if (dst[i] != 0 && (dst[i] != 0xee || i == length))
            return false;
    return memcmp(dst, one->at, length) == 0 && is_all(dst - SIDE, SIDE, 0xee) &&
           is_all(dst + one->n, SIDE, 0xee);
}

static ptrdiff_t read_str(const struct one *one, unsigned char *dst, struct ward_fault *why)
{
    memset(dst - SIDE, 0xee, one->n + (size_t)2 * SIDE);
    memset(why, 0xa5, sizeof *why);
    return ward_space_read_str(one->way->space, address(one->at), (char *)dst, one->n, why);
}

/* A string that ends after `length` bytes, all of which can be read. */
static bool try_ending(const struct one *one, size_t length)
{
    unsigned char *dst = ours + SPARE + one->align, kept = one->at[length];
    struct ward_fault why;
    ptrdiff_t got;

    one->at[length] = 0;
    got = read_str(one, dst, &why);
    one->at[length] = kept;
    return got == (ptrdiff_t)length && is_all(&why, sizeof why, 0) &&
           ends_cleanly(one, dst, length);
}

/* One that does not end, in the room or before the fault. */
static bool try_endless(const struct one *one)
{
    unsigned char *dst = ours + SPARE + one->align;
    struct ward_fault why;
    ptrdiff_t got = read_str(one, dst, &why);

    if (one->n > one->distance)
        return is_told(one, got, &why, WARD_READ) && is_copy(one, dst, one->distance);
    return got == -ENAMETOOLONG && is_all(&why, sizeof why, 0) &&
           ends_cleanly(one, dst, one->n - 1) && dst[one->n - 1] == 0;
}

static bool try_string(const struct one *one)
{
    size_t reach = least(one->n, one->distance);
    struct ward_fault why;

    if (one->n == 0)
        return read_str(one, ours + SPARE, &why) == -EINVAL;
    return try_endless(one) &&
           (reach == 0 || (try_ending(one, reach / 2) && try_ending(one, reach - 1)));
}

static void every_string_is_as_byte_by_byte(void **state)
{
    (void)state;
    fill_pattern(pages, PAGES * PAGE);
    try_all(try_string);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_read_is_as_byte_by_byte),
        cmocka_unit_test(every_write_is_as_byte_by_byte),
        cmocka_unit_test(every_fill_is_as_byte_by_byte),
        cmocka_unit_test(every_string_is_as_byte_by_byte),
    };

    set_stride(argc, argv);
    install_where_exact();
    pages = map_edge(PAGES);
    edge = pages + PAGES * PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
