/* dies: write-after-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

enum { COUNT = 10000 };

/* Nothing is allocated after the write: it is seen when the block leaves the quarantine. */
int main(void)
{
    static char *blocks[COUNT];

    for (int i = 0; i < COUNT; i++)
        blocks[i] = malloc(40);
    free(hidden(blocks[0]));
    ((char *)hidden(blocks[0]))[20] = 1;
    for (int i = 1; i < COUNT; i++)
        free(hidden(blocks[i]));
    return 0;
}
