/* SPDX-License-Identifier: MIT */
/*
 * trim: memory that no block needs goes back to the system: when it is asked for, when others have
 * freed what a thread left behind, and after a while.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { MIB = 1 << 20, COUNT = 100000, SIZE = 1000 };

static size_t resident(void)
{
    static char buffer[4096];
    size_t all = 0, pages = 0;
    FILE *from = fopen("/proc/self/statm", "r");

    if (from)
        setvbuf(from, buffer, _IOFBF, sizeof buffer);
    if (from && fscanf(from, "%zu %zu", &all, &pages) != 2)
        pages = 0;
    if (from)
        fclose(from);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t grown(size_t before)
{
    size_t now = resident();

    return now > before ? now - before : 0;
}

static void *blocks[COUNT];

static void take(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        memset(blocks[i] = malloc(size), 1, size);
}

static void give_back(size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

/* Of each size a thread keeps a span or two, which is a megabyte. */
static void what_a_thread_keeps_is_given_back_when_asked(void)
{
    size_t before = resident();

    for (size_t size = 20000; size < 125000; size += 5000) {
        take(40, size);
        give_back(40);
    }
    check(malloc_trim(0) == 1, "something was given back", 0);
    check(grown(before) < 8 * MIB, "what a thread keeps is given back", grown(before));
}

/* Blocks of another size need other spans. */
static void what_is_kept_is_given_back_for_blocks_of_another_size(void)
{
    size_t before = resident();

    take(60 * MIB / 2000, 2000);
    give_back(60 * MIB / 2000);
    take(60 * MIB / 1500, 1500);
    check(grown(before) < 70 * MIB, "what was kept does not add to the peak", grown(before));
    give_back(60 * MIB / 1500);
    (void)malloc_trim(0);
}

/* Large ones that come and go, one at a time, keep many slots each. */
static void passing_blocks_of_many_sizes_keep_little(void)
{
    size_t before = resident();

    for (size_t size = 15000; size < 125000; size += 5000)
        for (int i = 0; i < 100; i++) {
            take(1, size);
            give_back(1);
        }
    check(grown(before) < 5 * MIB, "passing blocks keep little", grown(before));
    (void)malloc_trim(0);
}

/* What is needed for blocks that stay is what they are large, and a little more. */
static void blocks_that_stay_fill_their_spans(void)
{
    size_t before = resident();

    take(COUNT, 112 - 1);
    check(grown(before) < (size_t)COUNT * 112 * 112 / 100, "spans are filled", grown(before));
    give_back(COUNT);
    (void)malloc_trim(0);
}

static pthread_key_t again;

static void allocate_again(void *round)
{
    free(malloc(100));
    if ((uintptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(again, (void *)((uintptr_t)round + 1));
}

static void *visit(void *unused)
{
    pthread_setspecific(again, (void *)1);
    free(malloc(100));
    return unused;
}

/* The last round of its destructors is after the last that the malloc has. */
static void threads_that_allocate_to_their_very_end_leave_nothing(void)
{
    size_t before = resident();

    pthread_key_create(&again, allocate_again);
    for (int i = 0; i < 2000; i++) {
        pthread_t thread;

        check(pthread_create(&thread, NULL, visit, NULL) == 0, "a thread", (size_t)i);
        pthread_join(thread, NULL);
    }
    check(grown(before) < 4 * MIB, "ended threads leave nothing", grown(before));
}

static void *leave_behind(void *unused)
{
    take(COUNT, SIZE);
    return unused;
}

/* 32 MiB may be kept for others. */
static void what_a_thread_left_is_given_back_when_others_freed_it(void)
{
    size_t before = resident();
    pthread_t thread;

    if (pthread_create(&thread, NULL, leave_behind, NULL) || pthread_join(thread, NULL))
        abort();
    check(grown(before) >= (size_t)COUNT * SIZE, "memory was in use", grown(before));
    give_back(COUNT);
    check(grown(before) < 64 * MIB, "most of it is given back", grown(before));
    (void)malloc_trim(0);
    check(grown(before) < 8 * MIB, "all of it, when asked", grown(before));
}

/* Time is what this is about. */
static void what_is_kept_is_given_back_after_a_while(void)
{
    static const struct timespec tick = { 0, 100000000 };
    size_t before = resident();

    take(25 * MIB / SIZE, SIZE);
    give_back(25 * MIB / SIZE);
    for (int i = 0; i < 100 && grown(before) > 8 * MIB; i++) {
        nanosleep(&tick, NULL);
        free(malloc(200000));
    }
    check(grown(before) <= 8 * MIB, "what was kept for seconds is given back", grown(before));
}

static bool is_resident(const unsigned char *at)
{
    unsigned char state = 0;
    uintptr_t page = (uintptr_t)at & -(uintptr_t)sysconf(_SC_PAGESIZE);

    if (mincore((void *)page, 1, &state))
        abort();
    return state & 1;
}

static unsigned char *tail;

static void *fill_spans(void *unused)
{
    take(4 * MIB / 200, 200);
    give_back(4 * MIB / 200);
    return unused;
}

/* It has the first pages of a span that another one filled. */
static void *use_a_little(void *unused)
{
    unsigned char *block = malloc(200);

    tail = block + 8192;
    check(is_resident(tail), "the span kept its pages", 0);
    free(block);
    return unused;
}

static void what_was_kept_and_not_used_again_is_given_back_too(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, fill_spans, NULL) || pthread_join(thread, NULL) ||
        pthread_create(&thread, NULL, use_a_little, NULL) || pthread_join(thread, NULL))
        abort();
    malloc_trim(0);
    check(!is_resident(tail), "what is behind goes back, too", 0);
}

int main(void)
{
    const char *options = getenv("WARD_OPTIONS");

    if (options && strstr(options, "profile=pages")) {
        printf("each block gives its pages back at once: not tried\n");
        return 77;
    }
    free(malloc(1));
    what_a_thread_keeps_is_given_back_when_asked();
    what_is_kept_is_given_back_for_blocks_of_another_size();
    if (!options || strstr(options, "profile=balanced")) /* others choose among eight, or wait */
        passing_blocks_of_many_sizes_keep_little();
    blocks_that_stay_fill_their_spans();
    what_was_kept_and_not_used_again_is_given_back_too();
    what_a_thread_left_is_given_back_when_others_freed_it();
    threads_that_allocate_to_their_very_end_leave_nothing();
    what_is_kept_is_given_back_after_a_while();
    return failures != 0;
}
