/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

enum { STALE = 64, TRIES = 1000000 };

static void *stale[STALE];

static void *comes_back(void)
{
    for (int tries = 0; tries < TRIES; tries++) {
        void *block = hidden(malloc(40));

        for (int i = 0; i < STALE; i++)
            if (block == stale[i])
                return block;
        free(block);
    }
    exit(1);
}

/* A stale pointer frees a block that is another one by now. That one's own free is told. */
int main(void)
{
    void *block;

    for (int i = 0; i < STALE; i++)
        stale[i] = hidden(malloc(40));
    for (int i = 0; i < STALE; i++)
        free(stale[i]);
    block = comes_back();
    free(hidden(block));
    free(hidden(block));
    return 0;
}
