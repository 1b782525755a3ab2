/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
/* A range is not used from its start on: in a span before the first there was never a block. */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(40));

    free(hidden(block - (1 << 16)));
    return 0;
}
