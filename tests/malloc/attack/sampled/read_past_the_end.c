/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Nobody sees a read past the end, but one block in some stands at a guard page: a program that
 * does it again and again is stopped where it does. */
int main(void)
{
    for (long i = 0; i < 10000000; i++) {
        char *block = hidden(malloc(64));

        (void)((volatile char *)block)[64];
        free(hidden(block));
    }
    return 0;
}
