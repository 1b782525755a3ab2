/* dies: interior-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(64));

    free(hidden(block + 1));
    return 0;
}
