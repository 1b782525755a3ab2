/* dies: overflow */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* A block of size 0 has no byte to write to. */
int main(void)
{
    char *block = hidden(malloc(0));

    *block = 0;
    free(hidden(block));
    return 0;
}
