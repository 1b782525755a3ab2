/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Of a span whose blocks are all free the pages can be given back. Nothing would show, when a block
 * is issued again, that one was written to since. */
#include <malloc.h>
#include <string.h>

#include "../heap.h"

enum { BLOCKS = 100000, BYTES = 40 };

int main(void)
{
    static char *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = hidden(malloc(BYTES));
        memset(blocks[i], 1, BYTES);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    blocks[10][1] = 7;
    return 0;
}
