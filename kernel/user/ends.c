/* SPDX-License-Identifier: MIT */
/* Who ends whom, and when: exec beside threads, the dead who are killed, calls that take long. */
#include "user.h"

enum {
    ROUNDS = 40,
    THREADS_COUNT = 3,
    LINE_BYTES = 64,
    LONG_BYTES = 1 << 16,
    RANGES = 16,
    PAGES = 1000
};

static uint32_t word, counter;
static int32_t fds[2];

static void yield(int times)
{
    while (times-- > 0)
        (void)CALL(CALL_YIELD);
}

/* --- Exec ------------------------------------------------------------------------------------- */

static void spin(void *argument)
{
    (void)argument;
    for (;;)
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

static void wait_on_word(void *argument)
{
    (void)argument;
    for (;;)
        (void)CALL(CALL_FUTEX_WAIT, AT(&word), 0);
}

static void wait_on_pipe(void *argument)
{
    char byte;

    (void)argument;
    (void)CALL(CALL_READ, fds[0], AT(&byte), 1);
    EXPECT(false);
}

static void call_often(void *argument)
{
    (void)argument;
    for (;;)
        (void)CALL(CALL_GETPID);
}

static void exec_again(void *argument)
{
    const char *argv[] = { "ends", "again", 0 };

    (void)argument;
    (void)CALL(CALL_EXEC, AT("ends"), AT(argv), 0);
}

static void start_all(void)
{
    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    start_thread(spin, 0);
    start_thread(wait_on_word, 0);
    start_thread(wait_on_pipe, 0);
    start_thread(call_often, 0);
    yield(4);
}

/* The other threads run, sleep and call; all end before the new program begins. */
static int exec_beside_threads(void *argument)
{
    start_all();
    exec_again(argument);
    return 13;
}

static int exec_by_another_thread(void *argument)
{
    start_all();
    start_thread(exec_again, 0);
    spin(argument);
    return 13;
}

static void end_of_threads(void *argument)
{
    (void)argument;
    (void)CALL(CALL_THREAD_EXIT);
}

/* One of them is first, and the others end in their calls. */
static int exec_by_all(void *argument)
{
    for (int i = 0; i < THREADS_COUNT; i++)
        start_thread(exec_again, 0);
    end_of_threads(argument);
    return 13;
}

static int exec_in_vain(void *argument)
{
    uint32_t was;

    start_all();
    EXPECT_IS(-ENOENT, CALL(CALL_EXEC, AT("nothing"), 0, 0));
    was = __atomic_load_n(&counter, __ATOMIC_RELAXED);
    while (__atomic_load_n(&counter, __ATOMIC_RELAXED) == was)
        yield(1);
    start_thread(end_of_threads, argument);
    return 14;
}

static void exec_ends_the_other_threads(void)
{
    struct info before = info_get(), after;

    for (int i = 0; i < ROUNDS / 4; i++) {
        EXPECT_IS(11, run_child(exec_beside_threads, 0));
        EXPECT_IS(11, run_child(exec_by_another_thread, 0));
        EXPECT_IS(11, run_child(exec_by_all, 0));
        EXPECT_IS(14, run_child(exec_in_vain, 0));
    }
    after = info_get();
    EXPECT(after.processes == before.processes && after.threads == before.threads);
    EXPECT(after.blocks == before.blocks && after.frames == before.frames);
}

static void who_execs_is_killed(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        int32_t status = -1;
        int64_t pid = CALL(CALL_FORK);

        if (pid == 0)
            quit(i % 2 ? exec_by_all(0) : exec_beside_threads(0));
        yield(i / 2);
        EXPECT_IS(0, CALL(CALL_KILL, pid));
        EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
        EXPECT(status == STATUS_KILLED || status == 11);
    }
}

/* --- The dead --------------------------------------------------------------------------------- */

static int end_by_threads(void *argument)
{
    end_of_threads(argument);
    return 1;
}

/* Its last thread has left, and its status is what it was. */
static void a_kill_comes_too_late(void)
{
    struct info before = info_get();
    int32_t status = -1;
    int64_t pid = CALL(CALL_FORK);

    if (pid == 0)
        quit(end_by_threads(0));
    while (info_get().threads != before.threads)
        yield(1);
    EXPECT_IS(0, CALL(CALL_KILL, pid));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == 0);
    EXPECT_IS(-ESRCH, CALL(CALL_KILL, pid));
}

static int fork_slowly(void *argument)
{
    char *pages = argument;

    for (size_t i = 0; i < PAGES; i++)
        pages[i * PAGE] = 1;
    EXPECT_IS(1, CALL(CALL_WRITE, fds[1], AT(pages), 1));
    if (CALL(CALL_FORK) == 0)
        yield(ROUNDS);
    return 0;
}

/* What is made after the kill was answered does not outlive who made it. */
static void who_is_killed_makes_no_process(void)
{
    uint64_t before = info_get().processes;
    char *pages = map(PAGES * PAGE), byte;

    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    for (int i = 0; i < ROUNDS; i++) {
        int64_t pid = CALL(CALL_FORK);
        uint64_t killed;
        int32_t status;

        if (pid == 0)
            quit(fork_slowly(pages));
        EXPECT_IS(1, CALL(CALL_READ, fds[0], AT(&byte), 1));
        yield(i / 8);
        EXPECT_IS(0, CALL(CALL_KILL, pid));
        killed = info_get().processes;
        EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
        EXPECT(info_get().processes < killed);
    }
    while (info_get().processes != before)
        yield(1);
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[0]));
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(pages), PAGES * PAGE));
}

static void nobody_ends_the_first_process(void)
{
    EXPECT_IS(-EPERM, CALL(CALL_KILL, 1));
}

/* --- Long calls ------------------------------------------------------------------------------- */

static int write_much(void *argument)
{
    uint64_t ranges[2 * RANGES];
    char *text = argument;

    for (int i = 0; i < RANGES; i++) {
        ranges[2 * i] = AT(text);
        ranges[2 * i + 1] = LONG_BYTES;
    }
    (void)CALL(CALL_WRITEV, 1, AT(ranges), RANGES);
    return 0;
}

/* A million bytes for the console; it is killed when they have begun to go out. */
static void a_long_call_is_ended(void)
{
    char *text = map(LONG_BYTES);
    uint64_t written;
    int32_t status = -1;
    int64_t pid;

    for (int i = 0; i < LONG_BYTES; i++)
        text[i] = i % LINE_BYTES == LINE_BYTES - 1 ? '\n' : '.';
    written = info_get().written;
    pid = CALL(CALL_FORK);
    if (pid == 0)
        quit(write_much(text));
    while (info_get().written == written)
        yield(1);
    EXPECT_IS(0, CALL(CALL_KILL, pid));
    written = info_get().written;
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == STATUS_KILLED);
    EXPECT(info_get().written - written < 1024);
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(text), LONG_BYTES));
}

int main(int argc, char **argv, char **envp)
{
    (void)argv, (void)envp;
    if (argc > 1)
        return 11;
    a_kill_comes_too_late();
    exec_ends_the_other_threads();
    who_execs_is_killed();
    a_long_call_is_ended();
    who_is_killed_makes_no_process();
    nobody_ends_the_first_process();
    return 0;
}
