/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

#include <malloc.h>
#include <stdbool.h>

/* Of big blocks whose sizes change, and are often near those of before: what a program did not
 * write is zero, what it wrote stays, and nothing is reported. */
enum { BLOCKS = 12, STEPS = 4000, LEAST = 130000, MOST = 2500000 };

struct block {
    unsigned char *at; /* NULL: there is none */
    size_t size;
    unsigned char mark; /* all of its bytes; never zero */
};

static uint32_t mixed = 1;

static size_t below(size_t n)
{
    mixed = mixed * 1664525 + 1013904223;
    return (mixed >> 8) % n;
}

/* Sometimes by a few bytes, which may be those of the canary. */
static size_t size_near(size_t was)
{
    size_t within = (size_t)1 << below(20), size = was - within / 2 + below(within);

    if (was == 0 || size < LEAST || size > MOST || below(4) == 0)
        return LEAST + below(below(2) ? LEAST : MOST - LEAST);
    return size;
}

static bool is_all(const unsigned char *at, size_t len, unsigned char byte)
{
    return len == 0 || (at[0] == byte && memcmp(at, at + 1, len - 1) == 0);
}

static void require(bool holds, const char *what, const struct block *block)
{
    if (holds)
        return;
    printf("%s: a block of %zu bytes\n", what, block->size);
    exit(1);
}

static void fill(struct block *block)
{
    block->mark = (unsigned char)(1 + below(255));
    memset(block->at, block->mark, block->size);
}

static void make(struct block *block)
{
    block->size = size_near(block->size);
    switch (below(3)) {
    case 0: block->at = hidden(calloc(block->size, 1)); break;
    case 1: block->at = hidden(memalign((size_t)16 << below(17), block->size)); break;
    default: block->at = hidden(malloc(block->size));
    }
    require(block->at && is_all(block->at, block->size, 0), "not zero", block);
    fill(block);
}

static void resize(struct block *block)
{
    size_t was = block->size, kept;

    block->size = size_near(was);
    kept = was < block->size ? was : block->size;
    block->at = hidden(realloc(block->at, block->size));
    require(block->at && is_all(block->at, kept, block->mark), "not what it held", block);
    require(is_all(block->at + kept, block->size - kept, 0), "not zero where it grew", block);
    fill(block);
}

static void release(struct block *block)
{
    require(is_all(block->at, block->size, block->mark), "not what it holds", block);
    free(block->at);
    block->at = NULL;
}

int main(void)
{
    static struct block blocks[BLOCKS];

    for (int step = 0; step < STEPS; step++) {
        struct block *block = &blocks[below(BLOCKS)];

        if (!block->at)
            make(block);
        else if (below(2))
            resize(block);
        else
            release(block);
    }
    return 0;
}
