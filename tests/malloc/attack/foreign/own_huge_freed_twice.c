/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Of a block whose mapping is no more. */
int main(void)
{
    void *block = hidden(malloc((size_t)300 << 20));

    free(block);
    free(hidden(block));
    return 0;
}
