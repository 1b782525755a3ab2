/* SPDX-License-Identifier: MIT */
/* What malloc and its relatives promise, asked one by one. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* The C library has it not yet. */
void free_aligned_sized(void *block, size_t align, size_t size) __attribute__((weak));

static void *hidden(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

static size_t huge(void)
{
    volatile size_t size = SIZE_MAX;

    return size;
}

static void sizes_and_alignment(void)
{
    static const size_t around[] = { 0,    16,    64,     128,     256,    1024,
                                     4096, 65536, 131072, 1 << 20, 1 << 24 };

    for (size_t i = 0; i < sizeof around / sizeof *around; i++)
        for (size_t size = around[i] - (around[i] > 0); size <= around[i] + 1; size++) {
            unsigned char *block = malloc(size);

            check(block != NULL, "malloc gives a block", size);
            check((uintptr_t)block % 16 == 0, "blocks are aligned to 16", size);
            check(malloc_usable_size(block) >= size, "all of a block is usable", size);
            memset(block, 0xa5, size);
            free(block);
        }
}

static void two_empty_blocks_differ(void)
{
    void *a = hidden(malloc(0)), *b = hidden(malloc(0));

    check(a && b && a != b, "malloc(0) gives blocks of their own", 0);
    free(a);
    free(b);
}

static void too_much_is_enomem(void)
{
    errno = 0;
    check(!hidden(malloc(huge())) && errno == ENOMEM, "malloc of too much", huge());
    errno = 0;
    check(!hidden(malloc(huge() / 2)) && errno == ENOMEM, "malloc of too much", huge() / 2);
    errno = 0;
    check(!hidden(calloc(huge() / 2, 4)) && errno == ENOMEM, "calloc that overflows", 4);
    errno = 0;
    check(!hidden(reallocarray(NULL, huge() / 2, 4)) && errno == ENOMEM,
          "reallocarray that overflows", 4);
    errno = 0;
    check(!hidden(memalign(64, huge())) && errno == ENOMEM, "memalign of too much", huge());
}

static void failed_realloc_keeps_the_block(void)
{
    char *block = malloc(10);
    void *moved;

    strcpy(block, "kept");
    errno = 0;
    moved = hidden(realloc(block, huge() / 2));
    check(!moved && errno == ENOMEM && strcmp(block, "kept") == 0, "realloc of too much", 0);
    free(moved ? moved : block);
}

static void realloc_keeps_contents(void)
{
    for (size_t from = 1; from < 300000; from = from * 3 + 1)
        for (size_t to = 1; to < 300000; to = to * 3 + 2) {
            unsigned char *block = malloc(from);

            for (size_t i = 0; i < from; i++)
                block[i] = (unsigned char)(i * 7);
            block = realloc(block, to);
            for (size_t i = 0; i < (from < to ? from : to); i++)
                if (block[i] != (unsigned char)(i * 7)) {
                    check(false, "realloc keeps contents", to);
                    break;
                }
            free(block);
        }
}

/* Aligned blocks may be in slots much larger than they are, and the more so when they shrink. */
static void shrunk_in_place_it_is_still_live(size_t align, size_t was, size_t size)
{
    enum { COUNT = 64 };
    unsigned char *shrunk[COUNT], *later[4 * COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        shrunk[i] = realloc(aligned_alloc(align, was), size);
        memset(shrunk[i], (int)i + 1, size);
    }
    for (size_t i = 0; i < 4 * COUNT; i++) {
        later[i] = aligned_alloc(align, was);
        memset(later[i], 0xee, was);
    }
    for (size_t i = 0; i < COUNT; i++) {
        check(shrunk[i][0] == i + 1 && shrunk[i][size - 1] == i + 1, "shrunk, and still its own",
              size);
        free(shrunk[i]);
    }
    for (size_t i = 0; i < 4 * COUNT; i++)
        free(later[i]);
}

static void realloc_of_null_and_to_zero(void)
{
    void *block = hidden(realloc(NULL, 20));

    check(block != NULL, "realloc(NULL) is malloc", 20);
    check(realloc(block, 0) == NULL, "realloc(p, 0) frees", 0);
}

static void calloc_is_zero(void)
{
    for (size_t size = 1; size < 3000000; size = size * 2 + 1)
        for (int again = 0; again < 2; again++) {
            unsigned char *block = calloc(1, size);
            size_t i = 0;

            while (i < size && block[i] == 0)
                i++;
            check(i == size, "calloc is zero", size);
            memset(block, 0xff, size);
            free(block);
        }
}

static void block_is_aligned(size_t align, size_t size)
{
    void *block = memalign(align, size);

    check(block && (uintptr_t)block % align == 0, "memalign", align);
    memset(block, 1, size);
    free(block);
}

/* Blocks without bytes come between others, in the same places. */
static void every_alignment(void)
{
    for (size_t align = 1; align <= (size_t)1 << 24; align *= 2)
        for (size_t size = 1; size < 300000; size *= 5) {
            block_is_aligned(align, size);
            block_is_aligned(align, 0);
            block_is_aligned(align, size);
        }
}

/* Else this runs with the malloc of the C library, which is to do the same. */
static bool is_preloaded(void)
{
    return getenv("LD_PRELOAD") != NULL;
}

static void posix_memalign_answers(void)
{
    void *block = NULL;

    check(posix_memalign(&block, 24, 8) == EINVAL && !block, "no power of two", 24);
    check(posix_memalign(&block, 4, 8) == EINVAL && !block, "less than a pointer", 4);
    errno = 0;
    check(posix_memalign(&block, 64, huge() / 2) == ENOMEM && !block && (!errno || !is_preloaded()),
          "too much, and errno is left alone", 64); /* glibc's own sets it */
    check(posix_memalign(&block, 64, 8) == 0 && (uintptr_t)block % 64 == 0, "64", 64);
    free(block);
}

static void pages(void)
{
    char *block = valloc(10), *whole = pvalloc(10);

    check((uintptr_t)block % 4096 == 0 && (uintptr_t)whole % 4096 == 0, "valloc, pvalloc", 10);
    check(malloc_usable_size(whole) >= 4096, "pvalloc rounds up", 10);
    free(block);
    free(whole);
}

static void free_keeps_errno(void)
{
    void *blocks[4] = { malloc(10), malloc(200000), malloc(3000000), malloc(600u << 20) };

    errno = 4711;
    for (int i = 0; i < 4; i++)
        free(blocks[i]);
    free(NULL);
    if (free_aligned_sized)
        free_aligned_sized(NULL, 3, 5); /* whatever is said of no block */
    check(errno == 4711, "free leaves errno alone", 0);
}

int main(void)
{
    sizes_and_alignment();
    two_empty_blocks_differ();
    too_much_is_enomem();
    failed_realloc_keeps_the_block();
    realloc_keeps_contents();
    shrunk_in_place_it_is_still_live(64 << 10, 65560, 65552);
    shrunk_in_place_it_is_still_live(64 << 10, 20, 16);
    realloc_of_null_and_to_zero();
    calloc_is_zero();
    every_alignment();
    posix_memalign_answers();
    pages();
    free_keeps_errno();
    return failures != 0;
}
