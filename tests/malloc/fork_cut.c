/* SPDX-License-Identifier: MIT */
/*
 * fork_cut: threads use class after class for the first time, and then one big block after another,
 * while the process forks, again and again. Whatever a fork cut off, the child can use all classes:
 * what was about to be opened, and what lies behind guards of which no record tells yet.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    THREADS = 2,
    FORKS = 6,
    ROUNDS = 24,
    EACH = 4,
    LEAST = 1 << 10,
    BIG = 140000,
    MOST = 192 << 10
};

static pthread_barrier_t start;
static atomic_bool enough;

/* Sizes in each class between, and some. */
static size_t larger(size_t size)
{
    return size + size / 7;
}

static void use(size_t size)
{
    for (int i = 0; i < EACH; i++) {
        char *volatile block = malloc(size);

        if (!block)
            abort();
        memset(block, 1, size);
    }
}

static void touch(char *volatile block)
{
    if (block)
        block[0] = 1;
}

static void *upwards(void *unused)
{
    (void)unused;
    free(malloc(1));
    pthread_barrier_wait(&start);
    for (size_t size = LEAST; size < MOST; size = larger(size))
        touch(malloc(size));
    while (!atomic_load(&enough))
        touch(malloc(BIG));
    return NULL;
}

static void use_all(void)
{
    for (size_t size = MOST; size >= LEAST; size -= size / 7)
        use(size);
}

/* Of a process in which no class was used. Answers whether all its children could use them. */
static int forked_while_they_start(unsigned round)
{
    pthread_t threads[THREADS];
    int status, bad = 0;

    pthread_barrier_init(&start, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, upwards, NULL))
            abort();
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child;

        for (volatile unsigned turns = (round * 7919 + i * 104729) % 4096; turns > 0; turns--)
            ;
        child = fork();
        if (child == 0) {
            use_all();
            _exit(0);
        }
        bad |= waitpid(child, &status, 0) != child || status != 0;
    }
    atomic_store(&enough, true);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;

    if (argc > 1) { /* another program, so that nothing of it is in use yet */
        _exit(forked_while_they_start((unsigned)atoi(argv[1])));
    }
    for (int round = 0; round < ROUNDS; round++) {
        char number[12];
        int status;
        pid_t child;

        snprintf(number, sizeof number, "%d", round);
        child = fork();
        if (child == 0) {
            execl("/proc/self/exe", argv[0], number, (char *)NULL);
            _exit(127);
        }
        bad += waitpid(child, &status, 0) != child || status != 0;
    }
    if (bad)
        fprintf(stderr, "in %d of %d processes a child could not use its memory\n", bad, ROUNDS);
    return bad != 0;
}
