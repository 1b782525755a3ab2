/* dies: SIGSEGV; report: "no block was ever there" */
/* SPDX-License-Identifier: MIT */
/* A page before the first block of its size. */
#include "../heap.h"

int main(void)
{
    char *block = hidden(malloc(100));

    block = hidden(block - 4096);
    *block = 1;
    return 0;
}
