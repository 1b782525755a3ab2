/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "bugs.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 40, BIG = 1 << 20, MANY = 20000, REUSED_AFTER = 1000000 };

/* The compiler knows nothing about it from here on. */
static unsigned char *hidden(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

static unsigned char *allocate(size_t size)
{
    return hidden(malloc(size));
}

static void release(void *block)
{
    free(hidden(block));
}

/* --- Frees of what is no live block ----------------------------------------------------------- */

static int free_twice(void)
{
    unsigned char *block = allocate(SMALL);

    release(block);
    release(block);
    return BUG_HARM;
}

static int free_twice_later(void)
{
    unsigned char *block = allocate(SMALL), *others[8];

    for (int i = 0; i < 8; i++)
        others[i] = allocate(SMALL);
    release(block);
    for (int i = 0; i < 8; i++)
        release(others[i]);
    release(block);
    return BUG_HARM;
}

static int free_twice_big(void)
{
    unsigned char *block = allocate(BIG);

    release(block);
    release(block);
    return BUG_HARM;
}

/* The block comes back as another one, and who had it before frees that. */
static int free_reissued(void)
{
    enum { STALE = 64 };
    unsigned char *stale[STALE];

    for (int i = 0; i < STALE; i++)
        stale[i] = allocate(SMALL);
    for (int i = 0; i < STALE; i++)
        release(stale[i]);
    for (int i = 0; i < REUSED_AFTER; i++) {
        unsigned char *block = allocate(SMALL);

        for (int at = 0; at < STALE; at++)
            if (block == stale[at])
                release(stale[at]);
        release(block);
    }
    return BUG_HARM;
}

/* Two threads, and what each of them frees. */
struct pair {
    pthread_barrier_t start;
    void *block;
};

static void *release_by_other(void *with)
{
    struct pair *pair = with;

    pthread_barrier_wait(&pair->start);
    release(pair->block);
    return NULL;
}

static bool start_other(struct pair *pair, pthread_t *thread)
{
    pair->block = allocate(SMALL);
    return pthread_barrier_init(&pair->start, NULL, 2) == 0 &&
           pthread_create(thread, NULL, release_by_other, pair) == 0;
}

static int free_elsewhere(void)
{
    struct pair pair;
    pthread_t thread;

    if (!start_other(&pair, &thread))
        return BUG_UNMADE;
    pthread_barrier_wait(&pair.start);
    pthread_join(thread, NULL);
    release(pair.block);
    return BUG_HARM;
}

/* At the same moment: it is seen when the slot is taken back, or issued again. */
static int free_racing(void)
{
    struct pair pair;
    pthread_t thread;

    if (!start_other(&pair, &thread))
        return BUG_UNMADE;
    pthread_barrier_wait(&pair.start);
    release(pair.block);
    pthread_join(thread, NULL);
    for (int i = 0; i < MANY; i++)
        release(allocate(SMALL));
    return BUG_HARM;
}

static int free_on_stack(void)
{
    unsigned char array[64] = { 0 };

    release(array + 16);
    return BUG_HARM;
}

static int free_inside(void)
{
    release(allocate(200) + 16);
    return BUG_HARM;
}

static int free_misaligned(void)
{
    release(allocate(200) + 1);
    return BUG_HARM;
}

static int free_wild(void)
{
    release((void *)((uintptr_t)allocate(SMALL) + (UINT64_C(1) << 45)));
    return BUG_HARM;
}

static int realloc_freed(void)
{
    unsigned char *block = allocate(SMALL);

    release(block);
    return realloc(hidden(block), 2 * SMALL) ? BUG_HARM : BUG_HARMLESS;
}

/* Functions that the C library need not have yet, and those of C++; the malloc has them. */
static bool find_function(const char *name, void *function)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static int free_with_wrong_size(void)
{
    void (*sized)(void *, size_t);

    if (!find_function("free_sized", &sized))
        return BUG_UNMADE;
    sized(allocate(64), 63);
    return BUG_HARM;
}

static int free_with_wrong_alignment(void)
{
    void (*sized)(void *, size_t, size_t);

    if (!find_function("free_aligned_sized", &sized))
        return BUG_UNMADE;
    sized(allocate(64), (size_t)1 << 40, 64);
    return BUG_HARM;
}

static int free_of_new(void)
{
    void *(*new_array)(size_t);

    if (!find_function("_Znam", &new_array))
        return BUG_UNMADE;
    release(new_array(64));
    return BUG_HARM;
}

/* --- Writes past a block ---------------------------------------------------------------------- */

/* strcpy of a string that just does not fit. */
static int overflow_by_zero(void)
{
    unsigned char *block = allocate(SMALL);

    block[SMALL] = '\0';
    release(block);
    return BUG_HARM;
}

static int overflow_by_some(void)
{
    unsigned char *block = allocate(SMALL);

    memset(hidden(block), 'A', SMALL + 8);
    release(block);
    return BUG_HARM;
}

static int overflow_of_nothing(void)
{
    unsigned char *block = allocate(0);

    block[0] = '\0';
    release(block);
    return BUG_HARM;
}

static int overflow_at_realloc(void)
{
    unsigned char *block = allocate(SMALL);

    memset(hidden(block), 'A', SMALL + 8);
    return realloc(hidden(block), 4 * SMALL) ? BUG_HARM : BUG_HARMLESS;
}

static int overflow_of_big(void)
{
    unsigned char *block = allocate(BIG - 100);

    block[BIG - 100] = '\0';
    release(block);
    return BUG_HARM;
}

/* A copy with a length from a file. */
static int overflow_far(void)
{
    volatile unsigned char *block = allocate(1000);

    for (size_t i = 0; i < BIG; i++)
        block[i] = 'A';
    return BUG_HARM;
}

static int overflow_far_of_big(void)
{
    volatile unsigned char *block = allocate(BIG);

    for (size_t i = 0; i < BIG + 8192; i++)
        block[i] = 'A';
    return BUG_HARM;
}

/* --- Use after free --------------------------------------------------------------------------- */

static int write_freed(void)
{
    unsigned char *block = allocate(SMALL);

    release(block);
    hidden(block)[20] = 'A';
    for (int i = 0; i < MANY; i++)
        release(allocate(SMALL));
    return BUG_HARM;
}

/* A secret that the next owner, or who still has the pointer, could read. */
static int read_freed(void)
{
    unsigned char *block = allocate(1000);
    bool seen = false;

    memset(block, 0xa5, 1000);
    release(block);
    block = hidden(block);
    for (size_t i = 0; i < 1000; i++)
        seen |= block[i] == 0xa5;
    return seen ? BUG_HARM : BUG_HARMLESS;
}

static int read_uninitialised(void)
{
    bool seen = false;

    for (int i = 0; i < MANY; i++) {
        unsigned char *block = allocate(1000);

        for (size_t at = 0; at < 1000; at++)
            seen |= block[at] == 0xa5;
        memset(block, 0xa5, 1000);
        release(block);
    }
    return seen ? BUG_HARM : BUG_HARMLESS;
}

/* The stale pointer of one object, and another object in its place. */
static int take_place(void)
{
    unsigned char *victim = allocate(64), *mine;

    release(victim);
    mine = allocate(64);
    return mine == victim ? BUG_HARM : BUG_HARMLESS;
}

/* The link of a free list, if it lay in the free block, made to point at a variable. */
static int steer(void)
{
    static unsigned char target[256] __attribute__((aligned(64)));
    uintptr_t link = (uintptr_t)target;

    for (int i = 0; i < 64; i++) {
        unsigned char *block = allocate(64);

        release(block);
        memcpy(hidden(block), &link, sizeof link);
    }
    for (int i = 0; i < MANY; i++) {
        unsigned char *block = allocate(64);

        if (block >= target && block < target + sizeof target)
            return BUG_HARM;
    }
    return BUG_HARMLESS;
}

/* --- Sizes, places, reads --------------------------------------------------------------------- */

static int size_overflows(void)
{
    volatile size_t count = SIZE_MAX / 4 + 2, negative = (size_t)-1;

    return hidden(calloc(count, 4)) || allocate(negative) ? BUG_HARM : BUG_HARMLESS;
}

/* Blocks that are asked for in a row, and lie in a row. */
static int predict(void)
{
    unsigned char *last = allocate(64);
    int in_a_row = 0;

    for (int i = 0; i < 16; i++) {
        unsigned char *next = allocate(64);

        in_a_row += next > last && next - last <= 128;
        last = next;
    }
    return in_a_row == 16 ? BUG_HARM : BUG_HARMLESS;
}

static int read_past(void)
{
    volatile unsigned char *block = allocate(SMALL);
    unsigned sum = 0;

    for (size_t i = 0; i < (size_t)4 * SMALL; i++)
        sum |= block[i];
    (void)sum;
    return BUG_HARM;
}

const struct bug bugs[] = {
    { "double-free", "a block is freed twice", BUG_ABORTS, IN_FAST, free_twice },
    { "double-free-later", "the same, and others are freed between", BUG_ABORTS, IN_FAST,
      free_twice_later },
    { "double-free-big", "the same of a block of 1 MiB", BUG_ABORTS, IN_FAST, free_twice_big },
    { "double-free-other", "a block is freed by two threads, one after the other", BUG_ABORTS,
      IN_FAST, free_elsewhere },
    { "double-free-race", "the same at the same moment", BUG_ABORTS, IN_FAST, free_racing },
    { "free-reissued", "a stale pointer frees the block that is there now", BUG_ABORTS, IN_FAST,
      free_reissued },
    { "free-stack", "an array on the stack is freed", BUG_ABORTS, IN_FAST, free_on_stack },
    { "free-inside", "an address inside a block is freed", BUG_ABORTS, IN_FAST, free_inside },
    { "free-misaligned", "an odd address is freed", BUG_ABORTS, IN_FAST, free_misaligned },
    { "free-wild", "an address far from all blocks is freed", BUG_ABORTS, IN_FAST, free_wild },
    { "realloc-freed", "a freed block is resized", BUG_ABORTS, IN_FAST, realloc_freed },
    { "wrong-size", "a block is freed with another size", BUG_ABORTS, IN_FAST,
      free_with_wrong_size },
    { "wrong-alignment", "a block is freed as one that is better aligned", BUG_ABORTS, IN_FAST,
      free_with_wrong_alignment },
    { "mismatch", "an array of new[] is given to free", BUG_GOES_ON, IN_STRICT, free_of_new },
    { "overflow-zero", "a zero is written one byte too far", BUG_FAULTS, IN_BALANCED,
      overflow_by_zero },
    { "overflow-some", "eight bytes are written too far", BUG_FAULTS, IN_BALANCED,
      overflow_by_some },
    { "overflow-empty", "a zero is written to a block of no bytes", BUG_FAULTS, IN_BALANCED,
      overflow_of_nothing },
    { "overflow-realloc", "the same, and the block is resized", BUG_FAULTS, IN_BALANCED,
      overflow_at_realloc },
    { "overflow-big", "one byte behind a block of nearly 1 MiB", BUG_FAULTS, IN_BALANCED,
      overflow_of_big },
    { "overflow-far", "a copy goes on and on", BUG_FAULTS, IN_FAST, overflow_far },
    { "overflow-far-big", "the same from a block of 1 MiB", BUG_FAULTS, IN_FAST,
      overflow_far_of_big },
    { "write-freed", "a freed block is written to", BUG_FAULTS, IN_BALANCED, write_freed },
    { "read-freed", "a secret is read from a freed block", BUG_FAULTS, IN_BALANCED, read_freed },
    { "read-unset", "a new block shows what was there before", BUG_FAULTS, IN_BALANCED,
      read_uninitialised },
    { "take-place", "a new block lies where the freed one was", BUG_FAULTS, IN_BALANCED,
      take_place },
    { "steer", "a freed block is written to aim malloc elsewhere", BUG_FAULTS, IN_FAST, steer },
    { "size-overflow", "sizes that overflow, or are negative", BUG_ABORTS, IN_FAST,
      size_overflows },
    { "predict", "blocks lie one behind the other", BUG_FAULTS, IN_BALANCED, predict },
    { "read-past", "bytes behind a block are read", BUG_FAULTS, IN_PAGES, read_past },
};

const size_t bugs_count = sizeof bugs / sizeof *bugs;
