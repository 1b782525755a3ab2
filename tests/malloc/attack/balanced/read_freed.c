/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Nothing of a freed block can be read, and the next one of its size holds none of it. */
int main(void)
{
    unsigned char *block = hidden(malloc(1000));

    memset(block, 0xa5, 1000);
    free(block);
    block = hidden(block);
    for (size_t i = 0; i < 1000; i++)
        if (block[i])
            return 1;
    for (int i = 0; i < 10000; i++) {
        unsigned char *next = hidden(malloc(1000));

        for (size_t k = 0; k < 1000; k++)
            if (next[k])
                return 1;
        memset(next, 0xa5, 1000);
        free(next);
    }
    return 0;
}
