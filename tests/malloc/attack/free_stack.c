/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    char local[64];

    free(hidden(local));
    return 0;
}
