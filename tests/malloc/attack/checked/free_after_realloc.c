/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* The pointer from before a realloc that moved the block is freed. */
int main(void)
{
    char *block = hidden(malloc(40)), *moved = hidden(realloc(block, 4000));

    if (moved == block)
        return 1;
    free(hidden(block));
    return 0;
}
