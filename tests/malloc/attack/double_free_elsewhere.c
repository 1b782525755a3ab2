/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

static void *release_twice(void *block)
{
    free(block);
    free(hidden(block));
    return NULL;
}

/* A thread that does not own the block frees it twice. */
int main(void)
{
    pthread_t other;

    pthread_create(&other, NULL, release_twice, hidden(malloc(40)));
    pthread_join(other, NULL);
    return 0;
}
