/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(1 << 20));

    memset(block, 1, 1 << 20);
    free(block);
    free(hidden(block));
    return 0;
}
