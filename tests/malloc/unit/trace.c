/* SPDX-License-Identifier: MIT */
/* Stacks: followed as the compiler's own unwinder follows them, and kept under a number. */
#define _GNU_SOURCE
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "malloc/cfi.h"
#include "malloc/memory.h"
#include "malloc/module.h"
#include "malloc/trace.h"
#include "malloc/unwind.h"

enum { MAX = 64 };

/* Of the malloc, only what stacks need. */
struct ward_root ward_root_;
static bool no_memory;

bool ward_memory_commit_(const struct prefix *prefix, _Atomic size_t *committed, size_t need)
{
    size_t done = *committed;

    (void)prefix;
    if (no_memory)
        return false;
    while (done < need && !atomic_compare_exchange_weak(committed, &done, need))
        ;
    return true;
}

/* What both unwinders say of one place. */
static struct seen {
    uintptr_t pcs[MAX], theirs[MAX];
    uintptr_t quick[3][MAX]; /* the first finds out, the others remember */
    unsigned count, quick_counts[3];
    int their_count;
    bool complete, quick_complete[3];
} seen;

static __attribute__((noinline)) void look(void)
{
    void *theirs[MAX];

    seen.their_count = backtrace(theirs, MAX);
    memcpy(seen.theirs, theirs, sizeof theirs);
    seen.count = ward_unwind_(seen.pcs, MAX, 0, &seen.complete);
    for (int i = 0; i < 3; i++)
        seen.quick_counts[i] = ward_unwind_quickly_(seen.quick[i], MAX, 0, &seen.quick_complete[i]);
    __asm__ volatile("" ::: "memory");
}

/* From the caller of look() on, they agree. A sanitizer has a backtrace() of its own before. */
static void assert_same(void)
{
    unsigned own = (unsigned)seen.their_count - seen.count;

    assert_true(seen.complete);
    assert_in_range(seen.count, 3, MAX - 2);
    assert_in_range(own, 0, 1);
    assert_memory_equal(seen.pcs + 1, seen.theirs + 1 + own, (seen.count - 1) * sizeof *seen.pcs);
    for (int i = 0; i < 3; i++) {
        assert_true(seen.quick_complete[i]);
        assert_int_equal(seen.quick_counts[i], seen.count);
        assert_memory_equal(seen.quick[i] + 1, seen.pcs + 1, (seen.count - 1) * sizeof *seen.pcs);
    }
}

/* --- Shapes of frames ------------------------------------------------------------------------- */

static __attribute__((noinline)) int recurse(int depth)
{
    int below = 0;

    if (depth == 0)
        look();
    else
        below = recurse(depth - 1) + depth;
    __asm__ volatile("" ::: "memory");
    return below;
}

static __attribute__((noinline)) void in_variable_frame(size_t bytes)
{
    char *room = __builtin_alloca(bytes);

    memset(room, 1, bytes);
    look();
    __asm__ volatile("" : : "r"(room) : "memory");
}

static __attribute__((noinline)) void in_aligned_frame(void)
{
    _Alignas(256) char room[512];

    memset(room, 1, sizeof room);
    look();
    __asm__ volatile("" : : "r"(room) : "memory");
}

static __attribute__((noinline)) void in_large_frame(void)
{
    char room[200000];

    room[0] = room[sizeof room - 1] = 1;
    __asm__ volatile("" : : "r"(room) : "memory");
    look();
    __asm__ volatile("" : : "r"(room) : "memory");
}

static int compare(const void *a, const void *b)
{
    look();
    return *(const int *)a - *(const int *)b;
}

static void stack_is_the_one_the_compilers_unwinder_sees(void **state)
{
    int numbers[2] = { 2, 1 };

    (void)state;
    look();
    assert_same();
    recurse(20);
    assert_same();
    in_variable_frame(5000);
    assert_same();
    in_aligned_frame();
    assert_same();
    in_large_frame();
    assert_same();
    qsort(numbers, 2, sizeof *numbers, compare); /* through the C library */
    assert_same();
}

static void *in_thread(void *arg)
{
    (void)arg;
    recurse(3);
    return NULL;
}

static void stack_of_a_thread_ends_where_it_began(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_same();
}

/* --- Signals ---------------------------------------------------------------------------------- */

static struct seen interrupted;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    interrupted.count = ward_unwind_from_(context, interrupted.pcs, MAX, &interrupted.complete);
    look();
}

static void handle(int flags)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };

    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    signal(SIGUSR1, SIG_DFL);
}

static void stack_goes_on_below_a_signal_handler(void **state)
{
    (void)state;
    handle(0);
    assert_same();
    assert_true(interrupted.complete);
    /* Ours, the handler, and the way back stand above what was interrupted. */
    assert_memory_equal(interrupted.pcs + 1, seen.pcs + seen.count - interrupted.count + 1,
                        (interrupted.count - 1) * sizeof *seen.pcs);
}

static void stack_goes_on_from_another_stack(void **state)
{
    static char room[1 << 16];
    stack_t other = { .ss_sp = room, .ss_size = sizeof room };

    (void)state;
    assert_int_equal(sigaltstack(&other, NULL), 0);
    handle(SA_ONSTACK);
    other.ss_flags = SS_DISABLE;
    assert_int_equal(sigaltstack(&other, NULL), 0);
    assert_same();
}

/* --- What is not as it should be -------------------------------------------------------------- */

static __attribute__((noinline)) void here(ucontext_t *context)
{
    assert_int_equal(getcontext(context), 0);
}

static void stack_that_is_broken_is_not_complete(void **state)
{
    uintptr_t pcs[MAX];
    ucontext_t context;
    bool complete = true;

    (void)state;
    here(&context);
    assert_in_range(ward_unwind_from_(&context, pcs, MAX, &complete), 2, MAX);
#if defined(__x86_64__)
    for (uintptr_t bad = 0; bad < UINTPTR_MAX - ((uintptr_t)1 << 60); bad += (uintptr_t)1 << 60) {
        context.uc_mcontext.gregs[REG_RSP] = (greg_t)(bad + 4088);
        context.uc_mcontext.gregs[REG_RBP] = (greg_t)(bad + 8);
        complete = true;
        assert_in_range(ward_unwind_from_(&context, pcs, MAX, &complete), 1, 3);
        assert_false(complete);
        context.uc_mcontext.gregs[REG_RIP] = (greg_t)bad;
    }
#endif
}

/* Every word of the frames of some callers is made any other: nothing worse comes of it than a
 * wrong stack. */
static void stack_that_is_overwritten_is_followed_without_a_fault(void **state)
{
    static const uintptr_t lies[] = {
        0, 1, 8, 0x1000, UINTPTR_MAX, UINTPTR_MAX - 7, (uintptr_t)1 << 47, 0xdeadbeef
    };
    uintptr_t *words, *copy, pcs[MAX];
    ucontext_t context;
    bool complete;

    (void)state;
    here(&context);
    words = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(words != MAP_FAILED && munmap((char *)words + 4096, 4096) == 0);
    copy = words + 256;
    memcpy(copy, __builtin_frame_address(0), 256 * sizeof *copy);
    for (size_t i = 0; i < 256; i++)
        for (size_t lie = 0; lie < sizeof lies / sizeof *lies; lie++) {
            uintptr_t kept = copy[i];

            copy[i] = lies[lie];
#if defined(__x86_64__)
            context.uc_mcontext.gregs[REG_RSP] = (greg_t)(copy + 2);
            context.uc_mcontext.gregs[REG_RBP] = (greg_t)(copy + 16);
#endif
            assert_in_range(ward_unwind_from_(&context, pcs, MAX, &complete), 1, MAX);
            copy[i] = kept;
        }
    assert_int_equal(munmap(words, 4096), 0);
}

/* --- Expressions ------------------------------------------------------------------------------ */

static bool read_twice(void *arg, uintptr_t at, uintptr_t *word)
{
    (void)arg;
    *word = 2 * at;
    return at != 13;
}

/* What len bytes give, behind which there are more; cfa 7, register r holds 100 + r. */
static bool compute(const char *bytes, size_t len, uintptr_t *value)
{
    uintptr_t registers[FRAME_REGISTERS], cfa = 7;
    unsigned char code[64];
    struct cfi_row row = { .origin = code + 1, .end = code + sizeof code };
    struct cfi_rule rule = { CFI_COMPUTED, -1 };

    for (unsigned i = 0; i < FRAME_REGISTERS; i++)
        registers[i] = 100 + i;
    memset(code, 0x96, sizeof code);
    code[0] = (unsigned char)len;
    memcpy(code + 1, bytes, len);
    return ward_cfi_compute_(&row, &rule, registers, &cfa, read_twice, NULL, value);
}

#define EXPRESSION(BYTES) BYTES, sizeof BYTES - 1

static void expressions_are_computed(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        intptr_t value;
    } of[] = {
        { EXPRESSION(""), 7 },
        { EXPRESSION("\x06"), 14 },                    /* what is there */
        { EXPRESSION("\x73\x05"), 108 },               /* register 3, plus 5 */
        { EXPRESSION("\x73\x7f"), 102 },               /* minus 1 */
        { EXPRESSION("\x92\x04\x00"), 104 },           /* register 4 */
        { EXPRESSION("\x23\x81\x01"), 136 },           /* plus 129 */
        { EXPRESSION("\x08\xff"), 255 },               /* 1 byte */
        { EXPRESSION("\x09\xff"), -1 },                /* signed */
        { EXPRESSION("\x0a\x02\x01"), 258 },           /* 2 bytes */
        { EXPRESSION("\x0b\xfe\xff"), -2 },            /* signed */
        { EXPRESSION("\x0c\x00\x00\x01\x00"), 65536 }, /* 4 bytes */
        { EXPRESSION("\x0d\xff\xff\xff\xff"), -1 },    /* signed */
        { EXPRESSION("\x0e\x01\0\0\0\0\0\0\0"), 1 },   /* 8 bytes */
        { EXPRESSION("\x10\xff\x01"), 255 },           /* LEB128 */
        { EXPRESSION("\x11\x7e"), -2 },                /* signed */
        { EXPRESSION("\x31\x32\x1c"), -1 },            /* 1 - 2 */
        { EXPRESSION("\x31\x32\x16\x1c"), 1 },         /* swapped */
        { EXPRESSION("\x33\x12\x1e"), 9 },             /* twice 3, multiplied */
        { EXPRESSION("\x33\x34\x14\x22"), 7 },         /* 3 4 3, added */
        { EXPRESSION("\x33\x34\x15\x02"), 7 },         /* the third from the top */
        { EXPRESSION("\x33\x13"), 7 },                 /* dropped */
        { EXPRESSION("\x36\x33\x1a"), 2 },             /* and, or, exclusive or */
        { EXPRESSION("\x36\x33\x21"), 7 },
        { EXPRESSION("\x36\x33\x27"), 5 },
        { EXPRESSION("\x31\x33\x24"), 8 }, /* shifts */
        { EXPRESSION("\x38\x33\x25"), 1 },
        { EXPRESSION("\x33\x1f"), -3 }, /* negated, inverted */
        { EXPRESSION("\x30\x20"), -1 },
        { EXPRESSION("\x33\x33\x29"), 1 }, /* comparisons */
        { EXPRESSION("\x3b\x3b\x2a"), 1 },
        { EXPRESSION("\x3b\x3b\x2b"), 0 },
        { EXPRESSION("\x3b\x3b\x2c"), 1 },
        { EXPRESSION("\x09\xff\x31\x2d"), 1 },
        { EXPRESSION("\x33\x33\x2e"), 0 },
        /* as of a procedure linkage table */
        { EXPRESSION("\x77\x08\x31\x3f\x1a\x3b\x2a\x33\x24\x22"), 115 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        uintptr_t value = 4711;

        assert_true(compute(of[i].bytes, of[i].len, &value));
        assert_int_equal(value, of[i].value);
    }
}

static void expression_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } of[] = {
        { EXPRESSION("\x13") },     /* nothing is left */
        { EXPRESSION("\x13\x13") }, /* fewer than nothing */
        { EXPRESSION("\x22") },     /* one is not two */
        { EXPRESSION("\x16") },         { EXPRESSION("\x13\x12") },
        { EXPRESSION("\x14") },         { EXPRESSION("\x15\x01") },
        { EXPRESSION("\x3d\x06") },     /* what cannot be read */
        { EXPRESSION("\x92\x7f\x00") }, /* no such register */
        { EXPRESSION("\xe0") },         /* no such operation */
        { EXPRESSION("\x0e\x01") },     /* cut off */
        { EXPRESSION("\x10\xff") },     { EXPRESSION("000000000000000000") }, /* too many values */
    };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        uintptr_t value;

        assert_false(compute(of[i].bytes, of[i].len, &value));
    }
}

/* --- Modules ---------------------------------------------------------------------------------- */

static void module_is_found_by_the_list_as_by_the_linker(void **state)
{
    const uintptr_t pcs[] = { (uintptr_t)look, (uintptr_t)qsort, (uintptr_t)pthread_create,
                              (uintptr_t)cmocka_set_message_output };
    unsigned char id[2][32];

    (void)state;
    for (size_t i = 0; i < sizeof pcs / sizeof *pcs; i++) {
        struct module one, other;

        assert_true(ward_module_find_(pcs[i], &one));
        assert_true(ward_module_find_listed_(pcs[i], &other));
        assert_int_equal(one.start & ~(uintptr_t)4095, other.start & ~(uintptr_t)4095);
        assert_ptr_equal(one.frames, other.frames);
        assert_int_equal(one.bias, other.bias);
        assert_string_equal(one.name, other.name);
        assert_int_equal(ward_module_id_(&one, id[0], 32), ward_module_id_(&other, id[1], 32));
    }
    assert_int_equal(ward_module_id_(&(struct module){ .start = 1 }, id[0], 32), 0);
}

static void what_is_no_code_is_in_no_module(void **state)
{
    struct module module = { .start = 1 };
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_false(ward_module_find_((uintptr_t)page, &module));
    assert_int_equal(module.start, 0);
    assert_false(ward_module_find_listed_((uintptr_t)page, &module));
    assert_false(ward_module_is_readable_((uintptr_t)page));
    assert_false(ward_module_is_readable_(0));
    assert_false(ward_module_is_readable_(8));
    assert_false(ward_module_is_readable_(UINTPTR_MAX - 7));
    assert_true(ward_module_is_readable_((uintptr_t)&page));
    munmap(page, 4096);
}

/* --- Keeping ---------------------------------------------------------------------------------- */

static void stack_is_got_back_as_it_was_put(void **state)
{
    uintptr_t pcs[] = { 11, 12, 13, 14 }, got[8];
    uint32_t number = ward_trace_put_(pcs, 4, true);
    bool complete = false;

    (void)state;
    assert_int_not_equal(number, 0);
    assert_int_equal(ward_trace_get_(number, got, 8, &complete), 4);
    assert_true(complete);
    assert_memory_equal(got, pcs, sizeof pcs);
    assert_int_equal(ward_trace_put_(pcs, 4, true), number);
    assert_int_not_equal(ward_trace_put_(pcs, 4, false), number);
    assert_int_not_equal(ward_trace_put_(pcs + 1, 3, true), number);
    assert_int_equal(ward_trace_get_(number, got, 2, &complete), 2);
    assert_false(complete);
    number = ward_trace_put_(pcs, 4, false);
    assert_int_equal(ward_trace_get_(number, got, 8, &complete), 4);
    assert_false(complete);
}

static void number_of_no_stack_gives_nothing(void **state)
{
    uintptr_t got[1];
    bool complete = true;

    (void)state;
    assert_int_equal(ward_trace_get_(0, got, 1, &complete), 0);
    assert_false(complete);
    assert_int_equal(ward_trace_get_(2, got, 1, &complete), 0);
    assert_int_equal(ward_trace_get_(TRACE_NODES - 1, got, 1, &complete), 0);
    assert_int_equal(ward_trace_get_(UINT32_MAX, got, 1, &complete), 0);
    assert_int_equal(ward_trace_put_(got, 0, true), 0);
}

static void stack_is_taken_from_the_caller_on(void **state)
{
    uintptr_t got[MAX];
    bool complete;
    unsigned count;

    (void)state;
    look();
    count = ward_trace_get_(ward_trace_take_(0), got, MAX, &complete);
    assert_int_equal(count, seen.count - 1);
    assert_memory_equal(got + 1, seen.pcs + 2, (count - 1) * sizeof *got);
    assert_int_equal(ward_trace_get_(ward_trace_take_(1), got, MAX, &complete), count - 1);
}

static void *put_many(void *arg)
{
    uint32_t *numbers = arg;

    for (uintptr_t i = 0; i < 20000; i++) {
        uintptr_t pcs[] = { i % 997, i / 997, 7 };

        numbers[i] = ward_trace_put_(pcs, 3, true);
    }
    return NULL;
}

static void stacks_that_threads_put_at_once_are_all_kept(void **state)
{
    static uint32_t numbers[4][20000];
    pthread_t threads[4];
    bool complete;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, numbers[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (uintptr_t i = 0; i < 20000; i++)
        for (unsigned by = 0; by < 4; by++) {
            uintptr_t got[4];

            assert_int_equal(numbers[by][i], numbers[0][i]);
            assert_int_equal(ward_trace_get_(numbers[by][i], got, 4, &complete), 3);
            assert_true(got[0] == i % 997 && got[1] == i / 997 && got[2] == 7 && complete);
        }
}

static void store_that_is_full_gives_no_number(void **state)
{
    uintptr_t pcs[] = { 0, 0x5eed }, got[2];
    uint32_t number = 1, last = 0, first;
    bool complete;

    (void)state;
    no_memory = true;
    for (pcs[0] = 1; pcs[0] < 8; pcs[0]++)
        assert_int_equal(ward_trace_put_(pcs, 2, true), 0);
    no_memory = false;
    first = ward_trace_put_(pcs, 2, true);
    for (pcs[0] = 100; number != 0; pcs[0]++) {
        last = number;
        number = ward_trace_put_(pcs, 2, true);
    }
    assert_int_equal(last, TRACE_NODES - 1);
    assert_int_equal(ward_trace_get_(last, got, 2, &complete), 2);
    assert_int_equal(got[0], pcs[0] - 2);
    pcs[0] = 8;
    assert_int_equal(ward_trace_put_(pcs, 2, true), first);
}

static int set_up(void **state)
{
    void *at = mmap(NULL, ward_trace_bytes_(), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    (void)state;
    ward_root_.page = 4096;
    ward_root_.traces = at;
    return at == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_is_the_one_the_compilers_unwinder_sees),
        cmocka_unit_test(stack_of_a_thread_ends_where_it_began),
        cmocka_unit_test(stack_goes_on_below_a_signal_handler),
        cmocka_unit_test(stack_goes_on_from_another_stack),
        cmocka_unit_test(stack_that_is_broken_is_not_complete),
        cmocka_unit_test(stack_that_is_overwritten_is_followed_without_a_fault),
        cmocka_unit_test(expressions_are_computed),
        cmocka_unit_test(expression_that_makes_no_sense_is_refused),
        cmocka_unit_test(module_is_found_by_the_list_as_by_the_linker),
        cmocka_unit_test(what_is_no_code_is_in_no_module),
        cmocka_unit_test(stack_is_got_back_as_it_was_put),
        cmocka_unit_test(number_of_no_stack_gives_nothing),
        cmocka_unit_test(stack_is_taken_from_the_caller_on),
        cmocka_unit_test(stacks_that_threads_put_at_once_are_all_kept),
        cmocka_unit_test(store_that_is_full_gives_no_number),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
