/* dies: double-free; report: "allocated "; report: "freed " */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Any block's allocation and free are recorded. */
int main(void)
{
    char *block = NULL;

    for (int i = 0; i < 1000; i++) {
        free(block);
        block = hidden(malloc(40));
    }
    free(block);
    free(hidden(block));
    return 0;
}
