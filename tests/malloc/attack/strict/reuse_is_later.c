/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

static void *release(void *block)
{
    free(block);
    return NULL;
}

/* A block comes back after 4096 frees at the soonest, whoever freed it. */
static int is_late(void *block)
{
    for (int i = 0; i < 4000; i++) {
        void *other = hidden(malloc(40));

        if (other == block)
            return 0;
        free(other);
    }
    return 1;
}

int main(void)
{
    void *mine = hidden(malloc(40)), *others = hidden(malloc(40));
    pthread_t thread;

    free(mine);
    if (!is_late(mine))
        return 1;
    pthread_create(&thread, NULL, release, others);
    for (int i = 0; i < 100000; i++)
        free(hidden(malloc(100)));
    pthread_join(thread, NULL);
    return 0;
}
