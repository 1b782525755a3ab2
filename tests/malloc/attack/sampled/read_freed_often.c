/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Nobody sees that a freed block is read; of one in some the page is gone. */
int main(void)
{
    for (long i = 0; i < 10000000; i++) {
        char *block = hidden(malloc(100));

        free(hidden(block));
        (void)((volatile char *)block)[50];
    }
    return 0;
}
