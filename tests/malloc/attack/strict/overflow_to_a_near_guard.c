/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

int main(void)
{
    volatile char *block = hidden(malloc(100));

    for (size_t i = 0; i < 4 * 4096; i++)
        block[i] = 'x';
    return 0;
}
