/* SPDX-License-Identifier: MIT */
/* What the front of every space promises, on spaces made for the purpose. */
#include "access.h"

/* --- A space with a page that a hook commits -------------------------------------------------- */

struct toy {
    struct ward_space space;
    unsigned asked;
    enum ward_answer answer;
    unsigned char *opens; /* the page that WARD_RETRY makes accessible */
    bool active, moved;
    unsigned char served[4096]; /* what read and write work on, by the low bits */
};

static enum ward_answer toy_fault(struct ward_space *space, struct ward_fault *fault)
{
    struct toy *toy = (struct toy *)space;

    toy->asked++;
    toy->active = ward_recover_active();
    if (toy->opens)
        mprotect(toy->opens, PAGE, PROT_READ | PROT_WRITE);
    toy->moved = fault->kind != 0;
    return toy->answer;
}

static size_t toy_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                       struct ward_fault *why)
{
    (void)why;
    memcpy(dst, ((struct toy *)space)->served + a % 1024, n);
    return n;
}

static size_t toy_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                        struct ward_fault *why)
{
    (void)why;
    memcpy(((struct toy *)space)->served + a % 1024, src, n);
    return n;
}

static const struct ward_space_ops toy_ops = {
    .name = "toy",
    .read = toy_read,
    .write = toy_write,
    .fault = toy_fault,
};

/* Byte 0x10000 of the space lies at host. */
static void toy_init(struct toy *toy, unsigned char *host, size_t len, enum ward_answer answer)
{
    memset(toy, 0, sizeof *toy);
    toy->space =
        (struct ward_space){ &toy_ops, 0x10000, 0x10000 + len - 1, len, address(host), UINT64_MAX };
    toy->answer = answer;
    assert_true(ward_space_ok(&toy->space));
}

static void a_hook_that_mends_makes_the_access_go_on(void **state)
{
    unsigned char *pages = map_edge(2), copy[200];
    uint64_t word = 0;
    struct toy toy;

    (void)state;
    use_ward();
    toy_init(&toy, pages, 3 * PAGE, WARD_RETRY);
    memset(pages, 3, 2 * PAGE);
    toy.opens = pages + PAGE;
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    assert_int_equal(ward_space_read(&toy.space, 0x10000 + PAGE - 100, copy, 200, NULL), 0);
    assert_true(is_all(copy, 200, 3) && toy.asked == 1 && toy.active && toy.moved);
    assert_false(ward_recover_active());
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    assert_int_equal(ward_space_read_u64(&toy.space, 0x10000 + PAGE, &word, NULL), 0);
    assert_true(word == UINT64_C(0x0303030303030303) && toy.asked == 2);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    assert_int_equal(ward_space_write_u16(&toy.space, 0x10000 + PAGE, 0x0909, NULL), 0);
    assert_true(pages[PAGE] == 9 && pages[PAGE + 1] == 9 && pages[PAGE + 2] == 3);
    unmap_edge(pages, 2);
}

static void a_hook_that_never_mends_is_asked_so_often_and_no_more(void **state)
{
    unsigned char *pages = map_edge(1), copy[64];
    struct ward_fault why;
    struct toy toy;
    uint64_t word;

    (void)state;
    use_ward();
    toy_init(&toy, pages, 2 * PAGE, WARD_RETRY);
    assert_int_equal(ward_space_read(&toy.space, 0x10000 + PAGE, copy, 64, &why), -EFAULT);
    assert_int_equal(toy.asked, WARD_SPACE_RETRIES);
    toy.asked = 0;
    assert_int_equal(ward_space_read_u64(&toy.space, 0x10000 + PAGE, &word, &why), -EFAULT);
    assert_int_equal(toy.asked, WARD_SPACE_RETRIES);
    unmap_edge(pages, 1);
}

static enum ward_answer page_by_page_fault(struct ward_space *space, struct ward_fault *fault)
{
    unsigned char *page = (unsigned char *)(uintptr_t)(space->base + (fault->addr - space->first));

    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    return WARD_RETRY;
}

static void a_hook_is_asked_as_often_as_there_is_progress(void **state)
{
    enum { PAGES = 2 * WARD_SPACE_RETRIES };
    const struct ward_space_ops ops = { .name = "page by page", .fault = page_by_page_fault };
    unsigned char *pages = map_edge(PAGES);
    struct ward_space space = { &ops,         0x10000,        0x10000 + PAGES * PAGE - 1,
                                PAGES * PAGE, address(pages), UINT64_MAX };
    unsigned char *copy = malloc(PAGES * PAGE);

    (void)state;
    use_ward();
    memset(pages, 4, PAGES * PAGE);
    assert_int_equal(mprotect(pages, PAGES * PAGE, PROT_NONE), 0);
    assert_int_equal(ward_space_read(&space, 0x10000, copy, PAGES * PAGE, NULL), 0);
    assert_true(is_all(copy, PAGES * PAGE, 4));
    free(copy);
    unmap_edge(pages, PAGES);
}

static void without_faults_no_hook_is_asked_and_in_nofault_mode_never(void **state)
{
    unsigned char *pages = map_edge(2), copy[64];
    struct toy toy;

    (void)state;
    use_ward();
    toy_init(&toy, pages, 3 * PAGE, WARD_RETRY);
    toy.opens = pages + PAGE;
    assert_int_equal(ward_space_read(&toy.space, 0x10000, copy, 64, NULL), 0);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    ward_nofault_begin();
    ward_nofault_begin();
    ward_nofault_end();
    assert_int_equal(ward_space_read(&toy.space, 0x10000 + PAGE, copy, 64, NULL), -EFAULT);
    assert_int_equal(toy.asked, 0);
    ward_nofault_end();
    assert_int_equal(ward_space_read(&toy.space, 0x10000 + PAGE, copy, 64, NULL), 0);
    assert_int_equal(toy.asked, 1);
    unmap_edge(pages, 2);
}

static void a_hook_may_send_the_rest_to_the_operations(void **state)
{
    unsigned char *pages = map_edge(1), copy[200];
    struct toy toy;
    uint32_t word;

    (void)state;
    use_ward();
    toy_init(&toy, pages, 2 * PAGE, WARD_SERVE);
    memset(pages, 1, PAGE);
    memset(toy.served, 2, sizeof toy.served);
    assert_int_equal(ward_space_read(&toy.space, 0x10000 + PAGE - 50, copy, 200, NULL), 0);
    assert_true(is_all(copy, 50, 1) && is_all(copy + 50, 150, 2));
    assert_int_equal(ward_space_read_u32(&toy.space, 0x10000 + PAGE, &word, NULL), 0);
    assert_int_equal(word, 0x02020202);
    assert_int_equal(ward_space_fill(&toy.space, 0x10000 + PAGE, 8, 700, NULL), 0);
    assert_true(is_all(toy.served, 700, 8) && toy.served[700] == 2);
    unmap_edge(pages, 1);
}

/* --- Order of errors -------------------------------------------------------------------------- */

static enum ward_answer forgetful_fault(struct ward_space *space, struct ward_fault *fault)
{
    (void)space;
    fault->kind = 0;
    return WARD_FAIL;
}

static void a_hook_that_forgets_the_kind_makes_no_success_of_a_fault(void **state)
{
    const struct ward_space_ops ops = { .name = "forgetful", .fault = forgetful_fault };
    unsigned char *pages = map_edge(1), copy[16];
    struct ward_space space = { &ops,     0x10000,        0x10000 + 2 * PAGE - 1,
                                2 * PAGE, address(pages), UINT64_MAX };
    struct ward_atomic load = { .op = WARD_ATOMIC_LOAD, .width = 4 };
    struct ward_fault why;
    uint64_t word = 1;

    (void)state;
    use_ward();
    assert_int_equal(ward_space_read(&space, 0x10000 + PAGE - 8, copy, 16, &why), -EFAULT);
    assert_true(why.done == 8 && why.kind == WARD_FAULT_PROT);
    assert_int_equal(ward_space_read_u64(&space, 0x10000 + PAGE, &word, &why), -EFAULT);
    assert_true(word == 0 && why.kind == WARD_FAULT_PROT);
    assert_int_equal(ward_space_atomic(&space, 0x10000 + PAGE, &load, &why), -EFAULT);
    unmap_edge(pages, 1);
}

/* A bug of the program: it may end here, but does not write where it was to read. */
static int read_to_nowhere(void *pages)
{
    void *volatile nowhere = NULL;

    (void)!ward_space_read(by(1), address(pages), nowhere, 16, NULL);
    return 0;
}

static void a_read_to_nowhere_writes_nothing(void **state)
{
    unsigned char *shared =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(shared != MAP_FAILED);
    memset(shared, 7, 16);
    (void)in_child(read_to_nowhere, shared);
    assert_true(is_all(shared, 16, 7));
    munmap(shared, PAGE);
}

static void misaligned_comes_before_range_and_range_before_memory(void **state)
{
    unsigned char *pages = map_edge(1);
    struct ward_atomic op = { WARD_ATOMIC_ADD, 8, 1, 0, 0 };
    struct ward_fault why;
    struct toy toy;
    uint64_t word = 5;

    (void)state;
    use_ward();
    toy_init(&toy, pages, 2 * PAGE, WARD_FAIL);
    assert_int_equal(ward_space_read_u64(&toy.space, 3, &word, &why), -EINVAL);
    assert_true(word == 0 && why.kind == WARD_FAULT_ALIGN && why.addr == 3);
    assert_int_equal(ward_space_read_u64(&toy.space, 0x10004, &word, &why), -EINVAL);
    assert_int_equal(ward_space_write_u32(&toy.space, 0x10002, 1, &why), -EINVAL);
    assert_int_equal(ward_space_write_u16(&toy.space, 0x10000 + PAGE + 1, 1, &why), -EINVAL);
    assert_int_equal(ward_space_read_u64(&toy.space, 0x10000 - 8, &word, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
    assert_int_equal(ward_space_read_u64(&toy.space, 0x10000 + 2 * PAGE, &word, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
    assert_int_equal(ward_space_read_u64(&toy.space, 0x10000 + PAGE, &word, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_PROT);
    assert_int_equal(ward_space_atomic(&toy.space, 3, &op, &why), -EINVAL);
    assert_int_equal(ward_space_atomic(&toy.space, 8, &op, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
    unmap_edge(pages, 1);
}

/* Nothing is done of a range that reaches out, however much of it is in. */
static void a_range_that_reaches_out_is_refused_whole(void **state)
{
    unsigned char *pages = map_edge(1), copy[128];
    struct ward_fault why;
    struct toy toy;

    (void)state;
    use_ward();
    toy_init(&toy, pages, PAGE, WARD_FAIL);
    memset(pages, 1, PAGE);
    memset(copy, 0xee, sizeof copy);
    assert_int_equal(ward_space_read(&toy.space, 0x10000 + PAGE - 100, copy, 128, &why), -EFAULT);
    assert_true(why.done == 0 && why.addr == 0x10000 + PAGE && why.kind == WARD_FAULT_RANGE);
    assert_true(is_all(copy, 128, 0));
    assert_int_equal(ward_space_write(&toy.space, 0x10000 + PAGE - 100, copy, SIZE_MAX, &why),
                     -EFAULT);
    assert_int_equal(ward_space_write(&toy.space, 0x10000 + PAGE - 100, copy, 101, &why), -EFAULT);
    assert_true(is_all(pages, PAGE, 1));
    unmap_edge(pages, 1);
}

static void length_zero_succeeds_anywhere(void **state)
{
    const uint64_t places[] = { 0, 1, 0x10000, 0x20000, UINT64_MAX };
    unsigned char *pages = map_edge(1);
    struct ward_fault why;
    struct toy toy;

    (void)state;
    toy_init(&toy, pages, PAGE, WARD_FAIL);
    for (size_t i = 0; i < 5; i++) {
        dirty(why);
        assert_int_equal(ward_space_read(&toy.space, places[i], NULL, 0, &why), 0);
        assert_all_zero(why);
        assert_int_equal(ward_space_write(&toy.space, places[i], NULL, 0, &why), 0);
        assert_int_equal(ward_space_fill(&toy.space, places[i], 1, 0, &why), 0);
        assert_int_equal(ward_space_check(&toy.space, places[i], 0, WARD_READ, &why), 0);
    }
    unmap_edge(pages, 1);
}

static void check_is_about_the_range_and_sane_flags(void **state)
{
    unsigned char *pages = map_edge(1);
    struct ward_fault why;
    struct toy toy;

    (void)state;
    toy_init(&toy, pages, PAGE, WARD_FAIL);
    assert_int_equal(ward_space_check(&toy.space, 0x10001, PAGE, WARD_RW, &why), -EFAULT);
    assert_true(why.addr == 0x10000 + PAGE && why.access == WARD_RW && why.done == 0);
    assert_int_equal(ward_space_check(&toy.space, 0x10000, PAGE, WARD_RW, &why), 0);
    assert_all_zero(why);
    memset(&why, 9, sizeof why);
    assert_int_equal(ward_space_check(&toy.space, 0x10000, PAGE, WARD_NONE, &why), -EINVAL);
    assert_all_zero(why);
    assert_int_equal(ward_space_check(&toy.space, 0x10000, PAGE, WARD_EXEC, NULL), -EINVAL);
    assert_int_equal(ward_space_populate(&toy.space, 0x10000, PAGE, WARD_READ, NULL), -ENOTSUP);
    unmap_edge(pages, 1);
}

/* --- Words ------------------------------------------------------------------------------------ */

#define assert_word(BITS, AT)                                                                      \
    do {                                                                                           \
        uint##BITS##_t in_ = (uint##BITS##_t)UINT64_C(0x8182838485868788), out_ = 0;               \
                                                                                                   \
        memset(pages, 0, 64);                                                                      \
        assert_int_equal(ward_space_write_u##BITS(self, address(pages + (AT)), in_, NULL), 0);     \
        assert_memory_equal(pages + (AT), &in_, sizeof in_);                                       \
        assert_int_equal(ward_space_read_u##BITS(self, address(pages + (AT)), &out_, NULL), 0);    \
        assert_true(in_ == out_);                                                                  \
        assert_true(is_all(pages + (AT) + sizeof in_, 8, 0));                                      \
    } while (0)

static void words_of_every_width_go_through_whole(void **state)
{
    struct ward_space *self;
    unsigned char *pages = map_edge(1);

    (void)state;
    use_ward();
    for (size_t i = 0; i < ways(); i++) {
        self = by(i);
        for (size_t at = 0; at < 16; at++)
            assert_word(8, at);
        for (size_t at = 0; at < 16; at += 2)
            assert_word(16, at);
        for (size_t at = 0; at < 16; at += 4)
            assert_word(32, at);
        for (size_t at = 0; at < 16; at += 8)
            assert_word(64, at);
    }
    unmap_edge(pages, 1);
}

/* The compiler must not keep back what was stored before. */
static void a_read_sees_what_was_just_stored(void **state)
{
    uint64_t mine = 1, seen = 0;

    (void)state;
    use_ward();
    for (uint64_t i = 0; i < 100; i++) {
        mine = i;
        assert_int_equal(ward_self_read_u64(address(&mine), &seen, NULL), 0);
        assert_true(seen == i);
        assert_int_equal(ward_self_write_u64(address(&mine), i + 1000, NULL), 0);
        assert_true(mine == i + 1000);
    }
}

/* --- Clamping --------------------------------------------------------------------------------- */

/* What a mispredicted test of the range would let through, for real: a space that takes every
 * address for its own. The accesses must all come out within the region all the same. */
static void clamped_addresses_lie_inside_though_the_range_test_be_wrong(void **state)
{
    const uint64_t strange[] = { 0, 8, 0x10000, 0x7ffffffff000, UINT64_C(1) << 62, 0xdeadbeef00 };
    unsigned char *pages = map_edge(2), copy[64];
    struct ward_atomic add = { WARD_ATOMIC_ADD, 8, 1, 0, 0 };
    uint64_t word, where;
    struct toy toy;

    (void)state;
    use_ward();
    toy_init(&toy, pages, 2 * PAGE, WARD_FAIL);
    toy.space.mask = 2 * PAGE - 1;
    assert_true(ward_space_ok(&toy.space));
    toy.space.last = toy.space.first - 1; /* wraps: all there are */
    toy.space.direct = UINT64_MAX;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        where = (strange[i] - 0x10000) & (2 * PAGE - 1);
        memset(pages, 0, 2 * PAGE);
        assert_int_equal(ward_space_write_u64(&toy.space, strange[i], 0x4142434445464748, NULL), 0);
        assert_true(pages[where] == 0x48);
        assert_int_equal(ward_space_read_u64(&toy.space, strange[i], &word, NULL), 0);
        assert_true(word == 0x4142434445464748);
        assert_int_equal(ward_space_atomic(&toy.space, strange[i], &add, NULL), 0);
        assert_int_equal(ward_space_fill(&toy.space, strange[i] + 1, 7, 9, NULL), 0);
        assert_int_equal(ward_space_read(&toy.space, strange[i], copy, 12, NULL), 0);
        assert_true(copy[0] == 0x49 && is_all(copy + 1, 9, 7) && copy[10] == 0);
        assert_int_equal(ward_space_write(&toy.space, strange[i] + 20, "clamp", 6, NULL), 0);
        assert_int_equal(ward_space_read_str(&toy.space, strange[i] + 20, (char *)copy, 64, NULL),
                         5);
        assert_memory_equal(pages + where + 20, "clamp", 6);
    }
    unmap_edge(pages, 2);
}

static void spaces_that_are_not_as_they_should_be_are_known(void **state)
{
    struct ward_space good = { &toy_ops, 0x1000, 0x2fff, 0x2000, 0x5000, UINT64_MAX }, space = good;

    (void)state;
    assert_true(ward_space_ok(&space));
    space.mask = 0x1fff;
    assert_true(ward_space_ok(&space));
    space.mask = 0xfff;
    assert_false(ward_space_ok(&space));
    space.mask = 0x3fff;
    assert_false(ward_space_ok(&space));
    space = good, space.base = 0x5008;
    assert_false(ward_space_ok(&space));
    space = good, space.last = 0x3fff, space.direct = 0x3000, space.mask = 0x2fff;
    assert_false(ward_space_ok(&space));
    space.direct = 0;
    assert_true(ward_space_ok(&space));
    space.first = 0x4000;
    assert_false(ward_space_ok(&space) || ward_space_ok(NULL));
}

/* --- Atomics ---------------------------------------------------------------------------------- */

static uint64_t apply(enum ward_atomic_op op, uint64_t was, uint64_t operand, uint64_t expected)
{
    switch (op) {
    case WARD_ATOMIC_LOAD: return was;
    case WARD_ATOMIC_STORE:
    case WARD_ATOMIC_EXCHANGE: return operand;
    case WARD_ATOMIC_COMPARE_EXCHANGE: return was == expected ? operand : was;
    case WARD_ATOMIC_ADD: return was + operand;
    case WARD_ATOMIC_AND: return was & operand;
    case WARD_ATOMIC_OR: return was | operand;
    case WARD_ATOMIC_XOR: return was ^ operand;
    }
    return 0;
}

static void every_atomic_of_every_width_does_what_it_says(void **state)
{
    const uint64_t before = UINT64_C(0xf1f2f3f4f5f6f7f8), operand = UINT64_C(0x1122334455667788);
    struct ward_space *self = ward_space_self_by_table();
    unsigned char *pages = map_edge(1);

    (void)state;
    use_ward();
    for (int op = WARD_ATOMIC_LOAD; op <= WARD_ATOMIC_XOR; op++)
        for (unsigned width = 1; width <= 8; width *= 2)
            for (unsigned hit = 0; hit < 2; hit++) {
                uint64_t mask = width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1;
                uint64_t after = before, expected = hit ? before & mask : 3;
                struct ward_atomic atomic = { (enum ward_atomic_op)op, width, operand & mask,
                                              expected, 99 };
                uint64_t result =
                    apply((enum ward_atomic_op)op, before & mask, operand & mask, expected) & mask;

                memcpy(pages + 8, &before, 8);
                assert_int_equal(ward_space_atomic(self, address(pages + 8), &atomic, NULL), 0);
                memcpy(&after, pages + 8, 8);
                assert_true(after == ((before & ~mask) | result));
                assert_true(atomic.was == (op == WARD_ATOMIC_STORE ? 0 : before & mask));
                assert_int_equal(ward_space_atomic(self, address(pages + PAGE), &atomic, NULL),
                                 -EFAULT);
                assert_true(atomic.was == 0);
            }
    unmap_edge(pages, 1);
}

static void what_is_no_atomic_is_einval(void **state)
{
    struct ward_atomic wrong[] = {
        { WARD_ATOMIC_ADD, 3, 0, 0, 0 },
        { WARD_ATOMIC_ADD, 0, 0, 0, 0 },
        { WARD_ATOMIC_ADD, 16, 0, 0, 0 },
        { (enum ward_atomic_op)77, 4, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ward_space_atomic(ward_space_self_by_table(), 4096, &wrong[i], NULL),
                         -EINVAL);
}

static void a_load_reads_and_every_other_atomic_does_both(void **state)
{
    unsigned char *pages = map_edge(1);
    struct ward_fault why;

    (void)state;
    use_ward();
    for (unsigned op = WARD_ATOMIC_LOAD; op <= WARD_ATOMIC_XOR; op++) {
        struct ward_atomic atomic = { .op = (enum ward_atomic_op)op, .width = 8 };

        assert_int_equal(ward_space_atomic(by(0), address(pages + PAGE), &atomic, &why), -EFAULT);
        assert_int_equal(why.access, op == WARD_ATOMIC_LOAD ? WARD_READ : WARD_RW);
        assert_true(why.addr == address(pages + PAGE) && why.done == 0 && atomic.was == 0);
    }
    unmap_edge(pages, 1);
}

/* --- Strings, sentinels ----------------------------------------------------------------------- */

static void a_string_ends_at_its_zero_or_says_why_not(void **state)
{
    unsigned char *pages = map_edge(2);
    char text[300];
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t i = 0; i < ways(); i++) {
        memset(pages, 'a', 2 * PAGE);
        strcpy((char *)pages + PAGE - 5, "across the page");
        memset(text, 0x7e, sizeof text);
        assert_int_equal(ward_space_read_str(by(i), address(pages + PAGE - 5), text, 300, &why),
                         15);
        assert_string_equal(text, "across the page");
        assert_all_zero(why);
        assert_int_equal(ward_space_read_str(by(i), address(pages + PAGE - 5), text, 15, NULL),
                         -ENAMETOOLONG);
        assert_string_equal(text, "across the pag");
        assert_int_equal(ward_space_read_str(by(i), address(pages + PAGE - 5), text, 16, NULL), 15);
        assert_int_equal(ward_space_read_str(by(i), address(pages + PAGE - 5), text, 1, NULL),
                         -ENAMETOOLONG);
        assert_string_equal(text, "");
        assert_int_equal(ward_space_read_str(by(i), address(pages), text, 0, NULL), -EINVAL);
        strcpy((char *)pages + 2 * PAGE - 4, "end");
        assert_int_equal(ward_space_read_str(by(i), address(pages + 2 * PAGE - 4), text, 300, NULL),
                         3);
        pages[2 * PAGE - 1] = '!';
        assert_int_equal(ward_space_read_str(by(i), address(pages + 2 * PAGE - 4), text, 300, &why),
                         -EFAULT);
        assert_true(why.done == 4 && why.addr == address(pages + 2 * PAGE));
        assert_true(memcmp(text, "end!", 4) == 0 && is_all(text + 4, 296, 0));
    }
    unmap_edge(pages, 2);
}

static char *rewritten;

/* By the time of the fault others have rewritten what was copied already. */
static void rewrite_on_fault(int sig, siginfo_t *info, void *context)
{
    strcpy(rewritten, "short");
    if (!ward_recover_try(sig, info, context))
        _exit(3);
}

static void a_string_that_faults_is_not_fetched_anew(void **state)
{
    struct sigaction action = { .sa_sigaction = rewrite_on_fault, .sa_flags = SA_SIGINFO };
    unsigned char *pages = map_edge(1);
    struct ward_fault why;
    char text[300];

    (void)state;
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    for (size_t length = 8; length <= 200; length++) {
        rewritten = (char *)pages + PAGE - length;
        memset(pages, 'a', PAGE);
        assert_int_equal(ward_space_read_str(by(0), address(rewritten), text, 300, &why), -EFAULT);
        assert_true(why.done == length && is_all(text, length, 'a'));
        assert_true(is_all(text + length, 300 - length, 0));
    }
    unmap_edge(pages, 1);
}

static void a_string_too_long_for_a_length_is_none(void **state)
{
    unsigned char *pages = map_edge(1);
    char text[4] = "old";

    (void)state;
    use_ward();
    strcpy((char *)pages, "new");
    for (size_t i = 0; i < ways(); i++) {
        text[0] = 'o';
        assert_int_equal(
            ward_space_read_str(by(i), address(pages), text, (size_t)PTRDIFF_MAX + 1, NULL),
            -EOVERFLOW);
        assert_string_equal(text, "");
    }
    unmap_edge(pages, 1);
}

static void text_is_checked_on_the_copy(void **state)
{
    static const char *const good[] = { "",
                                        "plain",
                                        "h\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "\xed\x9f\xbf",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80",
                                       "\xc0\x80",
                                       "\xc3",
                                       "\xe2\x82",
                                       "\xe0\x80\x80",
                                       "\xed\xa0\x80",
                                       "\xf0\x80\x80",
                                       "\xf0\x80\x80\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xff",
                                       "a\xc3(" };
    char text[32];

    (void)state;
    use_ward();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(ward_space_read_utf8(by(0), address(good[i]), text, 32, NULL),
                         strlen(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ward_space_read_utf8(by(0), address(bad[i]), text, 32, NULL), -EILSEQ);
        assert_true(is_all(text, 32, 0));
    }
}

/* Any size of element, any place of the sentinel, any distance to the end: as counted by hand. */
static void sentinels_are_found_wherever_they_lie(void **state)
{
    unsigned char *pages = map_edge(2), copy[24 * 40];
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t size = 1; size <= 24; size++)
        for (size_t count = 0; count < 30; count += 7)
            for (size_t back = 0; back < 3 * size; back++) {
                unsigned char *at = pages + 2 * PAGE - (count + 1) * size - back;
                bool there = back % 2 == 0;
                ptrdiff_t got;

                memset(pages, 5, 2 * PAGE);
                if (there)
                    memset(at + count * size, 0, size);
                memset(copy, 0xee, sizeof copy);
                got = ward_space_read_until(by(back % 4 / 2 % ways()), address(at), copy, size, 40,
                                            NULL, &why);
                assert_int_equal(got, there ? (ptrdiff_t)count : -EFAULT);
                assert_memory_equal(copy, at, there ? (count + 1) * size : why.done);
                if (there)
                    continue;
                assert_int_equal(why.done, (count + 1) * size + back);
                assert_true(is_all(copy + why.done, 40 * size - why.done, 0));
            }
    unmap_edge(pages, 2);
}

static void sentinels_of_ones_own_and_lengths_that_are_none(void **state)
{
    const uint32_t list[] = { 1, 0, 2, 99, 7 }, stop = 99;
    uint32_t copy[5] = { 0 };

    (void)state;
    use_ward();
    assert_int_equal(ward_space_read_until(by(0), address(list), copy, 4, 5, &stop, NULL), 3);
    assert_true(copy[0] == 1 && copy[2] == 2 && copy[3] == 99 && copy[4] == 0);
    assert_int_equal(ward_space_read_until(by(0), address(list), copy, 4, 3, &stop, NULL),
                     -ENAMETOOLONG);
    assert_int_equal(ward_space_read_until(by(0), address(list), copy, 0, 3, NULL, NULL), -EINVAL);
    assert_int_equal(ward_space_read_until(by(0), address(list), copy, 4, 0, NULL, NULL), -EINVAL);
    assert_int_equal(ward_space_read_until(by(0), address(list), copy, SIZE_MAX / 2, 4, NULL, NULL),
                     -EOVERFLOW);
}

/* --- Versions --------------------------------------------------------------------------------- */

static void structures_that_grew_are_understood(void **state)
{
    unsigned char *pages = map_edge(1), copy[16];

    (void)state;
    use_ward();
    for (size_t i = 0; i < ways(); i++) {
        memset(pages, 1, 8);
        memset(pages + 8, 0, PAGE - 8);
        memset(copy, 9, 16);
        assert_int_equal(ward_space_read_versioned(by(i), address(pages), 8, copy, 16, NULL), 0);
        assert_true(is_all(copy, 8, 1) && is_all(copy + 8, 8, 0));
        assert_int_equal(ward_space_read_versioned(by(i), address(pages), 2000, copy, 16, NULL), 0);
        pages[1999] = 1;
        assert_int_equal(ward_space_read_versioned(by(i), address(pages), 2000, copy, 16, NULL),
                         -E2BIG);
        assert_true(is_all(copy, 16, 0));
        assert_int_equal(ward_space_read_versioned(by(i), address(pages), PAGE + 1, copy, 16, NULL),
                         pages[1999] ? -E2BIG : -EFAULT);
        memset(copy, 6, 16);
        assert_int_equal(ward_space_write_versioned(by(i), address(pages), 2000, copy, 16, NULL),
                         0);
        assert_true(is_all(pages, 16, 6) && is_all(pages + 16, 1984, 0));
        assert_int_equal(ward_space_write_versioned(by(i), address(pages), 4, copy, 16, NULL), 0);
    }
    unmap_edge(pages, 1);
}

static void a_structure_that_faults_is_all_zero_and_counted_from_its_beginning(void **state)
{
    unsigned char *pages = map_edge(1), copy[16];
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t i = 0; i < ways(); i++) {
        uint64_t edge = address(pages) + PAGE;

        for (size_t there = 1; there < 900; there += 31) {
            memset(pages, 0, PAGE);
            memset(pages + PAGE - there, 5, there < 16 ? there : 16);
            memset(copy, 9, 16);
            assert_int_equal(ward_space_read_versioned(by(i), edge - there, 1000, copy, 16, &why),
                             -EFAULT);
            assert_true(why.addr == edge && why.done == there && is_all(copy, 16, 0));
            assert_int_equal(ward_space_write_versioned(by(i), edge - there, 1000, copy, 16, &why),
                             -EFAULT);
            assert_true(why.addr == edge && why.done == there);
        }
        memset(pages, 1, PAGE);
        assert_int_equal(ward_space_read_versioned(by(i), address(pages), 17, copy, 16, &why),
                         -E2BIG);
        assert_all_zero(why);
    }
    unmap_edge(pages, 1);
}

static void kinds_have_names_and_numbers(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < WARD_FAULT_KIND_END_; kind++) {
        assert_true(ward_fault_error(kind) < 0);
        assert_true(strlen(ward_fault_name(kind)) > 0);
    }
    assert_int_equal(ward_fault_error(0), 0);
    assert_int_equal(ward_fault_error(WARD_FAULT_GONE), -ESRCH);
    assert_string_equal(ward_fault_name(1000), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_that_mends_makes_the_access_go_on),
        cmocka_unit_test(a_hook_that_never_mends_is_asked_so_often_and_no_more),
        cmocka_unit_test(a_hook_is_asked_as_often_as_there_is_progress),
        cmocka_unit_test(without_faults_no_hook_is_asked_and_in_nofault_mode_never),
        cmocka_unit_test(a_hook_may_send_the_rest_to_the_operations),
        cmocka_unit_test(a_hook_that_forgets_the_kind_makes_no_success_of_a_fault),
        cmocka_unit_test(a_read_to_nowhere_writes_nothing),
        cmocka_unit_test(misaligned_comes_before_range_and_range_before_memory),
        cmocka_unit_test(a_range_that_reaches_out_is_refused_whole),
        cmocka_unit_test(length_zero_succeeds_anywhere),
        cmocka_unit_test(check_is_about_the_range_and_sane_flags),
        cmocka_unit_test(words_of_every_width_go_through_whole),
        cmocka_unit_test(a_read_sees_what_was_just_stored),
        cmocka_unit_test(clamped_addresses_lie_inside_though_the_range_test_be_wrong),
        cmocka_unit_test(spaces_that_are_not_as_they_should_be_are_known),
        cmocka_unit_test(every_atomic_of_every_width_does_what_it_says),
        cmocka_unit_test(what_is_no_atomic_is_einval),
        cmocka_unit_test(a_load_reads_and_every_other_atomic_does_both),
        cmocka_unit_test(a_string_ends_at_its_zero_or_says_why_not),
        cmocka_unit_test(a_string_that_faults_is_not_fetched_anew),
        cmocka_unit_test(a_string_too_long_for_a_length_is_none),
        cmocka_unit_test(text_is_checked_on_the_copy),
        cmocka_unit_test(sentinels_are_found_wherever_they_lie),
        cmocka_unit_test(sentinels_of_ones_own_and_lengths_that_are_none),
        cmocka_unit_test(structures_that_grew_are_understood),
        cmocka_unit_test(a_structure_that_faults_is_all_zero_and_counted_from_its_beginning),
        cmocka_unit_test(kinds_have_names_and_numbers),
    };

    install_first();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
