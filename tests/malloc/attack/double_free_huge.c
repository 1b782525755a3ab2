/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc((size_t)600 << 20));

    free(block);
    free(hidden(block));
    return 0;
}
