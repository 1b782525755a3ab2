/* dies: double-free; report: "allocated by thread "; report: "freed by thread " */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* The first block of the process: its caller did not know yet that moments are recorded. */
int main(void)
{
    char *block = hidden(malloc(40));

    free(block);
    free(hidden(block));
    return 0;
}
