/* dies: write-after-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Found when the slot is to be issued again. */
int main(void)
{
    char *block = hidden(malloc(40));

    free(block);
    ((char *)hidden(block))[20] = 1;
    for (int i = 0; i < 100000; i++)
        free(hidden(malloc(40)));
    return 0;
}
