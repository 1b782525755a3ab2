/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Of a span whose blocks are all free the pages can be given back. Nothing would show, when a block
 * is issued again, that one was written to since. */
#include "../heap.h"

int main(void)
{
    trimmed(40)[1] = 7;
    return 0;
}
