/* survives */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>
#include <malloc.h>

static size_t hide(size_t number)
{
    volatile size_t hidden_number = number;

    return hidden_number;
}

static int refused(void *block)
{
    int is = hidden(block) == NULL && errno == ENOMEM;

    errno = 0;
    return is;
}

/* A size that is negative, or that wraps around when something is added to it, gets no block. */
int main(void)
{
    void *block = hidden(malloc(100)), *at = NULL;

    memset(block, 1, 100);
    for (size_t less = 0; less < 70000; less = less * 3 + 1) {
        size_t size = hide(SIZE_MAX - less);

        if (!refused(malloc(size)) || !refused(calloc(1, size)) ||
            !refused(realloc(hidden(block), size)) || !refused(memalign(4096, size)) ||
            posix_memalign(&at, 64, size) != ENOMEM ||
            !refused(malloc(hide((size_t)PTRDIFF_MAX + 1 + less))))
            return 1;
    }
    errno = 0;
    if (!refused(calloc(hide(SIZE_MAX / 8 + 2), 8)) ||
        !refused(reallocarray(hidden(block), hide(SIZE_MAX / 8 + 2), 8)))
        return 1;
    for (int i = 0; i < 100; i++)
        if (((char *)block)[i] != 1)
            return 1;
    free(block);
    return 0;
}
