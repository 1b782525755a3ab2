/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* What is or was ours is passed on to nobody. */
int main(void)
{
    void *block = hidden(malloc(40));

    free(block);
    free(hidden(block));
    return 0;
}
