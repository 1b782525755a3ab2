/* dies: overflow */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

static void *release(void *block)
{
    free(block);
    return NULL;
}

/* Freed by a thread that does not own it. */
int main(void)
{
    char *block = hidden(malloc(50));
    pthread_t other;

    block[50] = 0;
    pthread_create(&other, NULL, release, block);
    pthread_join(other, NULL);
    return 0;
}
