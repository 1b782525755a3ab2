/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

int main(void)
{
    free(hidden((void *)(uintptr_t)0x4711000));
    return 0;
}
