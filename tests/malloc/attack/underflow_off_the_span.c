/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

/* A write that goes on and on downwards reaches a guard, and no record. */
int main(void)
{
    volatile char *block = hidden(malloc(40));

    for (size_t i = 1; i < (size_t)16 << 20; i++)
        *(block - i) = 1;
    return 0;
}
