/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(40));

    free(block);
    block = realloc(hidden(block), 80);
    return block == NULL;
}
