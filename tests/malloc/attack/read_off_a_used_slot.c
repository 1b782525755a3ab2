/* survives */
/* SPDX-License-Identifier: MIT */
#include "faults.h"

/* Where a larger block was before, a big block still has a guard: a third behind its end at most.
 */
enum { LEAST = 264000, MOST = 327000, PAGE = 4096, ROUNDS = 400 };

static void read_there(void *at)
{
    (void)*(volatile char *)at;
}

static bool has_guard(char *end, size_t within)
{
    for (size_t off = 0; off <= within; off += PAGE)
        if (faults(read_there, end + off))
            return true;
    return false;
}

int main(void)
{
    uint32_t mixed = 1;

    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t size = LEAST + (mixed = mixed * 1664525 + 1013904223) % (MOST - LEAST);
        size_t open = (size / PAGE + 1) * PAGE;
        char *block = hidden(malloc(size));

        memset(block, 'x', size);
        if (!has_guard(block + open, open / 3)) {
            printf("read far behind a block of %zu bytes\n", size);
            return 1;
        }
        free(hidden(block));
    }
    return 0;
}
