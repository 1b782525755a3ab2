/* SPDX-License-Identifier: MIT */
/*
 * What has gone wrong in systems that follow pointers of others: each class of defect, tried here.
 * What such a class would have to look like in C and does not compile is in tests/compile_fail.
 */
#include "access.h"

#include "sanitized.h"

#include <pthread.h>
#include <sched.h>

#include <ward/iov.h>
#include <ward/user.h>

static unsigned char *pages, *edge; /* two pages, and behind them one that faults */

/* --- A space that remembers what it was asked ------------------------------------------------- */

enum { FIRST = 0x10000, FETCHES = 64 };

struct watched {
    struct ward_space space;
    unsigned char *memory;
    size_t fetches, checks, asked;
    struct {
        uint64_t at;
        size_t n;
    } fetched[FETCHES];
    unsigned access; /* of the last check */
    bool active, still_active, other_active;
    enum ward_answer answer;
};

static size_t watched_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                           struct ward_fault *why)
{
    struct watched *w = (struct watched *)space;

    (void)why;
    if (w->fetches < FETCHES) {
        w->fetched[w->fetches].at = a;
        w->fetched[w->fetches++].n = n;
    }
    memcpy(dst, w->memory + (a - FIRST), n);
    return n;
}

static bool watched_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                          struct ward_fault *why)
{
    struct watched *w = (struct watched *)space;

    (void)a, (void)n, (void)why;
    w->checks++;
    w->access = access;
    return true;
}

static const struct ward_space_ops watched_ops = {
    .name = "watched",
    .read = watched_read,
    .check = watched_check,
};

static void watch(struct watched *w)
{
    memset(w, 0, sizeof *w);
    w->memory = pages;
    w->space = (struct ward_space){
        .ops = &watched_ops, .first = FIRST, .last = FIRST + 2 * PAGE - 1, .mask = UINT64_MAX
    };
    assert_true(ward_space_ok(&w->space));
}

static bool overlap(const struct watched *w, size_t i, size_t k)
{
    return w->fetched[i].at < w->fetched[k].at + w->fetched[k].n &&
           w->fetched[k].at < w->fetched[i].at + w->fetched[i].n;
}

static bool no_byte_was_fetched_twice(const struct watched *w)
{
    for (size_t i = 0; i < w->fetches; i++)
        for (size_t k = 0; k < i; k++)
            if (overlap(w, i, k))
                return false;
    return w->fetches > 0 && w->fetches < FETCHES;
}

/* --- What was checked is not what is used ----------------------------------------------------- */

static void what_was_read_stays_when_the_page_goes(void **state)
{
    unsigned char *theirs = map_edge(1), copy[8];

    (void)state;
    use_ward();
    memset(theirs, 7, 8);
    assert_int_equal(ward_space_read(by(0), address(theirs), copy, 8, NULL), 0);
    unmap_edge(theirs, 1);
    assert_true(is_all(copy, 8, 7));
}

static void what_goes_between_check_and_use_is_an_error(void **state)
{
    unsigned char *theirs = map_edge(1), copy[8];

    (void)state;
    use_ward();
    assert_int_equal(ward_space_check(by(0), address(theirs), 8, WARD_RW, NULL), 0);
    assert_int_equal(ward_space_populate(by(0), address(theirs), 8, WARD_RW, NULL), 0);
    assert_int_equal(mprotect(theirs, PAGE, PROT_READ), 0);
    assert_int_equal(ward_space_write(by(0), address(theirs), copy, 8, NULL), -EFAULT);
    assert_int_equal(munmap(theirs, PAGE), 0);
    assert_int_equal(ward_space_read(by(0), address(theirs), copy, 8, NULL), -EFAULT);
    assert_int_equal(munmap(theirs - PAGE, 3 * PAGE), 0);
}

static void a_fault_that_nobody_mends_is_an_error_not_a_death(void **state)
{
    uint64_t word = 1;

    (void)state;
    use_ward();
    assert_int_equal(ward_space_read_u64(by(0), address(edge), &word, NULL), -EFAULT);
    assert_true(word == 0);
}

/* --- Locks and flags -------------------------------------------------------------------------- */

static void *is_active_elsewhere(void *active)
{
    *(bool *)active = ward_recover_active();
    return NULL;
}

/* Accesses the space it is asked about, and looks from another thread. */
static enum ward_answer nosy_fault(struct ward_space *space, struct ward_fault *fault)
{
    struct watched *w = (struct watched *)space;
    uint64_t word;
    pthread_t other;

    (void)fault;
    w->asked++;
    w->active = ward_recover_active();
    if (w->asked > 1)
        return WARD_FAIL;
    if (ward_space_read_u64(space, FIRST, &word, NULL) ||
        ward_space_read_u64(space, FIRST + 2 * PAGE, &word, NULL) != -EFAULT ||
        pthread_create(&other, NULL, is_active_elsewhere, &w->other_active))
        return WARD_FAIL;
    pthread_join(other, NULL);
    sched_yield();
    w->still_active = ward_recover_active();
    return WARD_FAIL;
}

static const struct ward_space_ops nosy_ops = { .name = "nosy", .fault = nosy_fault };

static void watch_nosily(struct watched *w)
{
    watch(w);
    w->space = (struct ward_space){ &nosy_ops, FIRST,          FIRST + 3 * PAGE - 1,
                                    3 * PAGE,  address(pages), UINT64_MAX };
    w->other_active = true;
}

static void the_hook_may_access_the_space_it_is_asked_about(void **state)
{
    struct watched w;
    char text[64];

    (void)state;
    use_ward();
    watch_nosily(&w);
    memset(pages, 'x', 2 * PAGE);
    assert_int_equal(ward_space_read_str(&w.space, FIRST + 2 * PAGE - 8, text, 64, NULL), -EFAULT);
    assert_int_equal(w.asked, 2); /* for the string, and for the hook's own access */
}

static void the_flag_nests_and_is_the_threads_own(void **state)
{
    struct watched w;
    uint64_t word;

    (void)state;
    use_ward();
    watch_nosily(&w);
    assert_false(ward_recover_active());
    assert_int_equal(ward_space_read_u64(&w.space, FIRST + 2 * PAGE, &word, NULL), -EFAULT);
    assert_true(w.active && w.still_active);
    assert_false(w.other_active);
    assert_false(ward_recover_active());
}

static void nofault_mode_nests_and_is_the_threads_own(void **state)
{
    struct watched w;
    uint64_t word;

    (void)state;
    use_ward();
    watch_nosily(&w);
    ward_nofault_begin();
    ward_nofault_begin();
    ward_nofault_end();
    assert_int_equal(ward_space_read_u64(&w.space, FIRST + 2 * PAGE, &word, NULL), -EFAULT);
    assert_int_equal(w.asked, 0);
    ward_nofault_end();
    assert_int_equal(ward_space_read_u64(&w.space, FIRST + 2 * PAGE, &word, NULL), -EFAULT);
    assert_int_equal(w.asked, 2);
}

/* --- Fetched twice ---------------------------------------------------------------------------- */

static void no_byte_of_a_string_is_fetched_twice(void **state)
{
    struct watched w;
    char text[700];

    (void)state;
    watch(&w);
    memset(pages, 'y', 2 * PAGE);
    pages[999] = 0;
    assert_int_equal(ward_space_read_utf8(&w.space, FIRST + 333, text, 700, NULL), 666);
    assert_true(no_byte_was_fetched_twice(&w));
}

static void no_byte_of_an_array_or_structure_is_fetched_twice(void **state)
{
    unsigned char copy[24 * 30];
    struct watched w;

    (void)state;
    memset(pages, 1, 2 * PAGE);
    memset(pages + 100 + 20 * 24, 0, 24);
    watch(&w);
    assert_int_equal(ward_space_read_until(&w.space, FIRST + 100, copy, 24, 30, NULL, NULL), 20);
    assert_true(no_byte_was_fetched_twice(&w));
    memset(pages, 0, 2 * PAGE);
    watch(&w);
    assert_int_equal(ward_space_read_versioned(&w.space, FIRST, 3000, copy, 16, NULL), 0);
    assert_true(no_byte_was_fetched_twice(&w));
}

static void no_byte_of_a_vector_is_fetched_twice(void **state)
{
    struct ward_iov vec[2] = { { FIRST + 1024, 100 }, { FIRST + 2048, 100 } }, copy[2];
    struct ward_iov_list list;
    unsigned char bytes[200];
    struct watched w;

    (void)state;
    watch(&w);
    memcpy(pages, vec, sizeof vec);
    assert_int_equal(ward_iov_import(&w.space, FIRST, 2, copy, 2, WARD_READ, &list, NULL), 0);
    assert_int_equal(ward_iov_read(&w.space, &list, 0, bytes, 200, NULL), 200);
    assert_true(no_byte_was_fetched_twice(&w));
}

static _Atomic bool stop;

/* Writes what is text, and what is none, and what ends elsewhere. */
static void *rewrite(void *at)
{
    static const char *const texts[] = { "h\xc3\xa9h\xc3\xa9h\xc3\xa9h", "\xc3\xc3\xc3\xc3\xc3",
                                         "abcdefghijklmnopqrstu", "" };

    for (size_t i = 0; !stop; i++)
        strcpy(at, texts[i % 4]);
    return NULL;
}

static void text_that_is_rewritten_meanwhile_is_text_or_none(void **state)
{
    char text[16], again[16];
    size_t texts = 0, others = 0;
    pthread_t other;

    (void)state;
    use_ward();
    memset(pages, 0, PAGE);
    stop = false;
    assert_int_equal(pthread_create(&other, NULL, rewrite, pages), 0);
    for (size_t i = 0; i < 100000 || texts == 0 || others == 0; i++) {
        ptrdiff_t length = ward_space_read_utf8(by(0), address(pages), text, 16, NULL);

        assert_true(length >= 0 || length == -EILSEQ || length == -ENAMETOOLONG);
        assert_true(text[15] == 0);
        texts += length >= 0;
        others += length == -EILSEQ;
        if (length < 0)
            continue;
        assert_int_equal(strlen(text), length);
        assert_int_equal(ward_space_read_utf8(by(0), address(text), again, 16, NULL), length);
    }
    stop = true;
    pthread_join(other, NULL);
}

/* The lengths of a vector change from small to absurd and back. */
static void *resize(void *at)
{
    struct ward_iov *vec = at;

    for (size_t i = 0; !stop; i++)
        __atomic_store_n(&vec[i % 2].len, i % 3 == 0 ? UINT64_MAX : i % 100, __ATOMIC_RELAXED);
    return NULL;
}

static void a_vector_that_is_rewritten_meanwhile_is_the_one_that_was_imported(void **state)
{
    struct ward_iov *theirs = (struct ward_iov *)(void *)pages, vec[2];
    unsigned char copy[200 + 16];
    struct ward_iov_list list;
    size_t imported = 0, refused = 0;
    pthread_t other;

    (void)state;
    use_ward();
    theirs[0] = (struct ward_iov){ address(pages + 256), 10 };
    theirs[1] = (struct ward_iov){ address(pages + 512), 10 };
    stop = false;
    assert_int_equal(pthread_create(&other, NULL, resize, theirs), 0);
    for (size_t i = 0; i < 100000 || imported == 0 || refused == 0; i++) {
        int error = ward_iov_import(by(0), address(theirs), 2, vec, 2, WARD_READ, &list, NULL);

        assert_true(error == 0 || error == -EINVAL);
        imported += error == 0;
        refused += error != 0;
        if (error)
            continue;
        assert_true(list.total == vec[0].len + vec[1].len && list.total < 200);
        memset(copy, 0xee, sizeof copy);
        assert_int_equal(ward_iov_read(by(0), &list, 5, copy, 200, NULL),
                         list.total > 5 ? list.total - 5 : 0);
        assert_true(is_all(copy + 200, 16, 0xee));
    }
    stop = true;
    pthread_join(other, NULL);
}

/* --- Types ------------------------------------------------------------------------------------ */

static void two_pointers_to_one_place_give_two_copies(void **state)
{
    const uint32_t five = 5;
    uint32_t one = 0, two = 0;

    (void)state;
    use_ward();
    memset(pages, 1, 4);
    assert_int_equal(ward_u32_read(by(0), ward_u32_in_at(address(pages)), &one, NULL), 0);
    assert_int_equal(ward_u32_write(by(0), ward_u32_out_at(address(pages)), &five, NULL), 0);
    assert_int_equal(ward_u32_read(by(0), ward_u32_in_at(address(pages)), &two, NULL), 0);
    assert_true(one == 0x01010101 && two == 5);
}

struct flag {
    bool on;
};

static inline bool flag_is_valid(const struct flag *copy)
{
    return ward_user_is_bool(&copy->on);
}

WARD_USER_DEFINE_CHECKED(uflag, struct flag, WARD_FIELDS_CHECKED(struct flag, on), flag_is_valid);

static void bits_that_are_no_value_of_the_type_are_refused(void **state)
{
    struct flag flag;

    (void)state;
    use_ward();
    pages[0] = 2;
    assert_int_equal(uflag_read(by(0), uflag_in_at(address(pages)), &flag, NULL), -EINVAL);
    assert_all_zero(flag);
    pages[0] = 1;
    assert_int_equal(uflag_read(by(0), uflag_in_at(address(pages)), &flag, NULL), 0);
    assert_true(flag.on);
}

static void writing_asks_for_no_right_to_read(void **state)
{
    const uint32_t one = 1;
    struct watched w;

    (void)state;
    use_ward();
    watch(&w);
    assert_int_equal(ward_u32_out_check(&w.space, ward_u32_out_at(FIRST), 1, NULL), 0);
    assert_int_equal(w.access, WARD_WRITE);
    assert_int_equal(ward_u32_in_check(&w.space, ward_u32_in_at(FIRST), 1, NULL), 0);
    assert_int_equal(w.access, WARD_READ);
    assert_int_equal(mprotect(pages, PAGE, PROT_WRITE), 0);
    assert_int_equal(ward_u32_write(by(0), ward_u32_out_at(address(pages)), &one, NULL), 0);
    assert_int_equal(mprotect(pages, PAGE, PROT_READ | PROT_WRITE), 0);
}

/* --- Lengths ---------------------------------------------------------------------------------- */

static void a_length_that_is_none_is_an_error_never_an_abort(void **state)
{
    ward_u64_in in = ward_u64_in_at(address(pages));
    ward_u64_out out = ward_u64_out_at(address(pages));
    struct ward_fault why;
    uint64_t words[2] = { 7, 7 };

    (void)state;
    use_ward();
    assert_int_equal(ward_u64_read_array(by(0), in, words, SIZE_MAX, &why), -EOVERFLOW);
    assert_int_equal(ward_u64_write_array(by(0), out, words, SIZE_MAX / 8 + 1, &why), -EOVERFLOW);
    assert_int_equal(ward_space_write(by(0), address(pages), words, SIZE_MAX, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
    assert_int_equal(ward_space_fill(by(0), address(pages), 0, SIZE_MAX, &why), -EFAULT);
    assert_int_equal(ward_space_read_until(by(0), address(pages), words, 24, SIZE_MAX, NULL, &why),
                     -EOVERFLOW);
    assert_int_equal(ward_space_populate(by(0), address(pages), SIZE_MAX, WARD_READ, &why),
                     -EFAULT);
}

/* Sums and roundings at both ends of the space and of all addresses. */
static void a_range_that_wraps_is_refused_whole(void **state)
{
    const uint64_t near_ends[] = { UINT64_MAX, UINT64_MAX - 4095, UINT64_MAX - 7, WARD_SELF_LAST,
                                   WARD_SELF_LAST - 7 };
    unsigned char copy[16];
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t i = 0; i < sizeof near_ends / sizeof *near_ends; i++)
        for (size_t way = 0; way < 2; way++) {
            memset(copy, 0xee, 16);
            assert_int_equal(ward_space_read(by(way), near_ends[i], copy, 16, &why), -EFAULT);
            assert_true(why.kind == WARD_FAULT_RANGE && why.done == 0 && is_all(copy, 16, 0));
            assert_int_equal(ward_space_populate(by(way), near_ends[i], 16, WARD_READ, &why),
                             -EFAULT);
        }
}

static void nothing_at_null_succeeds_and_touches_nothing(void **state)
{
    struct ward_iov_list list;
    struct watched w;

    (void)state;
    use_ward();
    watch(&w);
    assert_int_equal(ward_space_read(&w.space, 0, NULL, 0, NULL), 0);
    assert_int_equal(ward_u64_read_array(&w.space, ward_u64_in_at(0), NULL, 0, NULL), 0);
    assert_int_equal(ward_space_check(&w.space, 0, 0, WARD_READ, NULL), 0);
    assert_int_equal(ward_space_populate(by(0), 0, 0, WARD_READ, NULL), 0);
    assert_int_equal(ward_iov_import(&w.space, 0, 0, NULL, 0, WARD_READ, &list, NULL), 0);
    assert_true(w.fetches == 0 && w.checks == 0);
}

static void a_check_is_one_question_however_long_the_range(void **state)
{
    unsigned char copy[64];
    struct watched w;

    (void)state;
    watch(&w);
    assert_int_equal(ward_space_check(&w.space, FIRST, 2 * PAGE, WARD_READ, NULL), 0);
    assert_int_equal(w.checks, 1);
    assert_int_equal(ward_space_read(&w.space, FIRST + PAGE - 32, copy, 64, NULL), 0);
    assert_int_equal(w.checks, 1);
}

/* --- Scans ------------------------------------------------------------------------------------ */

static void an_element_that_straddles_into_a_bad_page_is_a_fault(void **state)
{
    unsigned char copy[12 * 8];
    struct ward_fault why;

    (void)state;
    use_ward();
    memset(pages, 3, 2 * PAGE);
    assert_int_equal(ward_space_read_until(by(0), address(edge - 30), copy, 12, 8, NULL, &why),
                     -EFAULT);
    assert_true(why.done == 30 && why.addr == address(edge) && is_all(copy + 30, 66, 0));
}

/* Sizes that divide no page, at places that are multiples of nothing. */
static void scans_of_odd_elements_at_odd_places_come_to_an_end(void **state)
{
    static const size_t sizes[] = { 3, 24, 33, 40, 48, 100 };
    unsigned char copy[100 * 30];

    (void)state;
    use_ward();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t place = 0; place < 48; place++) {
            unsigned char *at = edge - PAGE - sizes[i] * 20 + place;

            memset(pages, 9, 2 * PAGE);
            memset(at + 25 * sizes[i], 0, sizes[i]);
            assert_int_equal(
                ward_space_read_until(by(0), address(at), copy, sizes[i], 30, NULL, NULL), 25);
            assert_memory_equal(copy, at, 26 * sizes[i]);
        }
}

static void a_scan_ends_where_its_room_does(void **state)
{
    char text[100];
    struct watched w;

    (void)state;
    watch(&w);
    memset(pages, 'z', 2 * PAGE);
    assert_int_equal(ward_space_read_str(&w.space, FIRST + 10, text, 100, NULL), -ENAMETOOLONG);
    assert_true(strlen(text) == 99);
    assert_true(w.fetched[w.fetches - 1].at + w.fetched[w.fetches - 1].n <= FIRST + 110);
}

/* --- Counts, errors, addresses ---------------------------------------------------------------- */

static void a_copy_tells_how_far_it_came_and_leaves_no_old_bytes(void **state)
{
    unsigned char copy[100];
    struct ward_fault why;

    (void)state;
    use_ward();
    memset(pages, 4, 2 * PAGE);
    memset(copy, 0xee, 100);
    assert_int_equal(ward_space_read(by(0), address(edge - 37), copy, 100, &why), -EFAULT);
    assert_true(why.done == 37 && is_all(copy, 37, 4) && is_all(copy + 37, 63, 0));
    assert_int_equal(ward_space_write(by(0), address(edge - 37), copy, 100, &why), -EFAULT);
    assert_int_equal(why.done, 37);
}

static void what_cannot_be_populated_is_efault_not_out_of_memory(void **state)
{
    unsigned char *theirs = map_edge(1);

    (void)state;
    skip_without_advice();
    assert_int_equal(munmap(theirs, PAGE), 0);
    assert_int_equal(ward_space_populate(by(0), address(theirs), 1, WARD_READ, NULL), -EFAULT);
    assert_int_equal(ward_space_populate(by(0), address(theirs), 1, WARD_WRITE, NULL), -EFAULT);
    assert_int_equal(munmap(theirs - PAGE, 3 * PAGE), 0);
}

static void the_kernels_addresses_are_outside_not_just_unmapped(void **state)
{
    const uint64_t kernels[] = { UINT64_C(1) << 63, UINT64_C(0xffff800000000000),
                                 UINT64_C(0xffffffff81000000), UINT64_MAX };
    struct ward_fault why;
    uint8_t byte;

    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        for (size_t way = 0; way < 2; way++) {
            assert_int_equal(ward_space_read_u8(by(way), kernels[i], &byte, &why), -EFAULT);
            assert_true(why.kind == WARD_FAULT_RANGE && why.addr == kernels[i]);
            assert_int_equal(ward_u8_in_check(by(way), ward_u8_in_at(kernels[i]), 1, NULL),
                             -EFAULT);
        }
}

/* --- Atomics ---------------------------------------------------------------------------------- */

static void *change_upper_half(void *word)
{
    while (!stop)
        __atomic_fetch_add((uint64_t *)word, UINT64_C(1) << 32, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Each ends, and tells whether it was done: bit 0 has changed as often as it was. */
static void others_cannot_hold_an_atomic_for_ever(void **state)
{
    uint64_t *word = (uint64_t *)(void *)pages;
    uint64_t done = 0;
    pthread_t other;

    (void)state;
    use_ward();
    *word = 0;
    stop = false;
    assert_int_equal(pthread_create(&other, NULL, change_upper_half, word), 0);
    for (size_t i = 0; i < 100000; i++) {
        struct ward_atomic op = { WARD_ATOMIC_XOR, 8, 1, 0, 0 };
        int error = ward_space_atomic(by(0), address(word), &op, NULL);

        assert_true(error == 0 || error == -EAGAIN);
        assert_true(error == 0 || op.was == 0);
        done += error == 0;
    }
    stop = true;
    pthread_join(other, NULL);
    assert_true(done > 0 && (*word & 1) == done % 2);
}

#if defined(__x86_64__) && !UNDER_TSAN
#define STEPS 1 /* TSan has handlers of its own, which do not survive being stepped through */
#else
#define STEPS 0
#endif

#if STEPS
/* Changes the flags, apart from what the compiler keeps below the stack pointer. */
#define STEP(CHANGE)                                                                               \
    "leaq -128(%%rsp), %%rsp\n pushfq\n " CHANGE ", (%%rsp)\n popfq\n leaq 128(%%rsp), %%rsp"

/* One who changes the word after every single instruction of ours: the trap flag is set. */
static void change_at_every_step(int sig)
{
    (void)sig;
    __atomic_fetch_add((uint64_t *)(void *)pages, 2, __ATOMIC_SEQ_CST);
}

static enum ward_answer count_asked(struct ward_space *space, struct ward_fault *fault)
{
    (void)fault;
    ((struct watched *)space)->asked++;
    return WARD_RETRY;
}

static void an_atomic_that_others_always_spoil_gives_up_and_changes_nothing(void **state)
{
    const struct ward_space_ops ops = { .name = "spoiled", .fault = count_asked };
    struct sigaction step = { .sa_handler = change_at_every_step };
    struct watched w = { .space = { &ops, 0x10000, 0x10000 + PAGE - 1, PAGE, address(pages),
                                    UINT64_MAX } };
    uint64_t *word = (uint64_t *)(void *)pages;
    struct ward_fault why;

    (void)state;
    use_ward();
    sigemptyset(&step.sa_mask);
    assert_int_equal(sigaction(SIGTRAP, &step, NULL), 0);
    for (unsigned kind = WARD_ATOMIC_AND; kind <= WARD_ATOMIC_XOR; kind++) {
        struct ward_atomic op = { (enum ward_atomic_op)kind, 8, 1, 0, 7 };
        int error;

        *word = 0;
        __asm__ volatile(STEP("orq $0x100")::: "memory", "cc");
        error = ward_space_atomic(&w.space, 0x10000, &op, &why);
        __asm__ volatile(STEP("andq $~0x100")::: "memory", "cc");
        assert_int_equal(error, -EAGAIN);
        assert_true(why.kind == WARD_FAULT_BUSY && op.was == 0 && w.asked == 0);
        assert_true(*word > 0 && *word % 2 == 0);
    }
    (void)signal(SIGTRAP, SIG_DFL);
}
#else
static void an_atomic_that_others_always_spoil_gives_up_and_changes_nothing(void **state)
{
    (void)state;
    print_message("instructions are not stepped through here\n");
    skip();
}
#endif

static void *come_and_go(void *page)
{
    while (!stop) {
        mprotect(page, PAGE, PROT_NONE);
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    }
    return NULL;
}

static void an_atomic_on_a_page_that_goes_is_an_error(void **state)
{
    unsigned char *theirs = map_edge(1);
    uint32_t was, done = 0;
    size_t failed = 0;
    pthread_t other;

    (void)state;
    use_ward();
    stop = false;
    assert_int_equal(pthread_create(&other, NULL, come_and_go, theirs), 0);
    for (size_t i = 0; i < 20000 || done == 0 || failed == 0; i++) {
        int error = ward_u32_atomic_add(by(0), ward_u32_inout_at(address(theirs)), 1, &was, NULL);

        assert_true(error == 0 || error == -EFAULT);
        assert_true(error || was == done);
        done += error == 0;
        failed += error != 0;
    }
    stop = true;
    pthread_join(other, NULL);
    assert_int_equal(*(uint32_t *)(void *)theirs, done);
    unmap_edge(theirs, 1);
}

/* --- Tables ----------------------------------------------------------------------------------- */

/* Entries hold distances from themselves: sorting must not move them. */
static void entries_of_an_unsorted_table_go_on_where_they_said(void **state)
{
    static struct ward_recover_entry entries[3], before[3];
    static unsigned char code[3 * 16];
    struct ward_recover_table table = { .begin = entries, .end = entries + 3 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        unsigned char *insn = code + 16 * (2 - i);

        entries[i].insn = (int32_t)((intptr_t)insn - (intptr_t)&entries[i].insn);
        entries[i].fixup = (int32_t)((intptr_t)(insn + 9) - (intptr_t)&entries[i].fixup);
    }
    memcpy(before, entries, sizeof entries);
    assert_int_equal(ward_recover_register(&table), 0);
    for (size_t i = 0; i < 3; i++) {
        const struct ward_recover_entry *entry = ward_recover_find((uintptr_t)(code + 16 * i));

        assert_non_null(entry);
        assert_true(ward_recover_fixup(entry) == (uintptr_t)(code + 16 * i + 9));
    }
    assert_memory_equal(entries, before, sizeof entries);
    assert_int_equal(ward_recover_unregister(&table), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_stays_when_the_page_goes),
        cmocka_unit_test(what_goes_between_check_and_use_is_an_error),
        cmocka_unit_test(a_fault_that_nobody_mends_is_an_error_not_a_death),
        cmocka_unit_test(the_hook_may_access_the_space_it_is_asked_about),
        cmocka_unit_test(the_flag_nests_and_is_the_threads_own),
        cmocka_unit_test(nofault_mode_nests_and_is_the_threads_own),
        cmocka_unit_test(no_byte_of_a_string_is_fetched_twice),
        cmocka_unit_test(no_byte_of_an_array_or_structure_is_fetched_twice),
        cmocka_unit_test(no_byte_of_a_vector_is_fetched_twice),
        cmocka_unit_test(text_that_is_rewritten_meanwhile_is_text_or_none),
        cmocka_unit_test(a_vector_that_is_rewritten_meanwhile_is_the_one_that_was_imported),
        cmocka_unit_test(two_pointers_to_one_place_give_two_copies),
        cmocka_unit_test(bits_that_are_no_value_of_the_type_are_refused),
        cmocka_unit_test(writing_asks_for_no_right_to_read),
        cmocka_unit_test(a_length_that_is_none_is_an_error_never_an_abort),
        cmocka_unit_test(a_range_that_wraps_is_refused_whole),
        cmocka_unit_test(nothing_at_null_succeeds_and_touches_nothing),
        cmocka_unit_test(a_check_is_one_question_however_long_the_range),
        cmocka_unit_test(an_element_that_straddles_into_a_bad_page_is_a_fault),
        cmocka_unit_test(scans_of_odd_elements_at_odd_places_come_to_an_end),
        cmocka_unit_test(a_scan_ends_where_its_room_does),
        cmocka_unit_test(a_copy_tells_how_far_it_came_and_leaves_no_old_bytes),
        cmocka_unit_test(what_cannot_be_populated_is_efault_not_out_of_memory),
        cmocka_unit_test(the_kernels_addresses_are_outside_not_just_unmapped),
        cmocka_unit_test(others_cannot_hold_an_atomic_for_ever),
        cmocka_unit_test(an_atomic_that_others_always_spoil_gives_up_and_changes_nothing),
        cmocka_unit_test(an_atomic_on_a_page_that_goes_is_an_error),
        cmocka_unit_test(entries_of_an_unsorted_table_go_on_where_they_said),
    };

    install_first();
    pages = map_edge(2);
    edge = pages + 2 * PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
