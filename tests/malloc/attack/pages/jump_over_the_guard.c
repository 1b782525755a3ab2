/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Beyond the guard lie blocks to come: nothing of theirs can be touched before. */
#include "../heap.h"

int main(void)
{
    char *block = hidden(malloc(100));

    block = hidden(block + 5000);
    *block = 1;
    return 0;
}
