/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing a second process: exact counts at every edge, protections, strings. That
 * process has the same addresses, and other bytes.
 */
#include "target.h"

#include <ward/iov.h>

/*     0  1  2   3    4  5     6       7   8
 *    rw rw rw  hole rw rw  PROT_NONE  rw  hole     */
enum { PAGES = 8, HOLE = 3, CLOSED = 6, LONGEST = 512 };

struct fixture {
    unsigned char *pages; /* the same address in both */
    struct target target;
    struct ward_process process;
    struct ward_space *space;
};

static struct fixture fixture;

static unsigned char byte_of_target(size_t i)
{
    return (unsigned char)(1 + i * 11 % 251);
}

static bool is_open(size_t page)
{
    return page < PAGES && page != HOLE && page != CLOSED;
}

static void fill_target(void *arg)
{
    unsigned char *pages = arg;

    for (size_t i = 0; i < PAGES * PAGE; i++)
        if (is_open(i / PAGE))
            pages[i] = byte_of_target(i);
}

static int start(void **state)
{
    unsigned char *pages = map_pages(PAGES + 1);

    *state = &fixture;
    fixture.pages = pages;
    unmap_pages(pages + HOLE * PAGE, 1);
    unmap_pages(pages + PAGES * PAGE, 1);
    if (mprotect(pages + CLOSED * PAGE, PAGE, PROT_NONE))
        abort();
    start_target(&fixture.target, fill_target, NULL, pages);
    if (ward_process_open(&fixture.process, fixture.target.pid, 0))
        abort();
    fixture.space = &fixture.process.space;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    ward_process_close(&f->process);
    stop_target(&f->target);
    unmap_pages(f->pages, PAGES);
    return 0;
}

/* Bytes from `off` on that can be accessed, at most n. */
static size_t reachable(size_t off, size_t n)
{
    size_t done = 0;

    while (done < n && is_open((off + done) / PAGE)) {
        size_t in_page = PAGE - (off + done) % PAGE;

        done += in_page < n - done ? in_page : n - done;
    }
    return done;
}

static void assert_fault(const struct ward_fault *why, uint64_t a, size_t done, unsigned access)
{
    assert_true(why->addr == a + done && why->done == done && why->access == access);
    assert_int_equal(why->kind, WARD_FAULT_DENIED);
}

/* One read against what it must be, byte by byte. */
static void try_read(struct fixture *f, size_t off, size_t n)
{
    static unsigned char copy[PAGES * 65536 + 1];
    size_t expected = reachable(off, n);
    uint64_t a = address(f->pages + off);
    struct ward_fault why;
    int error;

    memset(copy, 0xee, n + 1);
    error = ward_space_read(f->space, a, copy, n, &why);
    assert_int_equal(error, expected == n ? 0 : -EFAULT);
    for (size_t i = 0; i < expected; i++)
        assert_int_equal(copy[i], byte_of_target(off + i));
    assert_true(is_all(copy + expected, n - expected, 0));
    assert_int_equal(copy[n], 0xee);
    if (error)
        assert_fault(&why, a, expected, WARD_READ);
    else
        assert_all_zero(why);
}

/* One write; what lies around it stays. It is undone. */
static void try_write(struct fixture *f, size_t off, size_t n)
{
    unsigned char bytes[LONGEST], copy[LONGEST];
    size_t expected = reachable(off, n);
    uint64_t a = address(f->pages + off);
    struct ward_fault why;
    int error;

    memset(bytes, 0xfe, n);
    error = ward_space_write(f->space, a, bytes, n, &why);
    assert_int_equal(error, expected == n ? 0 : -EFAULT);
    if (error)
        assert_fault(&why, a, expected, WARD_WRITE);
    assert_int_equal(ward_space_read(f->space, a, copy, expected, NULL), 0);
    assert_true(is_all(copy, expected, 0xfe));
    for (size_t i = 0; i < expected; i++)
        bytes[i] = byte_of_target(off + i);
    assert_int_equal(ward_space_write(f->space, a, bytes, expected, NULL), 0);
}

static void counts_are_exact_at_every_edge(void **state)
{
    const size_t edges[] = { HOLE * PAGE, CLOSED * PAGE, PAGES * PAGE, PAGE };

    for (size_t i = 0; i < 4; i++)
        for (size_t distance = 0; distance <= LONGEST; distance += 23)
            for (size_t n = 0; n <= LONGEST; n += 19) {
                try_read(*state, edges[i] - distance, n);
                try_write(*state, edges[i] - distance, n);
            }
}

static void reads_of_many_pages_end_at_the_first_that_is_closed(void **state)
{
    for (size_t off = 0; off < 3 * PAGE; off += PAGE / 3 + 1)
        for (size_t n = 1; off + n <= PAGES * PAGE; n += PAGE / 2 + 7)
            try_read(*state, off, n);
}

static void words_are_those_of_the_other_process(void **state)
{
    struct fixture *f = *state;
    uint64_t a = address(f->pages + 64), word, mine;
    struct ward_fault why;

    memset(f->pages + 64, 0x55, 8);
    assert_int_equal(ward_space_read_u64(f->space, a, &word, NULL), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal((word >> 8 * i) & 0xff, byte_of_target(64 + i));
    assert_int_equal(ward_space_write_u64(f->space, a, word + 1, NULL), 0);
    assert_int_equal(ward_space_read_u64(f->space, a, &mine, NULL), 0);
    assert_true(mine == word + 1);
    assert_int_equal(ward_space_write_u64(f->space, a, word, NULL), 0);
    assert_true(is_all(f->pages + 64, 8, 0x55)); /* ours stayed */
    assert_int_equal(ward_space_read_u64(f->space, a + 1, &word, &why), -EINVAL);
    assert_int_equal(why.kind, WARD_FAULT_ALIGN);
}

static void every_class_of_bad_address_is_efault(void **state)
{
    struct fixture *f = *state;
    const uint64_t bad[] = {
        0,
        1,
        4095,
        UINT64_C(1) << 47,            /* not canonical, or nobody's */
        UINT64_C(0x1234567812345678), /* not canonical */
        INT64_MAX - 64,
        INT64_MAX,
        UINT64_C(0xffff800000000000), /* the kernel's */
        UINT64_MAX - 64,
        UINT64_MAX, /* wraps */
        address(f->pages + HOLE * PAGE),
        address(f->pages + CLOSED * PAGE),
    };
    unsigned char copy[64];
    struct ward_fault why;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(copy, 0xee, sizeof copy);
        assert_int_equal(ward_space_read(f->space, bad[i], copy, sizeof copy, &why), -EFAULT);
        assert_true(is_all(copy, sizeof copy, 0) && why.done == 0);
        assert_int_equal(ward_space_write(f->space, bad[i], copy, sizeof copy, &why), -EFAULT);
        assert_true(why.done == 0);
        assert_int_equal(ward_space_read(f->space, bad[i], copy, 0, &why), 0);
    }
}

/* --- What ends by itself ---------------------------------------------------------------------- */

static void put(struct fixture *f, size_t off, const void *bytes, size_t n)
{
    assert_int_equal(ward_space_write(f->space, address(f->pages + off), bytes, n, NULL), 0);
}

static void restore(struct fixture *f, size_t off, size_t n)
{
    for (size_t i = off; i < off + n; i++) {
        unsigned char byte = byte_of_target(i);

        put(f, i, &byte, 1);
    }
}

static void strings_are_read_over_pages_and_up_to_the_last_byte_before_a_hole(void **state)
{
    struct fixture *f = *state;
    size_t ends[] = { PAGE + 300, HOLE * PAGE };
    char text[1024];

    for (size_t i = 0; i < 2; i++)
        for (size_t length = 0; length < 700; length += 53) {
            size_t off = ends[i] - length - 1;

            put(f, ends[i] - 1, "", 1);
            memset(text, 1, sizeof text);
            assert_int_equal(
                ward_space_read_str(f->space, address(f->pages + off), text, sizeof text, NULL),
                length);
            assert_int_equal(strlen(text), length);
            for (size_t k = 0; k < length; k++)
                assert_int_equal((unsigned char)text[k], byte_of_target(off + k));
            restore(f, ends[i] - 1, 1);
        }
}

static void a_string_without_an_end_fails_at_the_hole(void **state)
{
    struct fixture *f = *state;
    uint64_t a = address(f->pages + HOLE * PAGE - 300);
    struct ward_fault why;
    char text[512];

    memset(text, 1, sizeof text);
    assert_int_equal(ward_space_read_str(f->space, a, text, sizeof text, &why), -EFAULT);
    assert_fault(&why, a, 300, WARD_READ);
    assert_true(is_all(text + 300, sizeof text - 300, 0));
    assert_int_equal(ward_space_read_str(f->space, a, text, 300, &why), -ENAMETOOLONG);
    assert_int_equal(strlen(text), 299);
}

static void sentinels_and_vectors_work_as_in_every_space(void **state)
{
    struct fixture *f = *state;
    size_t off = PAGE - 3 * 12 - 5; /* elements of 12 bytes, one over the end of a page */
    unsigned char elements[8][12], bytes[40];
    const unsigned char zero[12] = { 0 };
    struct {
        uint64_t base, len;
    } vector[2] = { { address(f->pages + 10), 20 }, { address(f->pages + HOLE * PAGE - 12), 20 } };
    struct ward_iov ranges[2];
    struct ward_iov_list list;
    struct ward_fault why;

    put(f, off + 5 * 12, zero, 12);
    assert_int_equal(
        ward_space_read_until(f->space, address(f->pages + off), elements, 12, 8, NULL, NULL), 5);
    restore(f, off + 5 * 12, 12);
    put(f, 4 * PAGE, vector, sizeof vector);
    assert_int_equal(ward_iov_import(f->space, address(f->pages + 4 * PAGE), 2, ranges, 2,
                                     WARD_READ, &list, &why),
                     0);
    assert_int_equal(ward_iov_read(f->space, &list, 0, bytes, 40, &why), -EFAULT);
    assert_int_equal(why.done, 32);
    assert_int_equal(bytes[0], byte_of_target(10));
    assert_int_equal(bytes[31], byte_of_target(HOLE * PAGE - 1));
    assert_true(is_all(bytes + 32, 8, 0));
    restore(f, 4 * PAGE, sizeof vector);
}

static void pointers_are_read_alone_and_in_lists(void **state)
{
    struct fixture *f = *state;
    const uint64_t list[4] = { 0x1122334455667788, 7, UINT64_MAX, 0 };
    uint64_t a = address(f->pages + PAGE - 16), got[8];
    struct ward_fault why;

    put(f, PAGE - 16, list, sizeof list);
    assert_int_equal(ward_process_read_pointers(&f->process, a, got, 3, NULL), 0);
    assert_memory_equal(got, list, 3 * sizeof *got);
    assert_int_equal(ward_process_read_list(&f->process, a, got, 8, NULL), 3);
    assert_memory_equal(got, list, sizeof list);
    assert_int_equal(ward_process_read_list(&f->process, a, got, 3, NULL), -ENAMETOOLONG);
    memset(got, 1, sizeof got);
    a = address(f->pages + HOLE * PAGE - 16);
    assert_int_equal(ward_process_read_pointers(&f->process, a, got, 3, &why), -EFAULT);
    assert_true(is_all(got, 3 * sizeof *got, 0) && why.done == 16);
    memset(got, 1, sizeof got);
    assert_int_equal(ward_process_read_list(&f->process, a, got, 8, &why), -EFAULT);
    assert_true(is_all(got, sizeof got, 0) && why.done == 16);
    restore(f, PAGE - 16, sizeof list);
}

/* Whatever the width, also where it is not known: there is no array to set to zero. */
static void more_pointers_than_an_array_can_hold_are_eoverflow(void **state)
{
    static const size_t counts[] = { SIZE_MAX, SIZE_MAX / 8, (size_t)PTRDIFF_MAX / 8 + 1 };
    struct fixture *f = *state;
    struct ward_process process = f->process;
    uint64_t a = address(f->pages), got = 7;
    struct ward_fault why;

    for (size_t i = 0; i < 9; i++) {
        size_t count = counts[i % 3];

        process.pointer_bytes = (unsigned)(i / 3 * 4);
        dirty(why);
        assert_int_equal(ward_process_read_pointers(&process, a, &got, count, &why), -EOVERFLOW);
        assert_all_zero(why);
        assert_int_equal(ward_process_read_list(&process, a, &got, count, NULL), -EOVERFLOW);
        assert_int_equal(got, 7);
    }
}

/* --- Protections ------------------------------------------------------------------------------ */

static void close_pages(void *arg)
{
    unsigned char *pages = arg;

    memset(pages, 'n', 4 * PAGE);
    if (mprotect(pages, PAGE, PROT_NONE) || mprotect(pages + PAGE, PAGE, PROT_WRITE) ||
        mprotect(pages + 2 * PAGE, PAGE, PROT_EXEC) || mprotect(pages + 3 * PAGE, PAGE, PROT_READ))
        abort();
}

/* PROT_NONE, write-only, execute-only, read-only. The system asks the mapping, not the MMU, so that
 * a page that may only be written is not read, whatever the machine can do. */
static void protections_hold_unless_force_is_asked_for(void **state)
{
    static const bool reads[4] = { false, false, false, true };
    static const bool writes[4] = { false, true, false, false };
    unsigned char *pages = map_pages(4), byte;
    struct ward_process calls, force;
    struct target target;

    (void)state;
    start_target(&target, close_pages, NULL, pages);
    assert_int_equal(ward_process_open(&calls, target.pid, 0), 0);
    assert_int_equal(ward_process_open(&force, target.pid, WARD_PROCESS_FORCE), 0);
    for (size_t i = 0; i < 4; i++) {
        uint64_t a = address(pages + i * PAGE);

        assert_int_equal(ward_space_read(&calls.space, a, &byte, 1, NULL), reads[i] ? 0 : -EFAULT);
        assert_int_equal(byte, reads[i] ? 'n' : 0);
        assert_int_equal(ward_space_write(&calls.space, a, "w", 1, NULL), writes[i] ? 0 : -EFAULT);
        assert_int_equal(ward_space_read(&force.space, a, &byte, 1, NULL), 0);
        assert_int_equal(byte, writes[i] ? 'w' : 'n');
        assert_int_equal(ward_space_write(&force.space, a + 1, "f", 1, NULL), 0);
        assert_int_equal(ward_space_read(&force.space, a + 1, &byte, 1, NULL), 0);
        assert_int_equal(byte, 'f');
    }
    ward_process_close(&calls);
    ward_process_close(&force);
    stop_target(&target);
    unmap_pages(pages, 4);
}

static void force_goes_on_where_the_calls_end_and_counts_are_exact(void **state)
{
    struct fixture *f = *state;
    struct ward_process force;
    unsigned char *copy = malloc(PAGES * PAGE);
    size_t from = 4 * PAGE + 9, n = 4 * PAGE; /* over PROT_NONE to behind the last page */
    struct ward_fault why;

    assert_non_null(copy);
    assert_int_equal(ward_process_open(&force, f->target.pid, WARD_PROCESS_FORCE), 0);
    assert_int_equal(ward_space_read(&force.space, address(f->pages + from), copy, 3 * PAGE, NULL),
                     0);
    assert_int_equal(copy[0], byte_of_target(from));
    assert_int_equal(copy[2 * PAGE - 9], 0);
    assert_int_equal(copy[3 * PAGE - 9], byte_of_target(7 * PAGE));
    assert_int_equal(ward_space_read(&force.space, address(f->pages + 2 * PAGE), copy, n, &why),
                     -EFAULT);
    assert_fault(&why, address(f->pages + 2 * PAGE), PAGE, WARD_READ);
    assert_true(is_all(copy + PAGE, n - PAGE, 0));
    assert_int_equal(ward_space_read(&force.space, address(f->pages + from), copy, n, &why),
                     -EFAULT);
    assert_fault(&why, address(f->pages + from), n - 9, WARD_READ);
    ward_process_close(&force);
    free(copy);
}

static unsigned explained(struct fixture *f, uint64_t a, size_t n, bool write)
{
    static unsigned char bytes[2 * 65536];
    struct ward_fault why;
    int error = write ? ward_space_write(f->space, a, bytes, n, &why)
                      : ward_space_read(f->space, a, bytes, n, &why);

    assert_int_equal(error, -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_DENIED);
    ward_process_explain(&f->process, &why);
    return why.kind;
}

static void a_fault_is_explained_by_what_is_mapped(void **state)
{
    struct fixture *f = *state;
    uint64_t a = address(f->pages), text = address("text");
    struct ward_fault why = { .addr = a, .access = WARD_READ, .kind = WARD_FAULT_DENIED };

    assert_int_equal(explained(f, a + HOLE * PAGE - 1, 2, false), WARD_FAULT_UNMAPPED);
    assert_int_equal(explained(f, a + PAGES * PAGE - 9, PAGE, true), WARD_FAULT_UNMAPPED);
    assert_int_equal(explained(f, a + CLOSED * PAGE - 1, 2, false), WARD_FAULT_PROT);
    assert_int_equal(explained(f, text, 1, true), WARD_FAULT_PROT);
    assert_int_equal(explained(f, 0, 1, false), WARD_FAULT_UNMAPPED);
    assert_int_equal(explained(f, INT64_MAX, 1, false), WARD_FAULT_UNMAPPED);
    ward_process_explain(&f->process, &why); /* it can be accessed by now */
    assert_int_equal(why.kind, WARD_FAULT_DENIED);
    why.kind = WARD_FAULT_RANGE;
    ward_process_explain(&f->process, &why);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
}

/* --- The rest --------------------------------------------------------------------------------- */

static void what_the_space_cannot_do_is_enotsup(void **state)
{
    struct fixture *f = *state;
    struct ward_atomic op = { .op = WARD_ATOMIC_LOAD, .width = 8 };

    assert_int_equal(ward_space_atomic(f->space, address(f->pages), &op, NULL), -ENOTSUP);
    assert_int_equal(ward_space_populate(f->space, address(f->pages), 1, WARD_READ, NULL),
                     -ENOTSUP);
}

static void errno_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct ward_process process;
    unsigned char byte;

    errno = 4711;
    assert_int_equal(ward_space_read(f->space, 1, &byte, 1, NULL), -EFAULT);
    assert_int_equal(ward_process_open(&process, -1, 0), -EINVAL);
    assert_int_equal(errno, 4711);
}

static volatile int seen;

static void read_in_handler(int sig)
{
    unsigned char byte;

    (void)sig;
    seen = ward_space_read(fixture.space, address(fixture.pages), &byte, 1, NULL) == 0 &&
           byte == byte_of_target(0);
}

static void works_in_a_signal_handler(void **state)
{
    (void)state;
    seen = 0;
    signal(SIGUSR1, read_in_handler);
    raise(SIGUSR1);
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact_at_every_edge),
        cmocka_unit_test(reads_of_many_pages_end_at_the_first_that_is_closed),
        cmocka_unit_test(words_are_those_of_the_other_process),
        cmocka_unit_test(every_class_of_bad_address_is_efault),
        cmocka_unit_test(strings_are_read_over_pages_and_up_to_the_last_byte_before_a_hole),
        cmocka_unit_test(a_string_without_an_end_fails_at_the_hole),
        cmocka_unit_test(sentinels_and_vectors_work_as_in_every_space),
        cmocka_unit_test(pointers_are_read_alone_and_in_lists),
        cmocka_unit_test(more_pointers_than_an_array_can_hold_are_eoverflow),
        cmocka_unit_test(protections_hold_unless_force_is_asked_for),
        cmocka_unit_test(force_goes_on_where_the_calls_end_and_counts_are_exact),
        cmocka_unit_test(a_fault_is_explained_by_what_is_mapped),
        cmocka_unit_test(what_the_space_cannot_do_is_enotsup),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(works_in_a_signal_handler),
    };

    exit_without_pidfd();
    return cmocka_run_group_tests(tests, start, end);
}
