/* dies: wrong-size; report: "not aligned as its free says" */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

void delete_aligned(void *block, size_t size, size_t align) __asm__("_ZdlPvmSt11align_val_t")
    __attribute__((weak));

/* Freed as a block of an alignment that it has not. */
int main(void)
{
    char *blocks[100];

    for (int i = 0; i < 100; i++)
        if ((uintptr_t)(blocks[i] = hidden(malloc(40))) % 64)
            delete_aligned(blocks[i], 40, 64);
    return 0;
}
