/* dies: write-after-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

int main(void)
{
    char *block = hidden(malloc(500000));

    free(block);
    ((char *)hidden(block))[250000] = 1;
    for (int i = 0; i < 100; i++)
        free(hidden(malloc(500000)));
    return 0;
}
