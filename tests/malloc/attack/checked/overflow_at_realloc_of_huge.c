/* dies: overflow */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Its pages move, and what lies behind its end with them. */
int main(void)
{
    const size_t size = ((size_t)300 << 20) + 50;
    char *block = hidden(malloc(size));

    block[size] = 0;
    block = realloc(hidden(block), 2 * size);
    return block == NULL;
}
