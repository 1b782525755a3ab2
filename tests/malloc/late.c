/* SPDX-License-Identifier: MIT */
/*
 * late: a thread that has run the malloc's destructor allocates and frees in another one. Meanwhile
 * the process is cloned, not by the C library, by a thread that never allocated: nobody tells the
 * child whose spans are whose. There a thread ends late, too, and the next one looks for what it
 * left. It must not take what the parent's thread was in the middle of changing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "step.h"

#if STEP_IS_THERE

enum { BLOCKS = 60, SIZE = 7000, MANY = 200, ONE_IN = 16 };

static unsigned char *known[BLOCKS]; /* live, and full of their number */
static unsigned char *freed[BLOCKS]; /* in spans that are in use all the time */

/* --- Two threads in turn ---------------------------------------------------------------------- */

enum turn { CLONER, STEPPED, DONE };

static _Atomic uint32_t turn = STEPPED;

static void await(uint32_t other)
{
    while (turn == other)
        syscall(SYS_futex, &turn, FUTEX_WAIT, other, NULL, NULL, 0);
}

static void pass(uint32_t to)
{
    turn = to;
    syscall(SYS_futex, &turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static unsigned long steps;

static void at_each_step(int number)
{
    int before = errno;

    (void)number;
    if (steps++ % ONE_IN == 0) {
        pass(CLONER);
        await(CLONER);
    }
    errno = before;
}

/* --- The late thread -------------------------------------------------------------------------- */

static pthread_key_t key; /* after the malloc's own */

static void make(size_t i)
{
    unsigned char *block = malloc(SIZE);

    if (!block)
        abort();
    memset(block, (int)i + 1, SIZE);
    known[i] = block;
}

static void drop(size_t i)
{
    unsigned char *block = known[i];

    known[i] = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    free(block);
}

static void prepare(void)
{
    for (size_t i = 0; i < BLOCKS; i++)
        make(i);
    for (size_t i = 0; i < BLOCKS; i += 2) {
        freed[i] = i < BLOCKS / 2 ? NULL : known[i];
        drop(i);
    }
}

static void work_stepped(void)
{
    STEP_ON();
    for (size_t i = 1; i < 12; i += 2)
        drop(i);
    for (size_t i = 0; i < 8; i += 2)
        make(i);
    STEP_OFF();
}

/* Runs after the malloc's, each time there are some: that which allocates last is never undone. */
static void at_end(void *stepped)
{
    static _Thread_local int rounds;

    free(malloc(10));
    if (*(bool *)stepped && rounds++ == 0) {
        prepare();
        work_stepped();
        pass(DONE);
    }
    pthread_setspecific(key, stepped);
}

static void *end_late(void *stepped)
{
    free(malloc(10));
    pthread_setspecific(key, stepped);
    return NULL;
}

/* --- The child -------------------------------------------------------------------------------- */

enum { FINE, BROKEN, TAKEN };

static bool are_intact(void)
{
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t at = 0; known[i] && at < SIZE; at++)
            if (known[i][at] != i + 1)
                return false;
    return true;
}

static bool was_freed(const unsigned char *block)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (freed[i] == block)
            return true;
    return false;
}

static void *allocate(void *taken)
{
    static unsigned char *blocks[MANY];

    for (size_t i = 0; i < MANY; i++) {
        blocks[i] = malloc(SIZE);
        memset(blocks[i], 0xee, SIZE);
        *(bool *)taken |= was_freed(blocks[i]);
    }
    for (size_t i = 0; i < MANY; i++)
        free(blocks[i]);
    return NULL;
}

static void run(void *(*what)(void *), void *with)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, what, with) || pthread_join(thread, NULL))
        abort();
}

static int child(void)
{
    static bool stepped, taken;

    run(end_late, &stepped);
    run(allocate, &taken);
    return !are_intact() ? BROKEN : taken ? TAKEN : FINE;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int failures;

static void clone_once(void)
{
    static const char *const verdicts[4] = { "", "a block is broken", "what it had was taken" };
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    int status = -1;

    if (pid == 0)
        _exit(child());
    if (pid < 0 || waitpid((pid_t)pid, &status, 0) != pid)
        abort();
    if (status != 0) {
        dprintf(2, "step %lu: the child ended with %#x %s\n", steps, (unsigned)status,
                WIFEXITED(status) ? verdicts[WEXITSTATUS(status) & 3] : "");
        failures++;
    }
}

/* It never allocates. */
static void *clone_in_turn(void *unused)
{
    for (await(STEPPED); turn != DONE; pass(STEPPED), await(STEPPED))
        if (failures < 5)
            clone_once();
    return unused;
}

int main(void)
{
    static bool stepped = true;
    pthread_t cloner;

    free(malloc(1)); /* so that the malloc's key is the first */
    signal(SIGTRAP, at_each_step);
    if (pthread_key_create(&key, at_end) || pthread_create(&cloner, NULL, clone_in_turn, NULL))
        abort();
    run(end_late, &stepped);
    pthread_join(cloner, NULL);
    printf("%lu instructions\n", steps);
    if (steps < 100)
        fprintf(stderr, "nothing was stepped through\n");
    return failures != 0 || steps < 100;
}

#else

int main(void)
{
    printf("instructions are not stepped through on this machine\n");
    return 77;
}

#endif
