/* dies: wild-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

void *other_malloc(size_t size) __asm__("__libc_malloc") __attribute__((weak));

/* A block of another malloc: the C library's own, by the name that no preload replaces. */
int main(void)
{
    if (!other_malloc) {
        printf("the C library has no other name for its malloc\n");
        return 77;
    }
    free(hidden(other_malloc(40)));
    return 0;
}
