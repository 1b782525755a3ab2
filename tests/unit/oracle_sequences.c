/* SPDX-License-Identifier: MIT */
/*
 * Exact answers for what is more than a range of bytes: arrays that end with a sentinel, and I/O
 * vectors. Each is compared with a loop over single elements, or single bytes, by every way to make
 * the access.
 */
#include "access.h"

#include "force.h"
#include "ways.h"

#include <ward/iov.h>

enum { PAGES = 2, MOST_BYTES = 1200, SIDE = 16, SENTINEL = 0xfe };

static unsigned char *pages, *edge; /* edge: the first byte that faults */
static unsigned char ours[MOST_BYTES + 2 * SIDE];

/* --- Sentinels -------------------------------------------------------------------------------- */

/* `cap` elements of `size` bytes are asked for; the byte at `distance` faults, and element number
 * `last` is the sentinel: zeroes, or one of our own. */
struct array {
    size_t size, cap, distance, last;
    bool own;
};

/* Elements that are nearly a sentinel: all bytes but one are its. Where the one is differs. */
static void put_elements(const struct array *array, unsigned char *at)
{
    unsigned char same = array->own ? SENTINEL : 0;

    memset(at, same, array->distance);
    for (size_t i = 0; (i + 1) * array->size <= array->distance; i++)
        if (i != array->last)
            at[i * array->size + i * 5 % array->size] = 1;
    for (size_t i = array->distance - array->distance % array->size; i < array->distance; i++)
        at[i] = 2;
}

static bool is_untouched_or_zero(const unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != 0 && at[i] != 0xee)
            return false;
    return true;
}

/* What a loop over elements would find. */
static bool is_right(const struct way *way, const struct array *array, ptrdiff_t got,
                     const unsigned char *dst, const struct ward_fault *why)
{
    const unsigned char *at = edge - array->distance;
    size_t bytes = array->size * array->cap, end = (array->last + 1) * array->size;

    if (array->last < array->cap && end <= array->distance)
        return got == (ptrdiff_t)array->last && memcmp(dst, at, end) == 0 &&
               is_untouched_or_zero(dst + end, bytes - end) && is_all(why, sizeof *why, 0);
    if (bytes <= array->distance)
        return got == -ENAMETOOLONG && memcmp(dst, at, bytes) == 0 && is_all(why, sizeof *why, 0);
    return got == -EFAULT && memcmp(dst, at, array->distance) == 0 &&
           is_all(dst + array->distance, bytes - array->distance, 0) &&
           why->done == array->distance && why->addr == address(edge) && why->access == WARD_READ &&
           why->kind == kind_by(way);
}

static void try_array(const struct way *way, const struct array *array)
{
    unsigned char sentinel[64], *dst = ours + SIDE;
    struct ward_fault why;
    ptrdiff_t got;

    memset(sentinel, SENTINEL, sizeof sentinel);
    put_elements(array, edge - array->distance);
    memset(ours, 0xee, sizeof ours);
    dirty(why);
    got = ward_space_read_until(way->space, address(edge - array->distance), dst, array->size,
                                array->cap, array->own ? sentinel : NULL, &why);
    if (is_right(way, array, got, dst, &why) && is_all(ours, SIDE, 0xee) &&
        is_all(dst + array->size * array->cap, SIDE, 0xee))
        return;
    print_message("%s: elements of %zu bytes, room for %zu, fault after %zu, sentinel is number "
                  "%zu%s: %td\n",
                  way->name, array->size, array->cap, array->distance, array->last,
                  array->own ? ", of our own" : "", got);
    fail();
}

static void try_places(const struct way *way, struct array array, size_t *turn)
{
    for (array.distance = 0; array.distance <= (array.cap + 1) * array.size; array.distance++)
        for (array.last = 0; array.last <= array.cap; array.last++)
            for (unsigned own = 0; own < 2; own++) {
                array.own = own != 0;
                if ((*turn)++ % stride == 0)
                    try_array(way, &array);
            }
}

/* Integers of every width, and structures whose size divides no page. */
static void try_arrays(const struct way *way)
{
    static const size_t sizes[] = { 1, 2, 3, 4, 8, 12, 24, 40 };
    size_t turn = 0;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t cap = 1; cap <= 25; cap++)
            try_places(way, (struct array){ .size = sizes[i], .cap = cap }, &turn);
}

static void every_array_ends_where_a_loop_would_end(void **state)
{
    (void)state;
    go_every_way(try_arrays);
}

/* --- Vectors ---------------------------------------------------------------------------------- */

enum { RANGES = 6, RANGE_BYTES = 150, ROUNDS = 60000 };

static uint64_t seed = 20240229;

static size_t random_below(size_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((seed >> 33) % n);
}

/* One access through a vector, and what a loop over bytes comes to. */
struct transfer {
    struct ward_iov vec[RANGES];
    struct ward_iov_list list;
    size_t off, n;
    size_t done;       /* bytes that can be had */
    uint64_t fault_at; /* 0: none */
    unsigned char *at[RANGES * RANGE_BYTES];
};

/* Some ranges end near the fault or run into it; some are empty. */
static void split_randomly(struct transfer *t)
{
    t->list.vec = t->vec;
    t->list.count = random_below(RANGES + 1);
    t->list.total = 0;
    for (size_t i = 0; i < t->list.count; i++) {
        size_t len = random_below(3) ? random_below(RANGE_BYTES) : 0;
        size_t back = len + random_below(PAGES * PAGE - RANGE_BYTES);

        if (random_below(8) == 0)
            back = random_below(len + 1);
        t->vec[i] = (struct ward_iov){ address(edge - back), len };
        t->list.total += len;
    }
    t->off = random_below(t->list.total + 20);
    t->n = random_below(RANGES * RANGE_BYTES);
}

/* The places of the bytes, one after the other, up to the first that cannot be had. */
static void walk_bytes(struct transfer *t)
{
    size_t skip = t->off;

    t->done = 0;
    t->fault_at = 0;
    for (size_t i = 0; i < t->list.count; i++)
        for (uint64_t k = 0; k < t->vec[i].len && t->done < t->n; k++) {
            uint64_t a = t->vec[i].addr + k;

            if (skip > 0) {
                skip--;
                continue;
            }
            if (a >= address(edge)) {
                t->fault_at = a;
                return;
            }
            t->at[t->done++] = edge - (address(edge) - a);
        }
}

static bool is_answer(const struct way *way, const struct transfer *t, ptrdiff_t got,
                      const struct ward_fault *why, unsigned access)
{
    if (!t->fault_at)
        return got == (ptrdiff_t)t->done && is_all(why, sizeof *why, 0);
    return got == -EFAULT && why->addr == t->fault_at && why->done == t->done &&
           why->access == access && why->kind == kind_by(way);
}

static bool try_read(const struct way *way, const struct transfer *t)
{
    unsigned char *dst = ours + SIDE;
    struct ward_fault why;
    ptrdiff_t got;

    memset(ours, 0xee, sizeof ours);
    dirty(why);
    got = ward_iov_read(way->space, &t->list, t->off, dst, t->n, &why);
    for (size_t i = 0; i < t->done; i++)
        if (dst[i] != *t->at[i])
            return false;
    return is_answer(way, t, got, &why, WARD_READ) && is_all(ours, SIDE, 0xee) &&
           is_all(dst + t->done, t->n - t->done, t->fault_at ? 0 : 0xee) &&
           is_all(dst + t->n, SIDE, 0xee);
}

/* Where ranges overlap, the later bytes win. */
static bool try_write(const struct way *way, const struct transfer *t)
{
    static unsigned char wanted[PAGES * 4096], src[RANGES * RANGE_BYTES];
    struct ward_fault why;
    ptrdiff_t got;

    for (size_t i = 0; i < sizeof src; i++)
        src[i] = (unsigned char)random_below(256);
    memcpy(wanted, pages, sizeof wanted);
    for (size_t i = 0; i < t->done; i++)
        wanted[t->at[i] - pages] = src[i];
    dirty(why);
    got = ward_iov_write(way->space, &t->list, t->off, src, t->n, &why);
    return is_answer(way, t, got, &why, WARD_WRITE) && memcmp(pages, wanted, sizeof wanted) == 0;
}

static void try_vectors(const struct way *way)
{
    static struct transfer t;

    for (size_t i = 0; i < ROUNDS / stride + 1; i++) {
        uint64_t began = seed;

        split_randomly(&t);
        walk_bytes(&t);
        if (try_read(way, &t) && try_write(way, &t))
            continue;
        print_message("%s: a vector of %zu ranges, seed %llu\n", way->name, t.list.count,
                      (unsigned long long)began);
        fail();
    }
}

static void every_vector_is_as_byte_by_byte(void **state)
{
    (void)state;
    skip_unless(PAGE == 4096, "made for pages of 4096 bytes");
    fill_pattern(pages, PAGES * PAGE);
    go_every_way(try_vectors);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_array_ends_where_a_loop_would_end),
        cmocka_unit_test(every_vector_is_as_byte_by_byte),
    };

    set_stride(argc, argv);
    install_where_exact();
    pages = map_edge(PAGES);
    edge = pages + PAGES * PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
