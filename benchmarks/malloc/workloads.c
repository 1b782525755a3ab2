/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "workloads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *get(size_t size)
{
    void *block = malloc(size);

    if (!block)
        abort();
    return block;
}

/* A block that is written from end to end. */
static void *get_filled(size_t size)
{
    return memset(get(size), 0x5a, size);
}

/* --- trees: the nodes of a compiler, built and torn down -------------------------------------- */

struct tree {
    struct tree *left, *right;
    uint64_t value[2];
};

static struct tree *grow(unsigned depth, uint64_t *sum)
{
    struct tree *node = get(sizeof *node);

    node->value[0] = depth;
    node->value[1] = *sum += depth;
    node->left = depth ? grow(depth - 1, sum) : NULL;
    node->right = depth ? grow(depth - 1, sum) : NULL;
    return node;
}

static void fell(struct tree *node)
{
    if (!node)
        return;
    fell(node->left);
    fell(node->right);
    free(node);
}

static void trees(void)
{
    uint64_t sum = 0;
    struct tree *kept = grow(18, &sum);

    for (int i = 0; i < 1500; i++)
        fell(grow(13, &sum));
    fell(kept);
}

/* --- hash table with strings as keys ---------------------------------------------------------- */

struct entry {
    struct entry *next;
    char *key;
    uint64_t value;
};

enum { BUCKETS = 1 << 16 };

static void insert(struct entry **table, uint64_t number)
{
    struct entry *entry = get(sizeof *entry);
    char text[64];
    int length = snprintf(text, sizeof text, "key-%llu-%.*s", (unsigned long long)number,
                          (int)(number % 30), "abcdefghijklmnopqrstuvwxyzabcdefgh");

    entry->key = get((size_t)length + 1);
    memcpy(entry->key, text, (size_t)length + 1);
    entry->value = number;
    entry->next = table[number % BUCKETS];
    table[number % BUCKETS] = entry;
}

static void drop(struct entry **table, uint64_t number)
{
    struct entry **at = &table[number % BUCKETS], *entry = *at;

    if (!entry)
        return;
    *at = entry->next;
    free(entry->key);
    free(entry);
}

static void hash(void)
{
    struct entry **table = calloc(BUCKETS, sizeof *table);
    uint64_t state = 88172645463325252u;

    for (uint64_t i = 0; i < 200000; i++)
        insert(table, next(&state));
    for (int i = 0; i < 1500000; i++) {
        drop(table, next(&state));
        insert(table, next(&state));
    }
    for (size_t i = 0; i < BUCKETS; i++)
        while (table[i])
            drop(table, i);
    free(table);
}

/* --- strings that grow ------------------------------------------------------------------------ */

static void strings(void)
{
    enum { COUNT = 2000 };
    char **texts = calloc(COUNT, sizeof *texts);
    size_t *lengths = calloc(COUNT, sizeof *lengths);
    uint64_t state = 42;

    for (int i = 0; i < 1500000; i++) {
        size_t at = next(&state) % COUNT, more = 1 + next(&state) % 24;

        if (lengths[at] > 600) {
            free(texts[at]);
            texts[at] = NULL;
            lengths[at] = 0;
        }
        texts[at] = realloc(texts[at], lengths[at] + more + 1);
        memset(texts[at] + lengths[at], 'x', more);
        lengths[at] += more;
        texts[at][lengths[at]] = 0;
    }
    for (size_t i = 0; i < COUNT; i++)
        free(texts[i]);
    free(texts);
    free(lengths);
}

/* --- small objects of an interpreter ---------------------------------------------------------- */

static void objects(void)
{
    enum { COUNT = 400000 };
    void **kept = calloc(COUNT, sizeof *kept);
    uint64_t state = 4711;

    for (int i = 0; i < 6000000; i++) {
        size_t at = next(&state) % COUNT;

        free(kept[at]);
        kept[at] = get_filled(16 + next(&state) % 8 * 8);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(kept[i]);
    free(kept);
}

/* --- all sizes, with survivors ---------------------------------------------------------------- */

static void mixed(void)
{
    enum { COUNT = 20000 };
    void **kept = calloc(COUNT, sizeof *kept);
    uint64_t state = 815;

    for (int i = 0; i < 8000000; i++) {
        size_t at = next(&state) % COUNT;
        unsigned scale = (unsigned)(next(&state) % 8);

        if (i % 16 == 0)
            at /= 2; /* some live longer */
        free(kept[at]);
        kept[at] = get_filled(16 + next(&state) % ((size_t)16 << scale));
    }
    for (size_t i = 0; i < COUNT; i++)
        free(kept[i]);
    free(kept);
}

/* --- fragmentation: many small, most freed, then larger ones ---------------------------------- */

static void fragments(void)
{
    enum { COUNT = 300000 };
    void **kept = calloc(COUNT, sizeof *kept);

    for (int round = 1; round <= 12; round++) {
        size_t size = (size_t)40 * (size_t)round;

        for (size_t i = 0; i < COUNT; i++)
            if (!kept[i])
                kept[i] = get_filled(size);
        for (size_t i = 0; i < COUNT; i++)
            if (i % 8) {
                free(kept[i]);
                kept[i] = NULL;
            }
    }
    for (size_t i = 0; i < COUNT; i++)
        free(kept[i]);
    free(kept);
}

/* --- large blocks ----------------------------------------------------------------------------- */

static void large(void)
{
    enum { COUNT = 16 };
    void *kept[COUNT] = { NULL };
    uint64_t state = 99;

    for (int i = 0; i < 8000; i++) {
        size_t at = next(&state) % COUNT;

        free(kept[at]);
        kept[at] = get_filled(16384 + next(&state) % 500000);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(kept[i]);
}

/* --- one thread allocates, another frees ------------------------------------------------------ */

enum { RING = 4096, HANDED = 1000000 };

static _Atomic(void *) ring[RING];

/* This thread stays on the CPU of that number among those there are. Two on the same would take
 * turns, and what is handed over would never leave its caches: how fast that goes says more of the
 * scheduler than of the malloc. */
static void stay_on(unsigned number)
{
    cpu_set_t all, one;

    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all))
        return;
    number %= (unsigned)CPU_COUNT(&all);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && number-- == 0)
            CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

static void *consume(void *arg)
{
    (void)arg;
    stay_on(1);
    for (size_t i = 0; i < HANDED; i++) {
        void *block;

        while (!(block = atomic_exchange_explicit(&ring[i % RING], NULL, memory_order_acquire)))
            sched_yield();
        free(block);
    }
    return NULL;
}

static void handover(void)
{
    pthread_t other;
    uint64_t state = 7;

    pthread_create(&other, NULL, consume, NULL);
    stay_on(0);
    for (size_t i = 0; i < HANDED; i++) {
        void *block = get_filled(32 + next(&state) % 96);

        while (atomic_load_explicit(&ring[i % RING], memory_order_relaxed))
            sched_yield();
        atomic_store_explicit(&ring[i % RING], block, memory_order_release);
    }
    pthread_join(other, NULL);
}

/* --- a server: threads that replace each other's blocks, and end ------------------------------ */

enum { SESSIONS = 2000, SERVERS = 4 };

static void *serve(void *arg)
{
    void **sessions = arg;
    uint64_t state = (uintptr_t)arg | 1;

    for (int i = 0; i < 200000; i++) {
        size_t at = next(&state) % SESSIONS;

        free(sessions[at]);
        sessions[at] = get_filled(16 + next(&state) % 500);
    }
    return NULL;
}

static void server(void)
{
    void **sessions[SERVERS];
    pthread_t threads[SERVERS];

    for (int i = 0; i < SERVERS; i++)
        sessions[i] = calloc(SESSIONS, sizeof *sessions[i]);
    for (int generation = 0; generation < 6; generation++) {
        for (int i = 0; i < SERVERS; i++)
            pthread_create(&threads[i], NULL, serve, sessions[(i + generation) % SERVERS]);
        for (int i = 0; i < SERVERS; i++)
            pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < SERVERS; i++) {
        for (size_t at = 0; at < SESSIONS; at++)
            free(sessions[i][at]);
        free(sessions[i]);
    }
}

/* --- threads that come and go ----------------------------------------------------------------- */

static void *visit(void *arg)
{
    void *blocks[100];

    (void)arg;
    for (size_t i = 0; i < 100; i++)
        blocks[i] = get_filled(20 + i * 5);
    for (size_t i = 0; i < 100; i++)
        free(blocks[i]);
    return NULL;
}

static void visitors(void)
{
    for (int i = 0; i < 3000; i++) {
        pthread_t two[2];

        pthread_create(&two[0], NULL, visit, NULL);
        pthread_create(&two[1], NULL, visit, NULL);
        pthread_join(two[0], NULL);
        pthread_join(two[1], NULL);
    }
}

const struct workload workloads[] = {
    { "trees", JOB_WORKLOAD, trees },     { "hash", JOB_WORKLOAD, hash },
    { "strings", JOB_WORKLOAD, strings }, { "objects", JOB_WORKLOAD, objects },
    { "mixed", JOB_WORKLOAD, mixed },     { "fragments", JOB_WORKLOAD, fragments },
    { "large", JOB_WORKLOAD, large },     { "handover", JOB_WORKLOAD, handover },
    { "server", JOB_WORKLOAD, server },   { "visitors", JOB_WORKLOAD, visitors },
    { NULL, JOB_WORKLOAD, NULL },
};
