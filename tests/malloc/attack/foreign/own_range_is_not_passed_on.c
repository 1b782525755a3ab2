/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* An address in the range of a class where there was no block yet. */
int main(void)
{
    char *block = hidden(malloc(40));

    free(hidden(block + ((size_t)1 << 30)));
    return 0;
}
