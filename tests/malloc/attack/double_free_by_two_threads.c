/* dies: double-free */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

static void *release(void *block)
{
    free(block);
    return NULL;
}

/* The owner frees what another thread freed a moment ago. */
int main(void)
{
    void *block = hidden(malloc(40));
    pthread_t other;

    pthread_create(&other, NULL, release, block);
    pthread_join(other, NULL);
    free(hidden(block));
    return 0;
}
