/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(40)), *other = hidden(malloc(40));

    free(block);
    free(other);
    free(hidden(block));
    return 0;
}
