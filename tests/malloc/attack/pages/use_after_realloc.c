/* survives */
/* SPDX-License-Identifier: MIT */
#include "../faults.h"

static void read_it(void *at)
{
    (void)*(volatile char *)at;
}

/* A block that realloc moved, or made smaller, or larger, where it could have stayed. */
int main(void)
{
    for (size_t size = 100; size < 1000000; size *= 3)
        for (int more = -1; more <= 1; more++) {
            char *block = hidden(malloc(size)), *kept = block;

            block = hidden(realloc(block, size + (size_t)more));
            if (block == kept || !faults(read_it, hidden(kept)))
                return 1;
            free(block);
        }
    return 0;
}
