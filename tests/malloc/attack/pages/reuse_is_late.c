/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

enum { FREED = 100000 };

static int compare(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

/* The address of a freed block does not come back within the next 100000. */
int main(void)
{
    static uintptr_t seen[FREED];

    for (int i = 0; i < FREED; i++) {
        void *block = hidden(malloc(48));

        seen[i] = (uintptr_t)block;
        free(block);
    }
    qsort(seen, FREED, sizeof *seen, compare);
    for (int i = 1; i < FREED; i++)
        if (seen[i] == seen[i - 1])
            return 1;
    return 0;
}
