/* dies: interior-free; report: "245760 bytes requested" */
/* SPDX-License-Identifier: MIT */
/* In what a block has grown by, beyond what one of its first size could have. */
#include "heap.h"

int main(void)
{
    char *block = hidden(realloc(malloc(140 << 10), 240 << 10));

    free(hidden(block + (220 << 10)));
    return 0;
}
