/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
/* Where a block could grow to, but behind its end: that is not inside it. */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(140 << 10));

    free(hidden(block + (220 << 10)));
    return 0;
}
