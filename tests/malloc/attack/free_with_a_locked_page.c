/* survives */
/* SPDX-License-Identifier: MIT */
/* No attack: a program may free what it locked in part. What is locked takes no markers, and what
 * is before it does. */
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

#include "heap.h"

enum { BLOCKS = 20000 };

static char *blocks[BLOCKS];

static void lock_one_of(size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        blocks[i] = hidden(malloc(bytes));
        memset(blocks[i], 1, bytes);
    }
    (void)mlock(blocks[count / 2] + bytes / 2, 1);
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
    malloc_trim(0);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = hidden(malloc(bytes));
        memset(blocks[i], 2, bytes);
    }
    for (size_t i = 0; i < count; i++)
        free(blocks[i]);
}

int main(void)
{
    lock_one_of(BLOCKS, 100);
    lock_one_of(50, 20000);
    lock_one_of(3, 1 << 20);
    lock_one_of(1, 3 << 20);
    lock_one_of(1, 9 << 20);
    return 0;
}
