/* SPDX-License-Identifier: MIT */
/* The handler, what stands behind it, and the tables. Each handler is tried in a child: there is
 * one per process. */
#include "access.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "access/recover.h"

static unsigned char *pages; /* one page, and behind it one that faults */

static int read_bad(void)
{
    uint64_t word;

    return ward_space_read_u64(ward_space_self_by_table(), address(pages + PAGE), &word, NULL);
}

/* A fault that is none of ward's. */
static void fault_elsewhere(void)
{
    *(volatile unsigned char *)(pages + PAGE) = 1;
}

/* --- Whoever was there before ----------------------------------------------------------------- */

static volatile sig_atomic_t called, called_addr_right, mask_right;

static void mend_info(int sig, siginfo_t *info, void *context)
{
    sigset_t now;

    (void)sig, (void)context;
    called++;
    called_addr_right = info->si_addr == pages + PAGE;
    sigprocmask(SIG_SETMASK, NULL, &now);
    mask_right = sigismember(&now, SIGUSR2) == 1 && sigismember(&now, SIGUSR1) == 0 &&
                 sigismember(&now, SIGSEGV) == 1;
    mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE);
}

static void mend_plainly(int sig)
{
    (void)sig;
    called++;
    mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE);
}

static int install_over(void (*info)(int, siginfo_t *, void *), void (*plain)(int), int flags)
{
    struct sigaction action = { .sa_flags = flags };

    if (info)
        action.sa_sigaction = info;
    else
        action.sa_handler = plain;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    return sigaction(SIGSEGV, &action, NULL) || ward_recover_install();
}

static int over_flags(void *arg)
{
    struct sigaction now = { 0 };
    int flags = *(const int *)arg;

    EXPECT(install_over(NULL, mend_plainly, flags) == 0);
    EXPECT(sigaction(SIGSEGV, NULL, &now) == 0 && sigismember(&now.sa_mask, SIGUSR1) == 1);
    EXPECT((now.sa_flags & (SA_SIGINFO | SA_ONSTACK)) == (SA_SIGINFO | SA_ONSTACK));
    EXPECT((now.sa_flags & (SA_RESTART | SA_NODEFER)) == flags);
    return 0;
}

static void the_handler_keeps_the_flags_that_others_may_rely_on(void **state)
{
    int flags[] = { 0, SA_RESTART, SA_NODEFER, SA_RESTART | SA_NODEFER };

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        assert_int_equal(in_child(over_flags, &flags[i]), 0);
}

static int over_siginfo(void *arg)
{
    (void)arg;
    EXPECT(install_over(mend_info, NULL, SA_SIGINFO) == 0);
    EXPECT(read_bad() == -EFAULT && called == 0);
    fault_elsewhere();
    EXPECT(called == 1 && called_addr_right && mask_right);
    return 0;
}

static int over_plain(void *arg)
{
    (void)arg;
    EXPECT(install_over(NULL, mend_plainly, 0) == 0);
    EXPECT(read_bad() == -EFAULT && called == 0);
    fault_elsewhere();
    EXPECT(called == 1);
    raise(SIGSEGV);
    EXPECT(called == 2);
    return 0;
}

/* Called once; the second fault finds the default. */
static int over_reset(void *arg)
{
    (void)arg;
    EXPECT(install_over(NULL, mend_plainly, (int)SA_RESETHAND) == 0);
    fault_elsewhere();
    EXPECT(called == 1 && read_bad() == 0);
    mprotect(pages + PAGE, PAGE, PROT_NONE);
    EXPECT(read_bad() == -EFAULT);
    fault_elsewhere();
    return 0;
}

static int over_default(void *arg)
{
    EXPECT(install_over(NULL, SIG_DFL, 0) == 0);
    EXPECT(read_bad() == -EFAULT);
    if (arg)
        kill(getpid(), SIGSEGV);
    else
        fault_elsewhere();
    return 0;
}

/* What was sent is ignored; a fault is not. */
static int over_ignore(void *arg)
{
    EXPECT(install_over(NULL, SIG_IGN, 0) == 0);
    raise(SIGSEGV); /* to this thread: an emulator may have others, which die of it */
    EXPECT(read_bad() == -EFAULT);
    if (arg)
        fault_elsewhere();
    return 0;
}

/* A broken page that was merely found: the kernel's own signal, of no instruction. */
static int over_found_page(void *arg)
{
    struct sigaction action = { .sa_handler = arg ? SIG_IGN : SIG_DFL };
    siginfo_t found = { .si_signo = SIGBUS, .si_code = BUS_MCEERR_AO };

    EXPECT(sigaction(SIGBUS, &action, NULL) == 0 && ward_recover_install() == 0);
    EXPECT(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &found) == 0);
    EXPECT(read_bad() == -EFAULT);
    return 0;
}

/* The last of all destructors, where other threads may be as well. */
static bool leaving;

static __attribute__((destructor(101))) void read_while_leaving(void)
{
    if (leaving)
        _exit(read_bad() == -EFAULT ? 7 : 8);
}

static int leave(void *arg)
{
    (void)arg;
    EXPECT(install_over(NULL, SIG_DFL, 0) == 0);
    leaving = true;
    exit(9);
}

static void the_tables_stand_while_the_process_exits(void **state)
{
    (void)state;
    assert_int_equal(in_child(leave, NULL), 7);
}

static void the_handler_before_gets_what_is_not_wards(void **state)
{
    (void)state;
    assert_int_equal(in_child(over_siginfo, NULL), 0);
    assert_int_equal(in_child(over_plain, NULL), 0);
    assert_int_equal(in_child(over_reset, NULL), -SIGSEGV);
}

static void the_default_kills_by_the_same_signal(void **state)
{
    (void)state;
    assert_int_equal(in_child(over_default, NULL), -SIGSEGV);
    assert_int_equal(in_child(over_default, pages), -SIGSEGV);
}

static void what_was_ignored_is_ignored_unless_it_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(in_child(over_ignore, NULL), 0);
    assert_int_equal(in_child(over_ignore, pages), -SIGSEGV);
}

static void a_broken_page_that_was_merely_found_kills_unless_it_is_ignored(void **state)
{
    (void)state;
    skip_unless(has_advice(), "an emulator takes such a signal for a fault of its own");
    assert_int_equal(in_child(over_found_page, NULL), -SIGBUS);
    assert_int_equal(in_child(over_found_page, pages), 0);
}

/* --- Other ways in ---------------------------------------------------------------------------- */

static void own_handler(int sig, siginfo_t *info, void *context)
{
    called++;
    if (!ward_recover_try(sig, info, context))
        _exit(3);
}

static int try_from_own_handler(void *arg)
{
    struct sigaction action = { .sa_sigaction = own_handler, .sa_flags = SA_SIGINFO };

    (void)arg;
    EXPECT(sigaction(SIGSEGV, &action, NULL) == 0);
    EXPECT(!ward_recover_is_installed());
    EXPECT(read_bad() == -EFAULT && called == 1);
    fault_elsewhere();
    return 0;
}

static void who_owns_the_handler_asks_ward_to_try(void **state)
{
    (void)state;
    assert_int_equal(in_child(try_from_own_handler, NULL), 3);
}

/* On its own stack, as Go and others demand. */
static int on_a_small_stack(void *arg)
{
    static unsigned char stack[65536];
    const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction now;

    (void)arg;
    EXPECT(sigaltstack(&alternative, NULL) == 0 && ward_recover_install() == 0);
    EXPECT(sigaction(SIGSEGV, NULL, &now) == 0);
    EXPECT(((unsigned)now.sa_flags & (SA_ONSTACK | SA_SIGINFO)) == (SA_ONSTACK | SA_SIGINFO));
    memset(stack, 0, sizeof stack);
    EXPECT(read_bad() == -EFAULT);
    EXPECT(!is_all(stack, sizeof stack, 0));
    EXPECT(sigaltstack(NULL, NULL) == 0);
    return 0;
}

static void the_handler_runs_on_the_alternative_stack(void **state)
{
    (void)state;
    assert_int_equal(in_child(on_a_small_stack, NULL), 0);
}

static int before_and_after(void *arg)
{
    uint64_t word;

    (void)arg;
    EXPECT(ward_space_self() == ward_space_self_by_calls());
    EXPECT(ward_space_read_u64(ward_space_self(), address(pages + PAGE), &word, NULL) ==
           by_calls(-EFAULT));
    EXPECT(ward_recover_install() == 0 && ward_recover_install() == 0);
    EXPECT(ward_recover_is_installed() && ward_space_self() == ward_space_self_by_table());
    EXPECT(ward_space_read_u64(ward_space_self(), address(pages + PAGE), &word, NULL) == -EFAULT);
    return 0;
}

static void everything_works_before_install_and_after(void **state)
{
    (void)state;
    assert_int_equal(in_child(before_and_after, NULL), 0);
}

/* --- Tables ----------------------------------------------------------------------------------- */

enum { ENTRIES = 50 };

static struct ward_recover_entry entries[ENTRIES];
static unsigned char code[ENTRIES * 16];

/* Entry i stands for code[place of i]. */
static void make_table(struct ward_recover_table *table, const size_t *places)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        entries[i].insn = (int32_t)((intptr_t)&code[16 * places[i]] - (intptr_t)&entries[i].insn);
        entries[i].fixup =
            (int32_t)((intptr_t)&code[16 * places[i] + 4] - (intptr_t)&entries[i].fixup);
        entries[i].what = (uint32_t)i;
    }
    memset(table, 0, sizeof *table);
    table->begin = entries;
    table->end = entries + ENTRIES;
}

static void assert_found(const size_t *places)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        const struct ward_recover_entry *entry =
            ward_recover_find((uintptr_t)&code[16 * places[i]]);

        assert_ptr_equal(entry, &entries[i]);
        assert_true(ward_recover_fixup(entry) == (uintptr_t)&code[16 * places[i] + 4]);
        assert_null(ward_recover_find((uintptr_t)&code[16 * places[i] + 1]));
    }
}

static void tables_are_searched_sorted_or_not(void **state)
{
    struct ward_recover_table table;
    size_t places[ENTRIES];

    (void)state;
    for (unsigned turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < ENTRIES; i++)
            places[i] = turn == 0 ? i : turn == 1 ? ENTRIES - 1 - i : i * 17 % ENTRIES;
        make_table(&table, places);
        assert_int_equal(ward_recover_register(&table), 0);
        assert_int_equal(ward_recover_register(&table), 0);
        assert_true(table.sorted == (turn == 0) && (table.order != NULL) == (turn != 0));
        assert_found(places);
        assert_int_equal(ward_recover_unregister(&table), 0);
        assert_int_equal(ward_recover_unregister(&table), -EINVAL);
        assert_null(ward_recover_find((uintptr_t)&code[16 * places[3]]));
    }
    assert_int_equal(ward_recover_register(NULL), -EINVAL);
}

static struct ward_recover_looks_ counted;
static atomic_bool unregistered;

static void *unregister(void *table)
{
    assert_int_equal(ward_recover_unregister(table), 0);
    atomic_store(&unregistered, true);
    return NULL;
}

static bool is_still_waiting(unsigned side)
{
    while (atomic_load(&counted.side) != side && !atomic_load(&unregistered))
        sched_yield();
    return !atomic_load(&unregistered);
}

/* Looks are under way on both sides. While somebody waits for the first, another who waits changes
 * sides, and the waiter comes to the first once more. */
static void a_table_is_not_given_back_while_a_look_is_under_way(void **state)
{
    static struct ward_recover_table table;
    size_t places[ENTRIES];
    pthread_t waiter;

    (void)state;
    use_ward();
    for (size_t i = 0; i < ENTRIES; i++)
        places[i] = i;
    make_table(&table, places);
    ward_recover_count_in_(&counted);
    assert_int_equal(ward_recover_register(&table), 0);
    atomic_store(&counted.in[0], 1);
    atomic_store(&counted.in[1], 1);
    assert_int_equal(pthread_create(&waiter, NULL, unregister, &table), 0);
    assert_true(is_still_waiting(1));
    atomic_fetch_add(&counted.side, 1);
    atomic_store(&counted.in[0], 0);
    assert_true(is_still_waiting(4));
    atomic_store(&counted.in[1], 0);
    pthread_join(waiter, NULL);
    assert_true(atomic_load(&unregistered));
}

static void there_is_room_for_so_many_tables(void **state)
{
    static struct ward_recover_table many[WARD_RECOVER_TABLES];
    size_t places[ENTRIES], put = 0;

    (void)state;
    use_ward();
    for (size_t i = 0; i < ENTRIES; i++)
        places[i] = i;
    for (; put < WARD_RECOVER_TABLES; put++) {
        make_table(&many[put], places);
        if (ward_recover_register(&many[put]))
            break;
    }
    assert_true(put > WARD_RECOVER_TABLES - 8 && put < WARD_RECOVER_TABLES);
    assert_int_equal(ward_recover_register(&many[put]), -ENOSPC);
    assert_int_equal(read_bad(), -EFAULT);
    while (put-- > 0)
        assert_int_equal(ward_recover_unregister(&many[put]), 0);
}

int main(void)
{
    const struct CMUnitTest in_children[] = {
        cmocka_unit_test(the_handler_before_gets_what_is_not_wards),
        cmocka_unit_test(the_handler_keeps_the_flags_that_others_may_rely_on),
        cmocka_unit_test(the_tables_stand_while_the_process_exits),
        cmocka_unit_test(the_default_kills_by_the_same_signal),
        cmocka_unit_test(what_was_ignored_is_ignored_unless_it_is_a_fault),
        cmocka_unit_test(a_broken_page_that_was_merely_found_kills_unless_it_is_ignored),
        cmocka_unit_test(who_owns_the_handler_asks_ward_to_try),
        cmocka_unit_test(the_handler_runs_on_the_alternative_stack),
        cmocka_unit_test(everything_works_before_install_and_after),
    };
    const struct CMUnitTest installed[] = {
        cmocka_unit_test(tables_are_searched_sorted_or_not),
        cmocka_unit_test(there_is_room_for_so_many_tables),
        cmocka_unit_test(a_table_is_not_given_back_while_a_look_is_under_way),
    };
    int failed;

    skip_where_emulated();
    pages = map_edge(1);
    failed = cmocka_run_group_tests(in_children, NULL, NULL);
    install_first();
    return failed + cmocka_run_group_tests(installed, NULL, NULL);
}
