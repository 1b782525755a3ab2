/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* What is mapped next would come to where a block was that had a mapping of its own. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "../heap.h"

enum { BYTES = 600 << 20, MORE = 64 << 10 };

int main(void)
{
    char *block = hidden(malloc(BYTES)), *other;

    block[0] = 1;
    free(block);
    other = mmap(NULL, BYTES + MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    block[BYTES / 2] = 7;
    return other == MAP_FAILED;
}
