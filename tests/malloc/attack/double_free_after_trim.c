/* dies: double-free */
/* SPDX-License-Identifier: MIT */
/* When all blocks of a span are free it starts anew; what was issued of it once is remembered. */
#include <malloc.h>

#include "heap.h"

enum { BLOCKS = 20000 };

int main(void)
{
    static char *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = hidden(malloc(40));
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    malloc_trim(0);
    free(blocks[10]);
    return 0;
}
