/* dies: double-free; report: "detected at:" */
/* SPDX-License-Identifier: MIT */
/* Threads that meet a bug at the same time: one of them reports it, and the others wait for that.
 */
#include "heap.h"

enum { THREADS = 4 };

static pthread_barrier_t all;

static void *release(void *block)
{
    pthread_barrier_wait(&all);
    free(block);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    void *block = hidden(malloc(40));

    free(block);
    pthread_barrier_init(&all, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, release, hidden(block));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
