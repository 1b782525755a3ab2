/* survives */
/* SPDX-License-Identifier: MIT */
#include "child.h"

enum { ROUNDS = 40, LATER = 20000 };

struct race {
    pthread_barrier_t start;
    void *block;
    size_t size;
    int by_owner; /* the thread that allocated the block frees it, too */
};

static void *run(void *with)
{
    struct race *race = with;

    pthread_barrier_wait(&race->start);
    free(race->block);
    return NULL;
}

/* Found at the latest when the slot is taken back or issued again. */
static void commit(void *with)
{
    struct race *race = with;
    pthread_t threads[2];

    race->block = hidden(malloc(race->size));
    pthread_barrier_init(&race->start, NULL, 2);
    for (int i = 0; i < 2 - race->by_owner; i++)
        if (pthread_create(&threads[i], NULL, run, race))
            _exit(2);
    if (race->by_owner)
        run(race);
    for (int i = 0; i < 2 - race->by_owner; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < LATER; i++)
        free(hidden(malloc(race->size)));
}

/* Two threads free the same block at the same moment. */
int main(void)
{
    static const size_t sizes[] = { 1, 40, 700, 20000, 300000, (size_t)300 << 20 };
    struct race race;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int round = 0; round < ROUNDS; round++) {
            race.size = sizes[i];
            race.by_owner = round % 2;
            if (!is_reported(commit, &race)) {
                printf("not found: %zu bytes, round %d\n", race.size, round);
                return 1;
            }
        }
    return 0;
}
