/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

/* Right behind the last page of a big block. */
int main(void)
{
    volatile char *block = hidden(malloc(300000));

    block[303104] = 'x';
    return 0;
}
