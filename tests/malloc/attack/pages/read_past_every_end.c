/* survives */
/* SPDX-License-Identifier: MIT */
#include "../faults.h"

static size_t past;

static void read_past(void *block)
{
    (void)((volatile char *)block)[past];
}

/* The first byte behind the alignment slack, read: of blocks of every size. */
int main(void)
{
    for (size_t size = 0; size < 3000000; size += 1 + size / 32) {
        char *block = hidden(malloc(size));

        past = (size + 15) & ~(size_t)15;
        if (!faults(read_past, block)) {
            printf("read behind a block of %zu bytes\n", size);
            return 1;
        }
        free(hidden(block));
    }
    return 0;
}
