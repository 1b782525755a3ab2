/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* A block of size 0 lies at its guard. */
int main(void)
{
    char *block = hidden(malloc(0));

    *block = 1;
    return 0;
}
