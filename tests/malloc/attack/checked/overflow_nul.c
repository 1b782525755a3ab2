/* dies: overflow; report: "1 byte past the end" */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

int main(void)
{
    for (size_t size = 1; size < 3000; size++) {
        char *block = hidden(malloc(size));

        if (size == 2999)
            block[size] = 0; /* the classic: strlen + 0 */
        free(hidden(block));
    }
    return 0;
}
