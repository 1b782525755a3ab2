/* dies: interior-free */
/* SPDX-License-Identifier: MIT */
/* Of a block in a span that has none any more: what was issued of it once is remembered. */
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
    free(blocks[10] + 16);
    return 0;
}
