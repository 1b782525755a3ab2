/* dies: write-after-free */
/* SPDX-License-Identifier: MIT */
/* All blocks of a span are free, its pages go back, and then there is one block again: the page
 * that it is in can be touched, where others were. */
#include <malloc.h>
#include <stddef.h>

#include "../heap.h"

enum { BLOCKS = 20000, BYTES = 100, PAGE = 4096 };

static char *blocks[BLOCKS];

/* Not of those freed last, which may be in a quarantine. */
static char *stale_beside(const char *block)
{
    for (size_t i = 0; i < BLOCKS / 2; i++)
        if ((uintptr_t)blocks[i] / PAGE == (uintptr_t)block / PAGE && blocks[i] != block)
            return blocks[i];
    return NULL;
}

int main(void)
{
    char *stale = NULL;

    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = hidden(malloc(BYTES));
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    for (size_t i = 0; i < BLOCKS && !stale; i++)
        stale = stale_beside(hidden(malloc(BYTES)));
    if (stale)
        stale[1] = 7;
    for (size_t i = 0; i < 4 * BLOCKS; i++)
        (void)hidden(malloc(BYTES));
    return 0;
}
