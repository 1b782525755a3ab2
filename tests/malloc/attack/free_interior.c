/* dies: interior-free; report: "64 bytes requested" */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(64));

    free(hidden(block + 16));
    return 0;
}
