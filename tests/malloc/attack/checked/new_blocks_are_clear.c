/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* What a program does not initialise is zero, and nothing that was there before: of every size. */
int main(void)
{
    for (size_t size = 1; size < 3000000; size += 1 + size / 8)
        for (int again = 0; again < 600; again += 1 + (int)(size / 2000)) {
            unsigned char *block = hidden(malloc(size));

            for (size_t i = 0; i < size; i++)
                if (block[i]) {
                    printf("byte %zu of %zu\n", i, size);
                    return 1;
                }
            memset(block, 0xa5, size);
            free(block);
        }
    return 0;
}
