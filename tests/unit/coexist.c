/* SPDX-License-Identifier: MIT */
/*
 * Accesses in places where little may be done: in a handler that interrupted malloc, in a thread
 * that nobody set up, in a child forked while other threads fault. And what kinds of pages and of
 * broken memory answer, by each way.
 */
#include "access.h"

#include "allocations.h"
#include "sanitized.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <ward/iov.h>
#include <ward/map.h>
#include <ward/user.h>

static unsigned char *pages, *edge; /* two pages, and behind them one that faults */

/* --- No allocation ---------------------------------------------------------------------------- */

/* Each kind of access once, that succeeds and that fails. False: one did otherwise. */
static bool access_everything(struct ward_space *self)
{
    struct ward_iov vec = { address(edge) - 10, 20 };
    struct ward_iov_list list = { &vec, 1, 20 };
    struct ward_atomic op = { WARD_ATOMIC_ADD, 4, 1, 0, 0 };
    unsigned char copy[3000];
    struct ward_fault why;
    uint64_t word;
    bool right;

    right = ward_space_read(self, address(pages), copy, 3000, &why) == 0 &&
            ward_space_read(self, address(edge) - 100, copy, 3000, &why) == -EFAULT &&
            ward_space_write(self, address(pages), copy, 3000, &why) == 0 &&
            ward_space_write(self, address(edge) - 100, copy, 3000, &why) == -EFAULT &&
            ward_space_fill(self, address(edge) - 700, 1, 700, &why) == 0 &&
            ward_space_fill(self, address(edge) - 700, 1, 701, &why) == -EFAULT &&
            ward_space_read_u64(self, address(pages), &word, &why) == 0 &&
            ward_space_read_u64(self, address(edge), &word, &why) == -EFAULT &&
            ward_space_write_u32(self, address(edge), 1, &why) == -EFAULT;
    right = right && ward_space_read_str(self, address(edge) - 9, (char *)copy, 9, &why) < 0 &&
            ward_space_read_utf8(self, address(edge) - 9, (char *)copy, 99, &why) == -EFAULT &&
            ward_space_read_until(self, address(edge) - 9, copy, 4, 9, NULL, &why) == -EFAULT &&
            ward_space_read_versioned(self, address(edge) - 9, 20, copy, 8, &why) < 0 &&
            ward_iov_read(self, &list, 0, copy, 20, &why) == -EFAULT &&
            ward_iov_write(self, &list, 0, copy, 20, &why) == -EFAULT;
    return right && ward_space_atomic(self, address(edge), &op, &why) != 0 &&
           ward_space_check(self, address(pages), 10, WARD_RW, &why) == 0;
}

static void no_access_allocates(void **state)
{
    unsigned long before;
    void *volatile block;
    bool right = true;

    (void)state;
    use_ward();
    before = allocations();
    for (size_t way = 0; way < ways(); way++)
        right = right && access_everything(by(way));
    ward_access_begin();
    right = right && access_everything(has_calls() ? ward_space_self_auto() : by(0));
    ward_access_end();
    assert_int_equal(allocations(), before);
    assert_true(right);
    block = malloc(1);
    free(block);
    assert_int_equal(allocations(), before + 2); /* it does count */
}

/* --- In a handler that interrupted malloc ----------------------------------------------------- */

static volatile sig_atomic_t inside, interrupted, went_wrong;
static _Atomic bool stop;

/* A tool may run handlers late, and with signals blocked (the thread sanitizer): a scope finds out.
 */
static void access_in_handler(int sig)
{
    struct ward_space *self = ward_access_begin();

    (void)sig;
    interrupted = interrupted + (inside != 0);
    if (!access_everything(self))
        went_wrong = 1;
    ward_access_end();
}

static void *signal_again_and_again(void *thread)
{
    while (!stop)
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* Blocks of many sizes, so that malloc has something to do. */
static void allocate(size_t round)
{
    void *blocks[16];

    for (size_t i = 0; i < 16; i++)
        blocks[i] = malloc(1 + round * 37 % 3000 * (i + 1));
    for (size_t i = 0; i < 16; i++)
        free(blocks[i]);
}

static void a_handler_that_interrupted_malloc_may_access(void **state)
{
    pthread_t self = pthread_self(), other;
    struct sigaction action = { .sa_handler = access_in_handler };

    (void)state;
    use_ward();
    (void)has_calls();
    stop = false;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&other, NULL, signal_again_and_again, &self), 0);
    for (size_t round = 0; interrupted < 300 && !went_wrong; round++) {
        inside = 1;
        allocate(round);
        inside = 0;
    }
    stop = true;
    pthread_join(other, NULL);
    assert_false(went_wrong);
    signal(SIGUSR1, SIG_IGN);
}

/* --- In a thread that nobody set up ----------------------------------------------------------- */

enum {
    STACK_BYTES = 65536,
    THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
};

static _Atomic int raw_result;

static int access_from_raw_thread(void *unused)
{
    unsigned char copy[300];
    struct ward_fault why;
    uint64_t word;
    bool right = ward_space_read_u64(by(0), address(edge), &word, NULL) == -EFAULT && word == 0 &&
                 ward_space_read(by(0), address(edge) - 100, copy, 300, &why) == -EFAULT &&
                 why.done == 100;

    (void)unused;
    raw_result = right ? 1 : 2;
    syscall(SYS_exit, 0);
    return 0;
}

/* Where thread-local storage would be, there is none: what is touched of it dies. On x86-64 it lies
 * below the thread pointer, at which are the pointer itself and the stack protector's word. */
static void *no_tls(void)
{
#if defined(__x86_64__)
    return map_edge(1);
#else
    return NULL;
#endif
}

static int raw_thread(void *unused)
{
    static unsigned char stack[STACK_BYTES] WARD_ALIGNED(64);
    void *tls = no_tls();

    (void)unused;
    use_ward();
    EXPECT(ward_space_read_u64(by(0), address(edge), &(uint64_t){ 0 }, NULL) == -EFAULT);
    EXPECT(clone(access_from_raw_thread, stack + STACK_BYTES,
                 tls ? (int)THREAD_FLAGS | CLONE_SETTLS : (int)THREAD_FLAGS, NULL, NULL, tls,
                 NULL) > 0);
    while (!raw_result)
        sched_yield();
    EXPECT(raw_result == 1);
    return 0;
}

static void a_thread_without_any_set_up_may_access(void **state)
{
    (void)state;
    skip_unless(!(UNDER_ASAN || UNDER_TSAN), "a sanitizer wants to know of every thread");
    assert_int_equal(in_child(raw_thread, NULL), 0);
}

/* --- In a child forked in the middle of a fault ----------------------------------------------- */

static void *fault_on(void *unused)
{
    uint64_t word;

    while (!stop)
        if (ward_space_read_u64(by(0), address(edge), &word, NULL) != -EFAULT)
            abort();
    return unused;
}

/* What an object does that is loaded and unloaded. SIGALRM ends a child that waits for ever. */
static int come_and_go(void *unused)
{
    static struct ward_recover_entry entry;
    struct ward_recover_table table = { .begin = &entry, .end = &entry + 1 };
    uint64_t word;

    (void)unused;
    alarm(60);
    use_ward();
    EXPECT(ward_recover_register(&table) == 0 && ward_recover_unregister(&table) == 0);
    EXPECT(ward_space_read_u64(by(0), address(edge), &word, NULL) == -EFAULT);
    return 0;
}

static void a_child_forked_while_threads_look_tables_up_does_not_hang(void **state)
{
    pthread_t threads[3];

    (void)state;
    skip_without_advice();
    use_ward();
    stop = false;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fault_on, NULL), 0);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(in_child(come_and_go, NULL), 0);
    stop = true;
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

/* --- Broken memory ---------------------------------------------------------------------------- */

/* As the kernel would tell of a broken page at this instruction. */
static void call_it_broken(int sig, siginfo_t *info, void *context)
{
    siginfo_t broken = *info;

    (void)sig;
    broken.si_signo = SIGBUS;
    broken.si_code = BUS_MCEERR_AO;
    if (ward_recover_try(SIGBUS, &broken, context))
        _exit(3);
    broken.si_code = BUS_MCEERR_AR;
    if (!ward_recover_try(SIGBUS, &broken, context))
        _exit(4);
}

static int read_broken(void *unused)
{
    struct sigaction action = { .sa_sigaction = call_it_broken, .sa_flags = SA_SIGINFO };
    unsigned char copy[64];
    struct ward_fault why;
    uint64_t word;

    (void)unused;
    EXPECT(sigaction(SIGSEGV, &action, NULL) == 0);
    EXPECT(ward_space_read_u64(by(0), address(edge), &word, &why) == -EFAULT);
    EXPECT(why.kind == WARD_FAULT_MEMORY && why.addr == address(edge) && word == 0);
    EXPECT(ward_space_read(by(0), address(edge) - 9, copy, 64, &why) == -EFAULT);
    EXPECT(why.kind == WARD_FAULT_MEMORY && why.done == 9);
    return 0;
}

static void a_broken_page_is_told_by_its_kind(void **state)
{
    (void)state;
    assert_int_equal(in_child(read_broken, NULL), 0);
}

#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

/* By the table the kernel tells which kind; by calls it says no more than no. */
static int read_poisoned(void *at)
{
    unsigned char copy[64];
    struct ward_fault why;

    use_ward();
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0);
    EXPECT(ward_space_read(by(0), address(at) - 9, copy, 64, &why) == -EFAULT);
    EXPECT(why.kind == WARD_FAULT_MEMORY && why.done == 9 && why.addr == address(at));
    EXPECT(ward_space_read(by(1), address(at) - 9, copy, 64, &why) == by_calls(-EFAULT));
    return 0;
}

static void memory_that_really_breaks_is_told_by_its_kind(void **state)
{
    unsigned char *broken = map_edge(2);

    (void)state;
    memset(broken, 1, 2 * PAGE);
    skip_without_advice();
    if (madvise(broken + PAGE, PAGE, MADV_HWPOISON)) {
        print_message("pages cannot be poisoned: %s\n", strerror(errno));
        skip();
    }
    assert_int_equal(in_child(read_poisoned, broken + PAGE), 0);
    unmap_edge(broken, 2);
}

/* --- Pages of every kind ---------------------------------------------------------------------- */

/* The system copies by what the mapping says. By table it is what the MMU says: x86-64, aarch64 and
 * riscv64 have no pages that may be written and not read. */
static void a_write_only_page_is_read_by_the_mmu_and_not_by_the_system(void **state)
{
    unsigned char *page = map_edge(1), byte = 0;

    (void)state;
    use_ward();
    page[3] = 42;
    assert_int_equal(mprotect(page, PAGE, PROT_WRITE), 0);
    assert_int_equal(ward_space_read(by(0), address(page + 3), &byte, 1, NULL), 0);
    assert_int_equal(byte, 42);
    assert_int_equal(ward_space_read(by(1), address(page + 3), &byte, 1, NULL), by_calls(-EFAULT));
    unmap_edge(page, 1);
}

/* Execute-only pages exist where there are protection keys (x86-64), or by themselves (aarch64, in
 * recent kernels); elsewhere they can be read. */
static void an_execute_only_page_is_what_the_mmu_says_and_efault_by_the_system(void **state)
{
    unsigned char *page = map_edge(1), byte = 7;
    struct ward_fault why;
    int error;

    (void)state;
    use_ward();
    page[3] = 42;
    assert_int_equal(mprotect(page, PAGE, PROT_EXEC), 0);
    error = ward_space_read(by(0), address(page + 3), &byte, 1, &why);
    print_message("by table an execute-only page %s here\n", error ? "faults" : "can be read");
    assert_true(error == 0 ? byte == 42 : error == -EFAULT && why.kind == WARD_FAULT_PROT);
    assert_int_equal(ward_space_read(by(1), address(page + 3), &byte, 1, NULL), by_calls(-EFAULT));
    for (size_t way = 0; way < ways(); way++)
        assert_int_equal(ward_space_write(by(way), address(page + 3), &byte, 1, NULL), -EFAULT);
    unmap_edge(page, 1);
}

static void a_guard_page_is_efault_by_every_way(void **state)
{
    unsigned char copy[64];
    struct ward_fault why;
    struct ward_map map;
    uint64_t end;

    (void)state;
    use_ward();
    assert_int_equal(ward_map_init(&map, PAGE, 0), 0);
    end = address(map.region.base + PAGE);
    for (size_t way = 0; way < ways(); way++) {
        assert_int_equal(ward_space_read(by(way), end - 9, copy, 64, &why), -EFAULT);
        assert_true(why.done == 9 && why.addr == end);
        assert_int_equal(ward_space_write(by(way), end, copy, 64, &why), -EFAULT);
        assert_int_equal(ward_space_read(by(way), end - PAGE - 1, copy, 1, &why), -EFAULT);
    }
    assert_int_equal(ward_region_fini(&map.region), 0);
}

/* --- Contracts that are broken ---------------------------------------------------------------- */

static int replace_inside(void *unused)
{
    struct ward_space *chosen;
    uint64_t word;

    (void)unused;
    use_ward();
    chosen = ward_access_begin();
    EXPECT(chosen == by(0));
    signal(SIGSEGV, SIG_DFL);
    return ward_space_read_u64(chosen, address(edge), &word, NULL) == 0 ? 1 : 2;
}

static void replacing_the_handler_inside_a_scope_is_death(void **state)
{
    (void)state;
    assert_int_equal(in_child(replace_inside, NULL), -SIGSEGV);
}

/* --- Addresses that are none ------------------------------------------------------------------ */

/* The processor tells no address for these: the record has it all the same. */
static void a_non_canonical_address_is_named_as_the_first_bad_byte(void **state)
{
    const uint64_t none[] = { UINT64_C(0x0000800000000000) + 4096, UINT64_C(0x00ff000000000000),
                              UINT64_C(0x1234567812345678), UINT64_C(0x7fffffffffff0000) };
    struct ward_atomic op = { WARD_ATOMIC_ADD, 8, 1, 0, 0 };
    unsigned char copy[5000];
    struct ward_fault why;

    (void)state;
    use_ward();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        for (size_t n = 1; n < 5000; n = n * 3 + 1) {
            assert_int_equal(ward_space_read(by(0), none[i], copy, n, &why), -EFAULT);
            assert_true(why.addr == none[i] && why.done == 0 && is_all(copy, n, 0));
            assert_int_equal(ward_space_write(by(0), none[i], copy, n, &why), -EFAULT);
            assert_true(why.addr == none[i] && why.done == 0);
            assert_int_equal(ward_space_fill(by(0), none[i], 1, n, &why), -EFAULT);
            assert_true(why.addr == none[i] && why.done == 0);
            assert_int_equal(ward_space_read_str(by(0), none[i], (char *)copy, n, &why), -EFAULT);
            assert_true(why.addr == none[i] && why.done == 0);
            assert_int_equal(ward_space_atomic(by(0), none[i] & ~UINT64_C(7), &op, &why), -EFAULT);
            assert_true(why.addr == (none[i] & ~UINT64_C(7)));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_access_allocates),
        cmocka_unit_test(a_handler_that_interrupted_malloc_may_access),
        cmocka_unit_test(a_thread_without_any_set_up_may_access),
        cmocka_unit_test(a_child_forked_while_threads_look_tables_up_does_not_hang),
        cmocka_unit_test(a_broken_page_is_told_by_its_kind),
        cmocka_unit_test(memory_that_really_breaks_is_told_by_its_kind),
        cmocka_unit_test(a_write_only_page_is_read_by_the_mmu_and_not_by_the_system),
        cmocka_unit_test(an_execute_only_page_is_what_the_mmu_says_and_efault_by_the_system),
        cmocka_unit_test(a_guard_page_is_efault_by_every_way),
        cmocka_unit_test(replacing_the_handler_inside_a_scope_is_death),
        cmocka_unit_test(a_non_canonical_address_is_named_as_the_first_bad_byte),
    };

    install_first();
    pages = map_edge(2);
    edge = pages + 2 * PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
