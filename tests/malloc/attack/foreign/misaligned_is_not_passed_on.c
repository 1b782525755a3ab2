/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

/* No malloc gives out such an address. */
int main(void)
{
    static char array[64];

    free(hidden(malloc(40)));
    free(hidden(array + 9));
    return 0;
}
