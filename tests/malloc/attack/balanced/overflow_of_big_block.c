/* dies: overflow; report: "1 byte past the end" */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

int main(void)
{
    char *block = hidden(malloc(300000));

    block[300000] = 0;
    free(hidden(block));
    return 0;
}
