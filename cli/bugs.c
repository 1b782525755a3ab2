/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "bugs.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 40, BIG = 1 << 20, MANY = 20000 };

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

/* The C library need not have free_sized yet; the malloc has. */
static int free_with_wrong_size(void)
{
    void (*sized)(void *, size_t);
    void *found = dlsym(RTLD_DEFAULT, "free_sized");

    if (!found)
        return BUG_UNMADE;
    memcpy(&sized, &found, sizeof sized);
    sized(allocate(64), 63);
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
    { "double-free", "a block is freed twice", false, IN_FAST, free_twice },
    { "double-free-later", "the same, and others are freed between", false, IN_FAST,
      free_twice_later },
    { "double-free-big", "the same of a block of 1 MiB", false, IN_FAST, free_twice_big },
    { "free-stack", "an array on the stack is freed", false, IN_FAST, free_on_stack },
    { "free-inside", "an address inside a block is freed", false, IN_FAST, free_inside },
    { "free-misaligned", "an odd address is freed", false, IN_FAST, free_misaligned },
    { "free-wild", "an address far from all blocks is freed", false, IN_FAST, free_wild },
    { "realloc-freed", "a freed block is resized", false, IN_FAST, realloc_freed },
    { "wrong-size", "a block is freed with another size", false, IN_FAST, free_with_wrong_size },
    { "overflow-zero", "a zero is written one byte too far", true, IN_BALANCED, overflow_by_zero },
    { "overflow-some", "eight bytes are written too far", true, IN_BALANCED, overflow_by_some },
    { "overflow-realloc", "the same, and the block is resized", true, IN_BALANCED,
      overflow_at_realloc },
    { "overflow-big", "one byte behind a block of nearly 1 MiB", true, IN_BALANCED,
      overflow_of_big },
    { "overflow-far", "a copy goes on and on", true, IN_FAST, overflow_far },
    { "overflow-far-big", "the same from a block of 1 MiB", true, IN_FAST, overflow_far_of_big },
    { "write-freed", "a freed block is written to", true, IN_BALANCED, write_freed },
    { "read-freed", "a secret is read from a freed block", true, IN_BALANCED, read_freed },
    { "read-unset", "a new block shows what was there before", true, IN_BALANCED,
      read_uninitialised },
    { "take-place", "a new block lies where the freed one was", true, IN_BALANCED, take_place },
    { "steer", "a freed block is written to aim malloc elsewhere", true, IN_FAST, steer },
    { "size-overflow", "sizes that overflow, or are negative", false, IN_FAST, size_overflows },
    { "predict", "blocks lie one behind the other", true, IN_BALANCED, predict },
    { "read-past", "bytes behind a block are read", true, IN_PAGES, read_past },
};

const size_t bugs_count = sizeof bugs / sizeof *bugs;
