/* dies: write-after-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* The pointer from before a realloc that moved the block is written through. */
int main(void)
{
    char *block = hidden(malloc(40)), *moved = hidden(realloc(block, 4000));

    if (moved == block)
        return 1;
    ((char *)hidden(block))[20] = 1;
    for (int i = 0; i < 100000; i++)
        free(hidden(malloc(40)));
    return 0;
}
