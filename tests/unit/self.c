/* SPDX-License-Identifier: MIT */
/* Every class of address, through every way to the process's own memory. */
#include "access.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <ward/map.h>
#include <ward/static.h>

enum { LEN = 64 };

/* Reads, writes and asks for a word at an address that is bad: one answer, and the record says
 * where. access: what fails. */
static void assert_bad(struct ward_space *space, uint64_t a, unsigned access)
{
    unsigned char bytes[LEN];
    struct ward_fault why;
    uint64_t word = 7;

    memset(bytes, 0xee, LEN);
    if (access & WARD_READ) {
        assert_int_equal(ward_space_read(space, a, bytes, LEN, &why), -EFAULT);
        assert_true(is_all(bytes, LEN, 0));
        assert_true(why.addr == a && why.done == 0 && why.access == WARD_READ && why.kind != 0);
        assert_int_equal(ward_space_read_u64(space, a & ~UINT64_C(7), &word, &why), -EFAULT);
        assert_true(word == 0 && why.access == WARD_READ && why.addr == (a & ~UINT64_C(7)));
        assert_true(ward_space_read_str(space, a, (char *)bytes, LEN, &why) == -EFAULT);
        assert_true(is_all(bytes, LEN, 0));
    }
    assert_int_equal(ward_space_write(space, a, bytes, LEN, &why), -EFAULT);
    assert_true(why.addr == a && why.done == 0 && why.access == WARD_WRITE && why.kind != 0);
    assert_int_equal(ward_space_fill(space, a, 1, LEN, &why), -EFAULT);
    assert_int_equal(ward_space_write_u32(space, a & ~UINT64_C(7), 1, &why), -EFAULT);
}

static void every_class_of_bad_address_is_efault(void **state)
{
    unsigned char *pages = map_edge(3);
    const uint64_t bad[] = {
        0,
        1,
        4095,
        65535,                        /* null with something added */
        UINT64_C(1) << 47,            /* not canonical */
        UINT64_C(0x1234567812345678), /* not canonical */
        INT64_MAX - LEN,
        UINT64_C(0xffff800000000000), /* the kernel's */
        UINT64_MAX - LEN,
        UINT64_MAX - 7, /* wraps */
        UINT64_MAX,
        address(pages + 3 * PAGE), /* PROT_NONE */
        address(pages - LEN),
        address(pages + PAGE), /* a hole in the middle */
    };

    (void)state;
    use_ward();
    assert_int_equal(munmap(pages + PAGE, PAGE), 0);
    for (size_t i = 0; i < ways(); i++)
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
            assert_bad(by(i), bad[k], WARD_RW);
    unmap_edge(pages, 3);
}

/* One answer, and one record, whether the space is known when compiled or not. */
static void assert_same_answer(uint64_t a)
{
    struct ward_space *space = ward_space_self_by_table();
    struct ward_fault here, there;
    uint64_t word = 7, same = 8;

    assert_int_equal(ward_self_read_u64(a, &word, &here),
                     ward_space_read_u64(space, a, &same, &there));
    assert_true(word == same && memcmp(&here, &there, sizeof here) == 0);
    assert_int_equal(ward_self_write_u64(a, word, &here),
                     ward_space_write_u64(space, a, word, &there));
    assert_true(memcmp(&here, &there, sizeof here) == 0);
}

static void self_known_when_compiled_answers_as_its_space_does(void **state)
{
    const uint64_t edges[] = { 0,
                               WARD_SELF_FIRST,
                               UINT64_C(1) << 47,
                               UINT64_C(1) << 62,
                               WARD_SELF_FIRST + (UINT64_C(1) << 62),
                               WARD_SELF_LAST + 1,
                               WARD_SELF_LAST + 1 + WARD_SELF_FIRST };
    unsigned char *pages = map_edge(1);

    (void)state;
    use_ward();
    fill_pattern(pages, PAGE);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        for (uint64_t k = 0; k < 32; k++)
            assert_same_answer(edges[i] - 16 + k);
    for (size_t at = 0; at < 32; at++) {
        assert_same_answer(address(pages - 16 + at));
        assert_same_answer(address(pages + PAGE - 16 + at));
    }
    assert_int_equal(mprotect(pages, PAGE, PROT_READ), 0);
    assert_same_answer(address(pages));
    unmap_edge(pages, 1);
}

static void a_page_that_may_only_be_read_is_not_written(void **state)
{
    unsigned char *pages = map_edge(1);
    unsigned char byte = 0;

    (void)state;
    use_ward();
    pages[5] = 9;
    assert_int_equal(mprotect(pages, PAGE, PROT_READ), 0);
    for (size_t i = 0; i < ways(); i++) {
        assert_bad(by(i), address(pages), WARD_WRITE);
        assert_int_equal(ward_space_read(by(i), address(pages + 5), &byte, 1, NULL), 0);
        assert_int_equal(byte, 9);
    }
    assert_int_equal(pages[5], 9);
    unmap_edge(pages, 1);
}

/* Write-only is readable to this MMU; the kernel, asked to copy, says no. */
static void write_only_pages_are_what_the_way_says(void **state)
{
    unsigned char *pages = map_edge(1);
    unsigned char byte = 0;

    (void)state;
    use_ward();
    assert_int_equal(mprotect(pages, PAGE, PROT_WRITE), 0);
    assert_int_equal(ward_space_read(by(1), address(pages), &byte, 1, NULL), by_calls(-EFAULT));
    assert_int_equal(ward_space_write(by(0), address(pages), &byte, 1, NULL), 0);
    unmap_edge(pages, 1);
}

/* The processor looks at the keys of the thread, the system, which copies for it, does not. */
static void a_page_behind_a_key_is_closed_by_table_alone(void **state)
{
    unsigned char *page = map_edge(1);
    struct ward_fault why;
    uint64_t word = 1;
    int key = (int)syscall(SYS_pkey_alloc, 0, 1 /* no access */);

    (void)state;
    use_ward();
    if (key < 0) {
        print_message("no protection keys here\n");
        unmap_edge(page, 1);
        skip();
    }
    page[0] = 5;
    assert_int_equal(syscall(SYS_pkey_mprotect, page, PAGE, PROT_READ | PROT_WRITE, key), 0);
    assert_int_equal(ward_space_read_u64(by(0), address(page), &word, &why), -EFAULT);
    assert_true(word == 0 && why.kind == WARD_FAULT_PROT);
    assert_int_equal(ward_space_read_u64(by(1), address(page), &word, &why), by_calls(0));
    assert_true(word == 5 || !has_calls());
    unmap_edge(page, 1);
    assert_int_equal(syscall(SYS_pkey_free, key), 0);
}

static void a_fault_in_the_middle_is_told_to_the_byte(void **state)
{
    unsigned char *pages = map_edge(2), copy[300];
    uint64_t at = address(pages + 2 * PAGE - 100);
    struct ward_fault why;

    (void)state;
    use_ward();
    fill_pattern(pages, 2 * PAGE);
    for (size_t i = 0; i < ways(); i++) {
        memset(copy, 0xee, sizeof copy);
        assert_int_equal(ward_space_read(by(i), at, copy, sizeof copy, &why), -EFAULT);
        assert_true(why.done == 100 && why.addr == at + 100 && why.access == WARD_READ);
        assert_memory_equal(copy, pages + 2 * PAGE - 100, 100);
        assert_true(is_all(copy + 100, 200, 0));
        memset(copy, (int)i + 1, sizeof copy);
        assert_int_equal(ward_space_write(by(i), at, copy, sizeof copy, &why), -EFAULT);
        assert_true(why.done == 100 && why.addr == at + 100 && why.access == WARD_WRITE);
        assert_true(is_all(pages + 2 * PAGE - 100, 100, (unsigned char)(i + 1)));
        assert_int_equal(ward_space_fill(by(i), at, 77, 101, &why), -EFAULT);
        assert_true(why.done == 100 && is_all(pages + 2 * PAGE - 100, 100, 77));
        fill_pattern(pages, 2 * PAGE);
    }
    unmap_edge(pages, 2);
}

static void the_table_tells_why(void **state)
{
    unsigned char *pages = map_edge(1);
    struct ward_fault why;
    uint64_t word;

    (void)state;
    use_ward();
    assert_int_equal(ward_space_read_u64(by(0), address(pages + PAGE), &word, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_PROT);
    assert_int_equal(munmap(pages, PAGE), 0);
    assert_int_equal(ward_space_read_u64(by(0), address(pages), &word, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_UNMAPPED);
    assert_int_equal(ward_space_read_u64(by(0), UINT64_C(1) << 50, &word, &why), -EFAULT);
    assert_true(why.addr == UINT64_C(1) << 50);
    unmap_edge(pages, 1);
}

static void a_truncated_file_is_a_bus_fault(void **state)
{
    char name[] = "/tmp/ward-self-XXXXXX";
    int fd = mkstemp(name);
    unsigned char *at, byte[8];
    struct ward_fault why;

    (void)state;
    use_ward();
    assert_true(fd >= 0 && unlink(name) == 0);
    assert_int_equal(ftruncate(fd, (off_t)(2 * PAGE)), 0);
    at = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(at != MAP_FAILED);
    assert_int_equal(ward_space_read(by(0), address(at + PAGE - 4), byte, 8, NULL), 0);
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    assert_int_equal(ward_space_read(by(0), address(at + PAGE - 4), byte, 8, &why), -EFAULT);
    assert_true(why.kind == WARD_FAULT_BUS && why.done == 4 && why.addr == address(at + PAGE));
    assert_int_equal(ward_space_read(by(1), address(at + PAGE - 4), byte, 8, &why),
                     by_calls(-EFAULT));
    assert_int_equal(why.done, has_calls() ? 4 : 0);
    munmap(at, 2 * PAGE);
    close(fd);
}

static void by_calls_has_no_atomics(void **state)
{
    uint32_t word = 5;
    struct ward_atomic op = { WARD_ATOMIC_ADD, 4, 1, 0, 0 };

    (void)state;
    assert_int_equal(ward_space_atomic(by(1), address(&word), &op, NULL), -ENOTSUP);
    assert_int_equal(word, 5);
}

static void populate_brings_pages_in_or_says_no(void **state)
{
    unsigned char *pages = map_edge(3);
    struct ward_fault why;

    (void)state;
    skip_without_advice();
    if (ward_space_populate(by(0), address(pages + 10), PAGE, WARD_RW, NULL) == -ENOTSUP) {
        print_message("no MADV_POPULATE_WRITE\n");
        skip();
    }
    assert_int_equal(resident_pages(pages, 3 * PAGE), 2);
    assert_int_equal(ward_space_populate(by(0), address(pages), 4 * PAGE, WARD_READ, &why),
                     -EFAULT);
    assert_true(why.addr == address(pages + 3 * PAGE) && why.access == WARD_READ);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_READ), 0);
    assert_int_equal(ward_space_populate(by(0), address(pages + 3), 3 * PAGE - 3, WARD_RW, &why),
                     -EFAULT);
    assert_int_equal(why.addr, address(pages + PAGE));
    assert_int_equal(ward_space_populate(by(0), address(pages + PAGE + 9), 1, WARD_RW, &why),
                     -EFAULT);
    assert_int_equal(why.addr, address(pages + PAGE + 9));
    assert_int_equal(ward_space_populate(by(0), 0, 1, WARD_READ, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
    unmap_edge(pages, 3);
}

/* --- Scopes ----------------------------------------------------------------------------------- */

static int blocked_in_scope(void *arg)
{
    struct ward_space *chosen;
    sigset_t mask;
    uint64_t word;

    use_ward();
    EXPECT(ward_access_begin() == by(0));
    EXPECT(ward_access_begin() == by(0));
    ward_access_end();
    EXPECT(ward_space_read_u64(ward_space_self_auto(), address(arg), &word, NULL) == -EFAULT);
    ward_access_end();
    sigemptyset(&mask);
    sigaddset(&mask, SIGSEGV);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    chosen = ward_access_begin();
    EXPECT(chosen == by(1));
    EXPECT(ward_space_read_u64(chosen, address(arg), &word, NULL) == by_calls(-EFAULT));
    ward_access_end();
    EXPECT(ward_space_read_u64(ward_space_self_auto(), address(arg), &word, NULL) ==
           by_calls(-EFAULT));
    return 0;
}

static int replaced_in_scope(void *arg)
{
    uint64_t word;

    (void)arg;
    signal(SIGBUS, SIG_DFL);
    EXPECT(ward_access_begin() == by(1));
    EXPECT(ward_space_read_u64(ward_space_self_auto(), 4096 * 17, &word, NULL) ==
           by_calls(-EFAULT));
    return 0;
}

/* A handler runs with SIGSEGV blocked, in the middle of a scope that goes by table. (It blocks the
 * signal itself: qemu-riscv64 misreads sa_mask.) */
static volatile int handled;
static void *volatile bad_address;

static void begin_in_handler(int sig)
{
    struct ward_space *chosen;
    sigset_t mask;
    uint64_t word;

    (void)sig;
    sigfillset(&mask);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    chosen = ward_access_begin();
    handled = chosen == by(1) && ward_space_read_u64(ward_space_self_auto(), address(bad_address),
                                                     &word, NULL) == by_calls(-EFAULT);
    ward_access_end();
}

static int interrupted_scope(void *arg)
{
    struct sigaction action = { .sa_handler = begin_in_handler };
    uint64_t word;

    use_ward();
    bad_address = arg;
    sigaction(SIGUSR1, &action, NULL);
    EXPECT(ward_access_begin() == by(0));
    raise(SIGUSR1);
    EXPECT(handled);
    EXPECT(ward_space_read_u64(ward_space_self_auto(), address(arg), &word, NULL) == -EFAULT);
    ward_access_end();
    return 0;
}

static int too_many_ends(void *arg)
{
    (void)arg;
    use_ward();
    ward_access_end();
    EXPECT(ward_access_begin() == by(0));
    for (unsigned i = 0; i < 70; i++)
        EXPECT(ward_access_begin() == by(0));
    for (unsigned i = 0; i < 71; i++)
        ward_access_end();
    EXPECT(ward_access_begin() == by(0));
    return 0;
}

static void each_scope_asks_for_itself(void **state)
{
    unsigned char *pages = map_edge(1);

    (void)state;
    assert_int_equal(in_child(interrupted_scope, pages + PAGE), 0);
    assert_int_equal(in_child(too_many_ends, NULL), 0);
    unmap_edge(pages, 1);
}

/* The contract is broken, and the answer is death, not a wrong success. */
static int block_inside(void *arg)
{
    struct ward_space *chosen;
    sigset_t mask;
    uint64_t word;

    use_ward();
    chosen = ward_access_begin();
    sigfillset(&mask);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    return ward_space_read_u64(chosen, address(arg), &word, NULL) == 0;
}

static void a_scope_chooses_what_works(void **state)
{
    unsigned char *pages = map_edge(1);

    (void)state;
    assert_int_equal(in_child(blocked_in_scope, pages + PAGE), 0);
    assert_int_equal(in_child(replaced_in_scope, pages + PAGE), 0);
    unmap_edge(pages, 1);
}

static void blocking_the_signal_inside_a_scope_is_death(void **state)
{
    unsigned char *pages = map_edge(1);

    (void)state;
    assert_int_equal(in_child(block_inside, pages + PAGE), -SIGSEGV);
    unmap_edge(pages, 1);
}

/* --- Within ----------------------------------------------------------------------------------- */

/* The range test is made to pass all addresses, as a mispredicted branch would. */
static void a_single_region_of_a_power_of_two_is_clamped(void **state)
{
    struct ward_map two, three;
    const struct ward_region *const first[] = { &two.region }, *const second[] = { &three.region };
    struct ward_within within;
    uint64_t word = 0;

    (void)state;
    use_ward();
    assert_int_equal(ward_map_init(&two, 2 * PAGE, 0), 0);
    assert_int_equal(ward_map_init(&three, 3 * PAGE, 0), 0);
    assert_int_equal(ward_within_init(&within, by(0), second, 1), 0);
    assert_true(within.space.direct == 3 * PAGE && within.space.mask == UINT64_MAX);
    assert_int_equal(ward_within_init(&within, by(0), first, 1), 0);
    assert_true(within.space.mask == 2 * PAGE - 1 && ward_space_ok(&within.space));
    within.space.direct = UINT64_MAX;
    memset(two.region.base, 5, 2 * PAGE);
    assert_int_equal(ward_space_read_u64(&within.space, address(three.region.base), &word, NULL),
                     0);
    assert_true(word == UINT64_C(0x0505050505050505));
    assert_int_equal(ward_region_fini(&two.region), 0);
    assert_int_equal(ward_region_fini(&three.region), 0);
}

static void within_regions_nothing_else_is_there(void **state)
{
    struct ward_map a, b;
    const struct ward_region *const both[] = { &a.region, &b.region };
    struct ward_within one, two;
    unsigned char secret[64] = { 42 }, byte[64];
    struct ward_fault why;
    uint64_t word;

    (void)state;
    use_ward();
    assert_int_equal(ward_map_init(&a, 2 * PAGE, 0), 0);
    assert_int_equal(ward_map_init(&b, PAGE, 0), 0);
    for (size_t i = 0; i < ways(); i++) {
        assert_int_equal(ward_within_init(&one, by(i), both, 1), 0);
        assert_int_equal(ward_within_init(&two, by(i), both, 2), 0);
        assert_true(ward_space_ok(&one.space) && ward_space_ok(&two.space));
        assert_int_equal((one.space.direct > 0), i == 0);
        a.region.base[2 * PAGE - 1] = 7;
        assert_int_equal(
            ward_space_read(&one.space, address(a.region.base + 2 * PAGE - 1), byte, 1, NULL), 0);
        assert_int_equal(byte[0], 7);
        assert_int_equal(ward_space_write(&two.space, address(b.region.base), byte, 64, NULL), 0);
        assert_int_equal(ward_space_read(&one.space, address(secret), byte, 64, &why), -EFAULT);
        assert_true(is_all(byte, 64, 0) && why.kind == WARD_FAULT_RANGE);
        assert_int_equal(ward_space_read(&two.space, address(secret), byte, 64, &why), -EFAULT);
        assert_int_equal(ward_space_read_u64(&two.space, address(&a), &word, &why), -EFAULT);
        assert_int_equal(ward_space_write(&one.space, address(b.region.base), byte, 1, NULL),
                         -EFAULT);
        for (size_t k = 0; k < 2; k++) {
            uint64_t end = address(both[k]->base + both[k]->size);

            assert_int_equal(ward_space_read(&two.space, end - 8, byte, 9, &why), -EFAULT);
            assert_true(why.done == 0 && why.addr == end && why.kind == WARD_FAULT_RANGE);
        }
    }
    assert_int_equal(ward_within_init(&one, NULL, both, 0), -EINVAL);
    assert_all_zero(one);
    assert_int_equal(ward_region_fini(&a.region), 0);
    assert_int_equal(ward_region_fini(&b.region), 0);
}

/* Where the room is larger than what is left of the region. */
static void a_string_may_end_with_its_region(void **state)
{
    unsigned char *pages = map_edge(1);
    uint16_t words[400];
    char text[800];
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t i = 0; i < 2 * ways(); i++) {
        for (size_t size = 6; size < 600; size += size % 64 == 0 ? 2 : 1) {
            size_t half = i < ways() ? size : size / 2;
            struct ward_static low, high;
            const struct ward_region *const both[] = { &low.region, &high.region };
            struct ward_within within;
            uint64_t last = address(pages) + half - 1;

            assert_int_equal(ward_static_init(&low, pages, half), 0);
            assert_int_equal(ward_static_init(&high, pages + half, size), 0);
            assert_int_equal(ward_within_init(&within, by(i % ways()), both, i < ways() ? 1 : 2),
                             0);
            memset(pages, 'a', PAGE);
            pages[half - 1] = 0;
            assert_int_equal(ward_space_read_str(&within.space, address(pages), text, 800, &why),
                             (int)half - 1);
            assert_int_equal(ward_space_read_str(&within.space, last, text, 800, &why), 0);
            pages[half - 1] = '!';
            if (i >= ways())
                continue;
            memset(text, 9, 800);
            assert_int_equal(ward_space_read_str(&within.space, address(pages), text, 800, &why),
                             -EFAULT);
            assert_true(why.done == half && why.addr == last + 1 && why.kind == WARD_FAULT_RANGE);
            assert_true(text[half - 1] == '!' && is_all(text + half, 800 - half, 0));
            assert_int_equal(
                ward_space_read_until(&within.space, address(pages), words, 2, 400, "aa", NULL), 0);
        }
    }
    unmap_edge(pages, 1);
}

static void regions_that_overlap_have_what_lies_in_any(void **state)
{
    unsigned char *pages = map_edge(1), copy[64];
    struct ward_static small, large;
    const struct ward_region *const both[] = { &small.region, &large.region };
    struct ward_within within;
    struct ward_fault why;

    (void)state;
    use_ward();
    assert_int_equal(ward_static_init(&small, pages, 16), 0);
    assert_int_equal(ward_static_init(&large, pages, 48), 0);
    assert_int_equal(ward_within_init(&within, by(0), both, 2), 0);
    assert_int_equal(ward_space_read(&within.space, address(pages), copy, 48, NULL), 0);
    assert_int_equal(ward_space_read(&within.space, address(pages), copy, 49, &why), -EFAULT);
    assert_true(why.addr == address(pages) + 48 && why.done == 0);
    unmap_edge(pages, 1);
}

/* --- Who else there is ------------------------------------------------------------------------ */

static void *read_bad(void *at)
{
    uint64_t word;

    for (size_t i = 0; i < 100; i++)
        if (ward_space_read_u64(by(0), address(at), &word, NULL) != -EFAULT)
            return at;
    return NULL;
}

static int fork_and_read(void *at)
{
    use_ward();
    return read_bad(at) != NULL;
}

static void children_and_threads_are_served_alike(void **state)
{
    unsigned char *pages = map_edge(1);
    pthread_t threads[4];
    void *failed;

    (void)state;
    use_ward();
    assert_int_equal(in_child(fork_and_read, pages + PAGE), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_bad, pages + PAGE), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    unmap_edge(pages, 1);
}

static unsigned char *bad_page;
static volatile int seen;

/* A tool may run handlers late, and with signals blocked (the thread sanitizer): a scope finds
 * out. */
static void read_in_handler(int sig)
{
    struct ward_space *chosen = ward_access_begin();
    uint64_t word;

    (void)sig;
    seen = ward_space_read_u64(chosen, address(bad_page), &word, NULL) == -EFAULT &&
           ward_space_read_u64(by(1), address(bad_page), &word, NULL) == by_calls(-EFAULT);
    ward_access_end();
}

static void works_in_a_signal_handler(void **state)
{
    unsigned char *pages = map_edge(1);

    (void)state;
    use_ward();
    bad_page = pages + PAGE;
    (void)has_calls();
    signal(SIGUSR1, read_in_handler);
    raise(SIGUSR1);
    assert_true(seen);
    unmap_edge(pages, 1);
}

static void errno_is_left_alone(void **state)
{
    uint64_t word;

    (void)state;
    use_ward();
    errno = 4711;
    assert_int_equal(ward_space_read_u64(by(0), 65536 * 3 + 8, &word, NULL), -EFAULT);
    assert_int_equal(ward_space_read_u64(by(1), 65536 * 3 + 8, &word, NULL), by_calls(-EFAULT));
    assert_int_equal(ward_recover_install(), 0);
    assert_int_equal(errno, 4711);
}

/* --- Mappings that change --------------------------------------------------------------------- */

static _Atomic bool stop;

static void *remap(void *at)
{
    for (unsigned char tag = 1; !stop; tag = (unsigned char)(tag % 250 + 1)) {
        mprotect(at, PAGE, PROT_READ | PROT_WRITE);
        memset(at, tag, PAGE);
        mprotect(at, PAGE, PROT_NONE);
        munmap(at, PAGE);
        if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) == MAP_FAILED)
            abort();
    }
    return NULL;
}

/* Bytes come from what was mapped (0 when fresh, else tags), or there is a fault and zeroes. */
static void a_page_that_comes_and_goes_is_an_answer(void **state)
{
    unsigned char *pages = map_edge(1), copy[256];
    struct ward_fault why;
    size_t failed = 0, done = 0;
    pthread_t other;

    (void)state;
    use_ward();
    stop = false;
    assert_int_equal(pthread_create(&other, NULL, remap, pages), 0);
    for (size_t i = 0; i < 200000 || failed == 0 || done == 0; i++) {
        size_t n = 1 + i % 256;
        int error = ward_space_read(by(0), address(pages + i % 2048), copy, n, &why);

        assert_true(error == 0 || error == -EFAULT);
        assert_true(error == 0 || is_all(copy + why.done, n - why.done, 0));
        failed += error != 0, done += error == 0;
    }
    stop = true;
    pthread_join(other, NULL);
    unmap_edge(pages, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_of_bad_address_is_efault),
        cmocka_unit_test(self_known_when_compiled_answers_as_its_space_does),
        cmocka_unit_test(a_page_that_may_only_be_read_is_not_written),
        cmocka_unit_test(write_only_pages_are_what_the_way_says),
        cmocka_unit_test(a_page_behind_a_key_is_closed_by_table_alone),
        cmocka_unit_test(a_fault_in_the_middle_is_told_to_the_byte),
        cmocka_unit_test(the_table_tells_why),
        cmocka_unit_test(a_truncated_file_is_a_bus_fault),
        cmocka_unit_test(by_calls_has_no_atomics),
        cmocka_unit_test(populate_brings_pages_in_or_says_no),
        cmocka_unit_test(a_scope_chooses_what_works),
        cmocka_unit_test(each_scope_asks_for_itself),
        cmocka_unit_test(blocking_the_signal_inside_a_scope_is_death),
        cmocka_unit_test(a_single_region_of_a_power_of_two_is_clamped),
        cmocka_unit_test(within_regions_nothing_else_is_there),
        cmocka_unit_test(a_string_may_end_with_its_region),
        cmocka_unit_test(regions_that_overlap_have_what_lies_in_any),
        cmocka_unit_test(children_and_threads_are_served_alike),
        cmocka_unit_test(works_in_a_signal_handler),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(a_page_that_comes_and_goes_is_an_answer),
    };

    install_first();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
