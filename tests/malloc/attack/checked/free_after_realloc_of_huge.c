/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* The pointer from before a realloc that moved the block's pages is freed. */
int main(void)
{
    const size_t size = (size_t)300 << 20;
    char *block = hidden(malloc(size)), *moved = hidden(realloc(block, 2 * size));

    if (moved == block)
        return 1;
    free(hidden(block));
    return 0;
}
