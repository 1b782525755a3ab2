/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* In front of the block's first page there is no access, whatever was there before. */
int main(void)
{
    char *block = hidden(malloc(70000));

    ((volatile char *)block)[-5000] = 1;
    free(hidden(block));
    return 0;
}
