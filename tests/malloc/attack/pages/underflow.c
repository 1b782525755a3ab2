/* dies: underflow */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

int main(void)
{
    char *block = hidden(malloc(64));

    block[-100] = 1;
    free(hidden(block));
    return 0;
}
