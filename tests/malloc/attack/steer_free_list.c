/* survives */
/* SPDX-License-Identifier: MIT */
#include "child.h"

enum { COUNT = 64, LATER = 20000 };

static unsigned char target[256] __attribute__((aligned(64)));

/* Would malloc follow what lies in a free block, it gave out the target. */
static void commit(void *with)
{
    size_t size = *(size_t *)with;

    for (int i = 0; i < COUNT; i++) {
        uintptr_t *block = hidden(malloc(size));

        free(block);
        block = hidden(block);
        for (size_t word = 0; word < size / sizeof *block; word++)
            block[word] = (uintptr_t)target;
    }
    for (int i = 0; i < LATER; i++) {
        unsigned char *block = hidden(malloc(size));

        if (block >= target && block < target + sizeof target)
            _exit(3);
    }
}

/* It does not: all is as before, or it is found, or a guard stops the write. */
int main(void)
{
    for (size_t size = 16; size < 5000; size = size * 2 + 8) {
        int status = ending_of(commit, &size);

        if (status != 0 && !is_killed_by(status, SIGABRT) && !is_killed_by(status, SIGSEGV)) {
            printf("%zu bytes: ended with %#x\n", size, (unsigned)status);
            return 1;
        }
    }
    return 0;
}
