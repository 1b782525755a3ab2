/* dies: double-free */
/* SPDX-License-Identifier: MIT */
/* When all blocks of a span are free it starts anew; what was issued of it once is remembered. */
#include "heap.h"

int main(void)
{
    free(trimmed(40));
    return 0;
}
