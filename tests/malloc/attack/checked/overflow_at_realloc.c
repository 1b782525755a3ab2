/* dies: overflow */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

int main(void)
{
    char *block = hidden(malloc(50));

    block[50] = 0;
    block = realloc(hidden(block), 51);
    return block == NULL;
}
