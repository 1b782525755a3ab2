/* SPDX-License-Identifier: MIT */
/* What runs out, and what is left behind by calls that it ended: nothing. */
#include "user.h"

static uint32_t word;
static bool warm; /* this program's own pages are there */

static void sleep_forever(void *argument)
{
    (void)argument;
    for (;;)
        (void)CALL(CALL_FUTEX_WAIT, AT(&word), 0);
}

static void expect_nothing_left(const struct info *before)
{
    struct info after = info_get();

    EXPECT_IS((int64_t)before->blocks, (int64_t)after.blocks);
    EXPECT(!warm || after.frames == before->frames);
    EXPECT(after.processes == before->processes && after.threads == before->threads);
}

/* A pipe takes two numbers or none. */
static void numbers_of_files(void)
{
    struct info before = info_get();
    int32_t fds[2] = { -1, -1 };
    int64_t first = CALL(CALL_OPEN, AT(".")), last = first, next;

    EXPECT(first > 0);
    while ((next = CALL(CALL_DUP, first)) >= 0)
        EXPECT_IS(++last, next);
    EXPECT_IS(-EMFILE, next);
    EXPECT_IS(-EMFILE, CALL(CALL_OPEN, AT("calls")));
    EXPECT_IS(-EMFILE, CALL(CALL_PIPE, AT(fds)));
    EXPECT_IS(0, CALL(CALL_CLOSE, last));
    EXPECT_IS(-EMFILE, CALL(CALL_PIPE, AT(fds)));
    EXPECT_IS(last, CALL(CALL_DUP, first));
    for (; last > first; last--)
        EXPECT_IS(0, CALL(CALL_CLOSE, last));
    EXPECT_IS(-EFAULT, CALL(CALL_PIPE, PAGE));
    EXPECT_IS(last + 1, CALL(CALL_DUP, first));
    EXPECT_IS(0, CALL(CALL_CLOSE, last + 1));
    EXPECT_IS(0, CALL(CALL_CLOSE, first));
    expect_nothing_left(&before);
}

/* Each has its own end of the same pipe, which is there until the last has closed it. */
static void processes(void)
{
    static int64_t pids[512];
    struct info before = info_get();
    int32_t fds[2], status;
    size_t count = 0;
    char byte;

    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    while ((pids[count] = CALL(CALL_FORK)) > 0)
        count++;
    if (pids[count] == 0) {
        (void)CALL(CALL_CLOSE, fds[0]);
        sleep_forever(0);
    }
    EXPECT_IS(-ENOMEM, pids[count]);
    EXPECT(count > 32);
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
    for (size_t i = 0; i < count; i++)
        EXPECT_IS(0, CALL(CALL_KILL, pids[i]));
    EXPECT_IS(0, CALL(CALL_READ, fds[0], AT(&byte), 1));
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[0]));
    for (size_t i = 0; i < count; i++) {
        EXPECT(CALL(CALL_WAIT, AT(&status)) > 0);
        EXPECT(status == STATUS_KILLED);
    }
    EXPECT_IS(-ECHILD, CALL(CALL_WAIT, 0));
    expect_nothing_left(&before);
}

static int start_all(void *argument)
{
    int64_t error, count = 0;

    while ((error = try_thread(sleep_forever, argument)) == 0)
        count++;
    EXPECT_IS(-ENOMEM, error);
    EXPECT(count > 32);
    EXPECT_IS(-ENOMEM, CALL(CALL_FORK));
    return 15;
}

static void threads(void)
{
    struct info before = info_get();

    EXPECT_IS(15, run_child(start_all, 0));
    expect_nothing_left(&before);
}

static int end_at_once(void *argument)
{
    (void)argument;
    return 16;
}

/* Without a frame that is free: each call is refused, or answered, and what it began is undone. */
static int calls_without_memory(void *argument)
{
    uint64_t n = UINT64_C(1) << 30, off = 0;
    int32_t fds[2] = { -1, -1 };
    char *much = map(n);
    int64_t pid;

    (void)argument;
    while (CALL(CALL_CLOCK, AT(much) + off) == 0)
        off += PAGE;
    EXPECT(off > 0 && off < n);
    for (int i = 0; i < 8; i++) {
        EXPECT_IS(-ENOMEM, CALL(CALL_EXEC, AT("limits"), 0, 0));
        pid = CALL(CALL_FORK);
        if (pid == 0)
            quit(0);
        EXPECT(pid > 0 || pid == -ENOMEM);
        if (CALL(CALL_PIPE, AT(fds)) == 0) {
            EXPECT_IS(0, CALL(CALL_CLOSE, fds[0]));
            EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
        }
        EXPECT_IS(-ENOMEM, CALL(CALL_PEEK, CALL(CALL_GETPID), AT(much), AT(fds), 8));
        EXPECT_IS(-EFAULT, CALL(CALL_CLOCK, AT(much) + off));
    }
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(much), n));
    return run_child(end_at_once, 0);
}

static void memory(void)
{
    struct info before = info_get();

    EXPECT_IS(16, run_child(calls_without_memory, 0));
    expect_nothing_left(&before);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    for (int i = 0; i < 3; i++) {
        numbers_of_files();
        processes();
        threads();
        warm = true;
    }
    memory();
    return 0;
}
