/* SPDX-License-Identifier: MIT */
/*
 * small: a process of few blocks has few mappings, as the first blocks of a size come from slots of
 * a larger one that is in use; they are aligned as they have to be, and stay where they are. A
 * block of the sample has pages of its own, and leaves them when it is resized: there is to be
 * none.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"

/* Asks for no block. */
static size_t mappings(void)
{
    static char buffer[4096];
    FILE *from = fopen("/proc/self/maps", "r");
    size_t lines = 0;

    if (from)
        setvbuf(from, buffer, _IOFBF, sizeof buffer);
    for (int c; from && (c = getc(from)) != EOF;)
        lines += c == '\n';
    if (from)
        fclose(from);
    return lines;
}

static void *blocks[64];

/* Each of 16 sizes would cost four mappings. */
static void few_blocks_cost_few_mappings(void)
{
    static const size_t sizes[] = { 510, 440, 380, 310, 250, 220, 190, 150,
                                    120, 110, 90,  78,  60,  45,  30,  14 };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    size_t before = mappings(), after;

    for (unsigned i = 0; i < SIZES; i++) {
        blocks[i] = malloc(sizes[i]);
        memset(blocks[i], 1, sizes[i]);
        check(malloc_usable_size(blocks[i]) == sizes[i], "a block is as large as asked", sizes[i]);
    }
    after = mappings();
    check(after - before < 2 * (size_t)SIZES, "few mappings", after - before);
    for (unsigned i = 0; i < SIZES; i++)
        free(blocks[i]);
}

static void blocks_stay_where_they_are(void)
{
    for (size_t size = 3000; size > 600; size -= 100) {
        char *block = malloc(size);
        uintptr_t was = (uintptr_t)block;

        memset(block, 7, size);
        block = realloc(block, size);
        check((uintptr_t)block == was, "the same size is in the same place", size);
        check(block[0] == 7 && block[size - 1] == 7, "with what it held", size);
        free(block);
    }
}

/* Classes that are in use are not aligned to more than 16 bytes. */
static void aligned_blocks_are_aligned(void)
{
    static const size_t aligns[] = { 2048, 1024, 512, 256, 128, 64, 32 };
    void *odd[] = { malloc(5000), malloc(2500), malloc(1250), malloc(600),
                    malloc(300),  malloc(130),  malloc(70) };

    for (unsigned i = 0; i < sizeof aligns / sizeof *aligns; i++)
        for (unsigned j = 0; j < 32; j++) {
            blocks[j] = memalign(aligns[i], aligns[i] - j % 3);
            check((uintptr_t)blocks[j] % aligns[i] == 0, "aligned", aligns[i]);
        }
    for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++)
        free(odd[i]);
}

int main(void)
{
    few_blocks_cost_few_mappings();
    aligned_blocks_are_aligned();
    blocks_stay_where_they_are();
    return failures != 0;
}
