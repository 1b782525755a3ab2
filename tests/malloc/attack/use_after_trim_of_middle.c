/* dies: SIGSEGV */
/* SPDX-License-Identifier: MIT */
/* Of a size whose range is opened together, and whose blocks have a marker for a guard. In a
 * quarantine the second of them takes the first one's place. */
#include <malloc.h>
#include <string.h>

#include "heap.h"

int main(void)
{
    char *first = hidden(malloc(1 << 20)), *second = hidden(malloc(1 << 20));

    memset(first, 1, 1 << 20);
    memset(second, 1, 1 << 20);
    free(first);
    free(second);
    malloc_trim(0);
    first[1000] = 7;
    return 0;
}
