/* dies: interior-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char *block = hidden(malloc(64));

    return realloc(hidden(block + 16), 128) == NULL;
}
