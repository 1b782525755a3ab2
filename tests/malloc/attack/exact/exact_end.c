/* survives */
/* SPDX-License-Identifier: MIT */
#include "../faults.h"

static size_t past;

static void write_past(void *block)
{
    ((volatile char *)block)[past] = 1;
}

/* With align=1 there is no slack: the first byte behind a block of any size faults. Who asks for an
 * alignment gets it. */
int main(void)
{
    for (past = 0; past < 100000; past += 1 + past / 64) {
        char *block = hidden(malloc(past));
        void *aligned = NULL;

        if (!faults(write_past, block)) {
            printf("wrote behind a block of %zu bytes\n", past);
            return 1;
        }
        free(hidden(block));
        if (posix_memalign(&aligned, 64, past) || (uintptr_t)aligned % 64)
            return 1;
        free(aligned);
    }
    return 0;
}
