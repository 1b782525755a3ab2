/* SPDX-License-Identifier: MIT */
/* Threads, processes and what they wait on. */
#include "user.h"

enum { THREADS_COUNT = 4, ROUNDS = 200 };

static uint32_t mutex, counter, done;

/* A lock that sleeps: 0 free, 1 held, 2 held and somebody waits. */
static void take(void)
{
    uint32_t was = 0;

    if (__atomic_compare_exchange_n(&mutex, &was, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&mutex, 2, __ATOMIC_ACQUIRE) != 0)
        (void)CALL(CALL_FUTEX_WAIT, AT(&mutex), 2);
}

static void drop(void)
{
    if (__atomic_exchange_n(&mutex, 0, __ATOMIC_RELEASE) == 2)
        (void)CALL(CALL_FUTEX_WAKE, AT(&mutex), 1);
}

static void count_up(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t was;

        take();
        was = counter;
        if (i % 16 == 0)
            (void)CALL(CALL_YIELD);
        counter = was + 1;
        drop();
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
    (void)CALL(CALL_FUTEX_WAKE, AT(&done), 1);
}

static void wait_for(uint32_t *word, uint32_t value)
{
    uint32_t now;

    while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value)
        (void)CALL(CALL_FUTEX_WAIT, AT(word), now);
}

static void threads_exclude_each_other(void)
{
    for (int i = 0; i < THREADS_COUNT; i++)
        start_thread(count_up, 0);
    wait_for(&done, THREADS_COUNT);
    EXPECT(counter == THREADS_COUNT * ROUNDS);
}

/* The word's page is not there yet: it is brought in, and the call goes on. */
static void a_word_that_was_never_touched(void)
{
    char *page = map(PAGE);

    EXPECT_IS(-EAGAIN, CALL(CALL_FUTEX_WAIT, AT(page), 1));
    EXPECT_IS(0, CALL(CALL_FUTEX_WAKE, AT(page), 1));
    EXPECT_IS(-EINVAL, CALL(CALL_FUTEX_WAKE, AT(page) + 1, 1));
}

static int sum_pipe(void *argument)
{
    const int32_t *fds = argument;
    unsigned char bytes[100];
    uint64_t sum = 0;
    int64_t n;

    EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
    while ((n = CALL(CALL_READ, fds[0], AT(bytes), sizeof bytes)) > 0)
        for (int64_t i = 0; i < n; i++)
            sum += bytes[i];
    return (int)(sum % 251);
}

static void a_pipe_carries_all_bytes(void)
{
    unsigned char bytes[777];
    int32_t fds[2], status;
    uint64_t sum = 0;
    int64_t pid;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    pid = CALL(CALL_FORK);
    if (pid == 0)
        quit(sum_pipe(fds));
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[0]));
    for (int i = 0; i < 20; i++) {
        EXPECT_IS(sizeof bytes, CALL(CALL_WRITE, fds[1], AT(bytes), sizeof bytes));
        for (size_t b = 0; b < sizeof bytes; b++)
            sum += bytes[b];
    }
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == (int32_t)(sum % 251));
    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[0]));
    EXPECT_IS(-EPIPE, CALL(CALL_WRITE, fds[1], AT(bytes), 1));
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
}

static void spin(void *argument)
{
    (void)argument;
    for (;;)
        ;
}

static int spin_with_threads(void *argument)
{
    start_thread(spin, argument);
    start_thread(spin, argument);
    spin(argument);
    return 0;
}

/* Who asks for nothing, on all CPUs, is preempted, and can be ended. */
static void whoever_runs_is_killed(void)
{
    int32_t status = 0;
    int64_t pid = CALL(CALL_FORK);

    if (pid == 0)
        quit(spin_with_threads(0));
    for (int i = 0; i < 20; i++)
        (void)CALL(CALL_YIELD);
    EXPECT_IS(0, CALL(CALL_KILL, pid));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == STATUS_KILLED);
}

static int sleep_forever(void *argument)
{
    int32_t fds[2];
    char byte;

    (void)argument;
    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    (void)CALL(CALL_READ, fds[0], AT(&byte), 1);
    return 0;
}

static void whoever_sleeps_is_killed(void)
{
    int32_t status = 0;
    int64_t pid = CALL(CALL_FORK);

    if (pid == 0)
        quit(sleep_forever(0));
    for (int i = 0; i < 20; i++)
        (void)CALL(CALL_YIELD);
    EXPECT_IS(0, CALL(CALL_KILL, pid));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == STATUS_KILLED);
}

static int exit_beside_threads(void *argument)
{
    start_thread(spin, argument);
    return 42;
}

static void many_children_leave_nothing(void)
{
    struct info before = info_get(), after;

    for (int i = 0; i < 40; i++)
        EXPECT_IS(42, run_child(exit_beside_threads, 0));
    after = info_get();
    EXPECT(after.processes == before.processes && after.threads == before.threads);
    EXPECT(after.blocks == before.blocks && after.frames == before.frames);
}

static int print_arguments(char **argv, char **envp)
{
    return argv[1] && argv[1][0] == 'a' && argv[2] && argv[2][0] == 0 && !argv[3] && envp[0] &&
                   envp[0][0] == 'e' && !envp[1]
               ? 11
               : 12;
}

static int exec_with_arguments(void *argument)
{
    const char *argv[] = { "threads", "a", "", 0 }, *envp[] = { "e=1", 0 };

    (void)argument;
    (void)CALL(CALL_EXEC, AT("threads"), AT(argv), AT(envp));
    return 13;
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 1)
        return print_arguments(argv, envp);
    threads_exclude_each_other();
    a_word_that_was_never_touched();
    a_pipe_carries_all_bytes();
    whoever_runs_is_killed();
    whoever_sleeps_is_killed();
    many_children_leave_nothing();
    EXPECT_IS(11, run_child(exec_with_arguments, 0));
    return 0;
}
