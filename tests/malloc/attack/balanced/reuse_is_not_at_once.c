/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* A block that was freed does not come back at once: in 1000 tries the same address never twice in
 * a row. */
int main(void)
{
    void *last = NULL;

    for (int i = 0; i < 1000; i++) {
        void *block = hidden(malloc(64));

        if (block == last)
            return 1;
        last = block;
        free(block);
    }
    return 0;
}
