/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a process space when its process ends, runs another program, or its number is
 * given to another process: an answer, and never the bytes of somebody else.
 */
#include "sanitized.h"
#include "target.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/personality.h>

enum { TAG = 0x11, STRANGER = 0xee, BYTES = 256 };

static const char *program; /* this one */

static void fill_with_tag(void *arg)
{
    memset(arg, TAG, PAGE);
}

/* One read: 0 and the tag in all bytes, or -ESRCH and zeroes. Returns the result. */
static int try_read(struct ward_process *process, const unsigned char *page)
{
    unsigned char bytes[BYTES];
    struct ward_fault why;
    int error;

    memset(bytes, 0x77, BYTES);
    error = ward_space_read(&process->space, address(page) + 16, bytes, BYTES, &why);
    if (error && error != -ESRCH)
        fail_msg("a read answered %d (%s)", error, ward_fault_name(why.kind));
    if (!is_all(bytes, BYTES, error ? 0 : TAG))
        fail_msg("a read that answered %d left 0x%02x", error, bytes[0]);
    if (error)
        assert_true(why.kind == WARD_FAULT_GONE && why.done == 0);
    return error;
}

/* The ways to find out whether it is still the same: 0 and 1, by the witness, without and with
 * force; 2 and 3, where there is none. */
enum { WAYS = 4 };

static int open_way(struct ward_process *process, pid_t pid, unsigned way)
{
    int error = ward_process_open(process, pid, way % 2 ? WARD_PROCESS_FORCE : 0);

    if (!error && process->witness_at == 0)
        fail_msg("no witness was found");
    if (way / 2 % 2)
        process->witness_at = 0;
    return error;
}

static void assert_gone(struct ward_process *process, const unsigned char *page)
{
    uint64_t pointer = 7;
    char text[8];

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(try_read(process, page), -ESRCH);
    assert_int_equal(ward_process_verify(process), -ESRCH);
    assert_int_equal(ward_space_write(&process->space, address(page), "x", 1, NULL), -ESRCH);
    assert_int_equal(ward_space_read_str(&process->space, address(page), text, 8, NULL), -ESRCH);
    assert_true(is_all(text, 8, 0));
    assert_int_equal(ward_process_read_pointers(process, address(page), &pointer, 1, NULL), -ESRCH);
    assert_true(pointer == 0);
}

/* --- Death ------------------------------------------------------------------------------------ */

static void a_process_that_ended_is_gone(void **state)
{
    unsigned char *page = map_pages(1);

    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct ward_process process;
        struct target target;

        start_target(&target, fill_with_tag, NULL, page);
        assert_int_equal(open_way(&process, target.pid, way), 0);
        assert_int_equal(try_read(&process, page), 0);
        assert_int_equal(ward_process_verify(&process), 0);
        stop_target(&target);
        assert_gone(&process, page);
        ward_process_close(&process);
    }
    unmap_pages(page, 1);
}

static void a_zombie_is_gone_too(void **state)
{
    unsigned char *page = map_pages(1);
    struct ward_process process, second;
    struct target target;
    siginfo_t info;

    (void)state;
    start_target(&target, fill_with_tag, NULL, page);
    assert_int_equal(ward_process_open(&process, target.pid, 0), 0);
    kill(target.pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)target.pid, &info, WEXITED | WNOWAIT), 0);
    assert_gone(&process, page);
    dirty(second);
    assert_int_equal(ward_process_open(&second, target.pid, 0), -ESRCH);
    assert_all_zero(second);
    ward_process_close(&process);
    stop_target(&target);
    unmap_pages(page, 1);
}

static void *kill_it(void *arg)
{
    struct target *target = arg;

    for (volatile int i = 0; i < (int)(target->pid % 64) * 100; i++)
        continue;
    kill(target->pid, SIGKILL);
    return NULL;
}

static void a_process_that_is_killed_meanwhile_is_read_right_or_gone(void **state)
{
    unsigned char *page = map_pages(1);
    unsigned rounds = RUNNING_ON_VALGRIND ? 5 : 150;

    (void)state;
    for (unsigned i = 0; i < rounds; i++) {
        struct ward_process process;
        struct target target;
        pthread_t killer;

        start_target(&target, fill_with_tag, NULL, page);
        assert_int_equal(open_way(&process, target.pid, i % WAYS), 0);
        assert_int_equal(pthread_create(&killer, NULL, kill_it, &target), 0);
        while (try_read(&process, page) == 0)
            continue;
        assert_gone(&process, page);
        pthread_join(killer, NULL);
        ward_process_close(&process);
        stop_target(&target);
    }
    unmap_pages(page, 1);
}

/* --- Another program -------------------------------------------------------------------------- */

/* Runs this program again, with "--stranger ADDRESS ORDERS ANSWERS". It begins with an order, the
 * tag to lay out at that address, and on the next order runs itself anew. */
static void exec_self(void *page, char order_, int orders, int answers)
{
    char at[32], in[16], out[16];

    (void)order_;
    snprintf(at, sizeof at, "%p", page);
    snprintf(in, sizeof in, "%d", orders);
    snprintf(out, sizeof out, "%d", answers);
    execl("/proc/self/exe", program, "--stranger", at, in, out, (char *)NULL);
    abort();
}

static int be_stranger(const char *at, int orders, int answers)
{
    uintptr_t wanted = 0;
    char tag;

    if (sscanf(at, "%zx", &wanted) != 1 || read(orders, &tag, 1) != 1 ||
        mmap((void *)wanted, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0) == MAP_FAILED)
        return 1;
    memset((void *)wanted, tag, PAGE);
    if (write(answers, "", 1) != 1 || read(orders, &tag, 1) != 1)
        return 0;
    exec_self((void *)wanted, tag, orders, answers);
    return 1;
}

static void a_process_that_runs_another_program_is_gone(void **state)
{
    unsigned rounds = RUNNING_ON_VALGRIND ? 2 : 60;
    unsigned char *page = map_pages(1);

    (void)state;
    for (unsigned i = 0; i < rounds; i++) {
        struct ward_process process, fresh;
        struct ward_process_info info;
        struct target target;
        unsigned char byte = 0;

        start_target(&target, fill_with_tag, exec_self, page);
        assert_int_equal(open_way(&process, target.pid, i % WAYS), 0);
        ward_process_info_get(&process, &info);
        assert_true(info.notices_exec);
        order(&target, 'x');
        order(&target, (char)STRANGER);
        while (try_read(&process, page) == 0)
            continue;
        await(&target);
        assert_gone(&process, page);
        ward_process_close(&process);
        assert_int_equal(ward_process_open(&fresh, target.pid, 0), 0); /* who asks anew, may */
        assert_int_equal(ward_space_read(&fresh.space, address(page), &byte, 1, NULL), 0);
        assert_int_equal(byte, STRANGER);
        ward_process_close(&fresh);
        stop_target(&target);
    }
    unmap_pages(page, 1);
}

/* Before it runs the other program, a process of its own comes to share its memory, which so
 * outlives the exec. */
static int linger(void *parent)
{
    die_with(*(const pid_t *)parent);
    while (pause())
        continue;
    return 0;
}

static void share_and_exec(void *page, char order_, int orders, int answers)
{
    static char stack[65536] WARD_ALIGNED(64);
    static pid_t self;

    self = getpid();
    if (clone(linger, stack + sizeof stack, CLONE_VM | SIGCHLD, &self) < 0)
        abort();
    exec_self(page, order_, orders, answers);
}

static void share_and_notice(unsigned way)
{
    unsigned char *page = map_pages(1);
    struct ward_process process;
    struct target target;

    start_target(&target, fill_with_tag, share_and_exec, page);
    assert_int_equal(open_way(&process, target.pid, way), 0);
    order(&target, 'x');
    order(&target, (char)STRANGER);
    while (try_read(&process, page) == 0)
        continue;
    await(&target);
    assert_gone(&process, page);
    ward_process_close(&process);
    stop_target(&target);
    unmap_pages(page, 1);
}

static void an_exec_is_noticed_though_the_old_memory_lives_on(void **state)
{
    (void)state;
    skip_unless(!RUNNING_ON_VALGRIND && !UNDER_TSAN,
                "valgrind and TSan know no clone that shares memory without a thread");
    for (unsigned way = 0; way < WAYS; way++)
        share_and_notice(way);
}

static void exec_fixed(void *page, char order_, int orders, int answers)
{
    if (personality(ADDR_NO_RANDOMIZE) < 0)
        abort();
    exec_self(page, order_, orders, answers);
}

static void exec_at_the_same_addresses(unsigned way)
{
    unsigned char *page = map_pages(1);
    struct ward_process process, fresh;
    struct target target;

    start_target(&target, NULL, exec_fixed, page);
    order(&target, 'x');
    order(&target, TAG);
    await(&target);
    assert_int_equal(open_way(&process, target.pid, way), 0);
    assert_int_equal(try_read(&process, page), 0);
    order(&target, 'x');
    order(&target, (char)STRANGER);
    await(&target);
    assert_int_equal(ward_process_open(&fresh, target.pid, 0), 0);
    assert_true(fresh.layout == process.layout);
    assert_gone(&process, page);
    ward_process_close(&fresh);
    ward_process_close(&process);
    stop_target(&target);
    unmap_pages(page, 1);
}

static void the_same_program_at_the_same_addresses_is_another(void **state)
{
    (void)state;
    for (unsigned way = 0; way < WAYS; way++)
        exec_at_the_same_addresses(way);
}

/* Its own bytes are the program's to change. */
static void overwrite_witness(void *page, char order_, int orders, int answers)
{
    (void)page, (void)order_, (void)orders, (void)answers;
    memset((void *)(uintptr_t)getauxval(AT_RANDOM), 0x33, 16);
}

static void a_program_that_overwrites_its_witness_is_the_same(void **state)
{
    unsigned char *page = map_pages(1);
    struct ward_process process;
    struct target target;

    (void)state;
    start_target(&target, fill_with_tag, overwrite_witness, page);
    assert_int_equal(open_way(&process, target.pid, 0), 0);
    order(&target, 'w');
    await(&target);
    assert_int_equal(try_read(&process, page), 0);
    assert_int_equal(ward_process_verify(&process), 0);
    assert_int_equal(ward_space_write(&process.space, address(page), "x", 1, NULL), 0);
    stop_target(&target);
    assert_gone(&process, page);
    ward_process_close(&process);
    unmap_pages(page, 1);
}

/* --- The same number -------------------------------------------------------------------------- */

/* A child with the number wanted. 0 in the child; negative: not to be had. */
static pid_t fork_as(pid_t wanted)
{
    struct clone_args args = { .exit_signal = SIGCHLD,
                               .set_tid = (uintptr_t)&wanted,
                               .set_tid_size = 1 };

    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void a_number_that_was_given_to_another_is_not_taken_for_the_first(void **state)
{
    unsigned char *page = map_pages(1), byte = 0;
    struct ward_process process, fresh;
    struct target target;
    pid_t second;
    int status;

    (void)state;
    start_target(&target, fill_with_tag, NULL, page);
    assert_int_equal(ward_process_open(&process, target.pid, 0), 0);
    assert_int_equal(try_read(&process, page), 0);
    memset(page, STRANGER, PAGE);
    stop_target(&target);
    second = fork_as(target.pid);
    if (second == 0)
        for (;;)
            pause();
    if (second < 0)
        ward_process_close(&process);
    skip_unless(second > 0, "the number of a process cannot be chosen here (clone3, as root)");
    assert_int_equal(second, target.pid);
    assert_int_equal(ward_process_open(&fresh, second, 0), 0);
    assert_int_equal(ward_space_read(&fresh.space, address(page), &byte, 1, NULL), 0);
    assert_int_equal(byte, STRANGER);
    assert_gone(&process, page);
    assert_int_equal(ward_space_read(&fresh.space, address(page), &byte, 1, NULL), 0);
    assert_int_equal(byte, STRANGER); /* nothing was written to it either */
    ward_process_close(&fresh);
    ward_process_close(&process);
    kill(second, SIGKILL);
    waitpid(second, &status, 0);
    unmap_pages(page, 1);
}

/* --- Threads ---------------------------------------------------------------------------------- */

struct shared {
    struct ward_process process;
    unsigned char *page;
    _Atomic int failed, gone;
};

static void *read_until_gone(void *arg)
{
    struct shared *shared = arg;
    unsigned char bytes[BYTES];

    for (int error = 0; error == 0;) {
        error = ward_space_read(&shared->process.space, address(shared->page), bytes, BYTES, NULL);
        if ((error && error != -ESRCH) || !is_all(bytes, BYTES, error ? 0 : TAG))
            shared->failed++;
    }
    shared->gone++;
    return NULL;
}

static void one_object_serves_many_threads(void **state)
{
    struct shared shared = { .page = map_pages(1) };
    struct target target;
    pthread_t threads[4];

    (void)state;
    start_target(&target, fill_with_tag, NULL, shared.page);
    assert_int_equal(ward_process_open(&shared.process, target.pid, 0), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_gone, &shared), 0);
    for (size_t i = 0; i < 2000; i++)
        assert_int_equal(try_read(&shared.process, shared.page), 0);
    stop_target(&target);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.failed, 0);
    assert_int_equal(shared.gone, 4);
    ward_process_close(&shared.process);
    unmap_pages(shared.page, 1);
}

static int read_in_child(void *arg)
{
    struct shared *shared = arg;
    unsigned char bytes[BYTES];

    EXPECT(ward_space_read(&shared->process.space, address(shared->page), bytes, BYTES, NULL) == 0);
    EXPECT(is_all(bytes, BYTES, TAG));
    return 0;
}

/* Readers hold the old memory for one another. */
static void many_threads_notice_an_exec(void **state)
{
    unsigned rounds = RUNNING_ON_VALGRIND ? 2 : 30;
    unsigned char *page = map_pages(1);

    (void)state;
    for (unsigned i = 0; i < rounds; i++) {
        struct shared shared = { .page = page };
        struct target target;
        pthread_t threads[4];

        start_target(&target, fill_with_tag, exec_self, page);
        assert_int_equal(open_way(&shared.process, target.pid, i % WAYS), 0);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(pthread_create(&threads[k], NULL, read_until_gone, &shared), 0);
        order(&target, 'x');
        order(&target, (char)STRANGER);
        for (size_t k = 0; k < 4; k++)
            pthread_join(threads[k], NULL);
        assert_int_equal(shared.failed, 0);
        ward_process_close(&shared.process);
        stop_target(&target);
    }
    unmap_pages(page, 1);
}

static void a_forked_child_may_use_it_too(void **state)
{
    struct shared shared = { .page = map_pages(1) };
    struct target target;

    (void)state;
    start_target(&target, fill_with_tag, NULL, shared.page);
    assert_int_equal(ward_process_open(&shared.process, target.pid, 0), 0);
    assert_int_equal(in_child(read_in_child, &shared), 0);
    ward_process_close(&shared.process);
    stop_target(&target);
    unmap_pages(shared.page, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_ended_is_gone),
        cmocka_unit_test(a_zombie_is_gone_too),
        cmocka_unit_test(a_process_that_is_killed_meanwhile_is_read_right_or_gone),
        cmocka_unit_test(a_process_that_runs_another_program_is_gone),
        cmocka_unit_test(an_exec_is_noticed_though_the_old_memory_lives_on),
        cmocka_unit_test(the_same_program_at_the_same_addresses_is_another),
        cmocka_unit_test(a_program_that_overwrites_its_witness_is_the_same),
        cmocka_unit_test(a_number_that_was_given_to_another_is_not_taken_for_the_first),
        cmocka_unit_test(one_object_serves_many_threads),
        cmocka_unit_test(many_threads_notice_an_exec),
        cmocka_unit_test(a_forked_child_may_use_it_too),
    };

    program = argv[0];
    if (argc == 5 && strcmp(argv[1], "--stranger") == 0)
        return be_stranger(argv[2], atoi(argv[3]), atoi(argv[4]));
    exit_without_pidfd();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
