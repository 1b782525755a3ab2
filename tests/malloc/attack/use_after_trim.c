/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* A block that was written all over keeps its pages when it is freed, until they are trimmed. */
#include <malloc.h>
#include <string.h>

#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(20 << 20));

    memset(block, 1, 20 << 20);
    free(block);
    malloc_trim(0);
    block[1000] = 7;
    return 0;
}
