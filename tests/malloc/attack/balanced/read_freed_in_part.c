/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Nothing of a freed block can be read, wherever in it something was: a few bytes, or long runs. */

static uint32_t mixed = 1;

static size_t below(size_t most)
{
    mixed = mixed * 1664525 + 1013904223;
    return (size_t)((uint64_t)mixed * most >> 32);
}

static void write_somewhere(unsigned char *block, size_t size)
{
    size_t at = below(size), longest = below(2) ? 1 : size - at;

    memset(block + at, 0xa5, 1 + below(longest));
}

int main(void)
{
    for (size_t size = 15000; size < 1500000; size += 1 + size / 32)
        for (unsigned writes = 0; writes < 8; writes++) {
            unsigned char *block = hidden(malloc(size));

            for (unsigned i = 0; i < writes; i++)
                write_somewhere(block, size);
            block[writes % 2 ? size - 1 : 0] = 0xa5;
            free(block);
            block = hidden(block);
            for (size_t i = 0; i < size; i++)
                if (block[i]) {
                    printf("byte %zu of %zu\n", i, size);
                    return 1;
                }
        }
    return 0;
}
