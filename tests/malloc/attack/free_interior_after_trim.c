/* dies: interior-free */
/* SPDX-License-Identifier: MIT */
/* Of a block in a span that has none any more: what was issued of it once is remembered. */
#include "heap.h"

int main(void)
{
    free(trimmed(40) + 16);
    return 0;
}
