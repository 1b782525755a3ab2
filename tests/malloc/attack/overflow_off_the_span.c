/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

/* A linear overflow meets the guard behind the span before anything else of another kind. */
int main(void)
{
    volatile char *block = hidden(malloc(1000));

    for (size_t i = 0; i < 1 << 17; i++)
        block[i] = 'x';
    return 0;
}
