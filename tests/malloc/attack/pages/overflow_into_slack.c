/* dies: overflow; report: "1 byte past the end" */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* Within the bytes that alignment leaves. */
int main(void)
{
    char *block = hidden(malloc(65));

    block[65] = 0;
    free(hidden(block));
    return 0;
}
