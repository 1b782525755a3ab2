/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

/* A slot far behind the first block of its size: nobody was given it. */
int main(void)
{
    char *block = hidden(malloc(1000));

    free(hidden(block + ((size_t)1 << 30)));
    return 0;
}
