/* survives */
/* SPDX-License-Identifier: MIT */
#include "../faults.h"

static void read_it(void *at)
{
    (void)*(volatile char *)at;
}

/* Freed blocks of every size, now and many allocations later. */
int main(void)
{
    static char *freed[1000];
    size_t size = 1;

    for (int i = 0; i < 1000; i++, size += 1 + size / 64) {
        freed[i] = malloc(size);
        memset(hidden(freed[i]), 1, size);
        free(hidden(freed[i]));
    }
    for (int i = 0; i < 20000; i++) {
        char *other = hidden(malloc((size_t)i * 8 % 10000 + 1));

        *other = 1;
        free(other);
    }
    for (int i = 0; i < 1000; i++)
        if (!faults(read_it, hidden(freed[i]))) {
            printf("number %d can be read\n", i);
            return 1;
        }
    return 0;
}
