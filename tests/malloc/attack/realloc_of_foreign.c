/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

void *other_malloc(size_t size) __asm__("__libc_malloc") __attribute__((weak));

int main(void)
{
    if (!other_malloc) {
        printf("the C library has no other name for its malloc\n");
        return 77;
    }
    return realloc(hidden(other_malloc(40)), 80) == NULL;
}
