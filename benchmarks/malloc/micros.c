/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tests/malloc/step.h"
#include "../bench.h"
#include "workloads.h"

/* --- a block, and back ------------------------------------------------------------------------ */

enum touch { UNTOUCHED, CLEARED };

static void pairs(size_t size, enum touch touch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *block = malloc(bench_hide(size));

        bench_use(block);
        if (touch == CLEARED)
            memset(block, 0, bench_hide(size));
        bench_use(block);
        free(block);
    }
}

static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void time_pairs(size_t size, enum touch touch)
{
    const double enough_ns = 3e7;
    double took = 0;
    size_t count = 1;

    for (; took < enough_ns; count *= 2) {
        double started = now_ns();

        pairs(size, touch, count);
        took = now_ns() - started;
    }
    printf("%.3f\n", took / (double)(count / 2));
}

#define PAIR(NAME, BYTES)                                                                          \
    static void pair_##NAME(void)                                                                  \
    {                                                                                              \
        time_pairs(BYTES, UNTOUCHED);                                                              \
    }                                                                                              \
    static void pair_##NAME##_cleared(void)                                                        \
    {                                                                                              \
        time_pairs(BYTES, CLEARED);                                                                \
    }

PAIR(64, 64)
PAIR(64k, 64 << 10)
PAIR(256k, 256 << 10)
PAIR(1m, 1 << 20)

/* --- the instructions of a pair --------------------------------------------------------------- */

/* Six hands of 64 slots, after many that are not counted: a step takes 20 us on some machines. */
enum { COUNTED = 384 };

static size_t steps;

static void count_step(int signal)
{
    (void)signal;
    steps++;
}

static size_t stepped(void (*work)(size_t size, enum touch touch, size_t count))
{
    steps = 0;
    STEP_ON();
    work(64, UNTOUCHED, COUNTED);
    STEP_OFF();
    return steps;
}

/* What is around the calls. */
static void no_pairs(size_t size, enum touch touch, size_t count)
{
    (void)touch;
    for (size_t i = 0; i < count; i++) {
        size_t block = bench_hide(size);

        bench_use((void *)block);
        bench_use((void *)block);
    }
}

static void instructions_64(void)
{
    struct sigaction action = { .sa_handler = count_step };
    size_t all;

    if (!STEP_IS_THERE || sigaction(SIGTRAP, &action, NULL))
        return;
    pairs(64, UNTOUCHED, 100 * COUNTED);
    all = stepped(pairs);
    printf("%.3f\n", (double)(all - stepped(no_pairs)) / COUNTED);
}

/* --- the same work by more threads ------------------------------------------------------------ */

enum { WORK = 6000000, SLOTS = 1000, SHARED = 256 };

static _Atomic(void *) shared[SHARED];

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One block in 16 ends in another thread. */
static void *part(void *count)
{
    void *kept[SLOTS] = { NULL };
    uint64_t state = (uintptr_t)kept | 1;

    for (size_t i = 0; i < (uintptr_t)count; i++) {
        uint64_t draw = next(&state);
        size_t size = 16 + (draw >> 32) % 400;
        void **slot = &kept[draw % SLOTS];

        if (i % 16 == 0)
            *slot = atomic_exchange(&shared[(draw >> 16) % SHARED], *slot);
        free(*slot);
        *slot = malloc(size);
        if (!*slot)
            abort();
        memset(*slot, 0x5a, size);
    }
    for (size_t i = 0; i < SLOTS; i++)
        free(kept[i]);
    return NULL;
}

static void scale(uintptr_t threads)
{
    pthread_t started[8];

    for (size_t i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, part, (void *)(WORK / threads)))
            abort();
    for (size_t i = 0; i < threads; i++)
        pthread_join(started[i], NULL);
}

static void threads_1(void)
{
    scale(1);
}

static void threads_2(void)
{
    scale(2);
}

static void threads_4(void)
{
    scale(4);
}

static void threads_8(void)
{
    scale(8);
}

const struct workload micros[] = {
    { "threads_1", JOB_SCALING, threads_1 },
    { "threads_2", JOB_SCALING, threads_2 },
    { "threads_4", JOB_SCALING, threads_4 },
    { "threads_8", JOB_SCALING, threads_8 },
    { "pair_64", JOB_MICRO, pair_64 },
    { "pair_64k", JOB_MICRO, pair_64k },
    { "pair_256k", JOB_MICRO, pair_256k },
    { "pair_1m", JOB_MICRO, pair_1m },
    { "pair_64_cleared", JOB_MICRO, pair_64_cleared },
    { "pair_64k_cleared", JOB_MICRO, pair_64k_cleared },
    { "pair_256k_cleared", JOB_MICRO, pair_256k_cleared },
    { "pair_1m_cleared", JOB_MICRO, pair_1m_cleared },
    { "instructions_64", JOB_COUNT, instructions_64 },
    { NULL, JOB_MICRO, NULL },
};
