/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* A block of more than 2 MiB cannot be touched when it was freed. */
int main(void)
{
    char *block = hidden(malloc(2 << 20));

    memset(block, 1, 2 << 20);
    free(block);
    return ((volatile char *)hidden(block))[1 << 20];
}
