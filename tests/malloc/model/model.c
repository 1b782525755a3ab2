/* SPDX-License-Identifier: MIT */
/*
 * model SECONDS [SEED [MILLIONS]]: random operations on blocks whose contents are known, by threads
 * that free each other's blocks, end and begin again, and fork. With MILLIONS it goes on until so
 * many operations are done, however long that takes. Prints the seed; threads make every run
 * another one all the same.
 *
 * Each block is filled from end to end with a pattern made from a number of its own. Whatever the
 * allocator does wrong (two blocks that overlap, one that moves without its contents, one handed
 * out twice) shows as a word that is not as it was left. Linked with failing.c, host calls fail:
 * then there may be no block, and nothing else may be different.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failing.h"
#include "unit/sanitized.h"

enum { THREADS = 4, BLOCKS = 3000, SHARED = 512, ROUND = 5000 };

/* Of a C library that is newer than some this runs on. */
void free_sized(void *block, size_t size) __attribute__((weak));
void free_aligned_sized(void *block, size_t align, size_t size) __attribute__((weak));

struct block {
    unsigned char *at; /* NULL: there is none */
    size_t size;
    size_t align; /* asked for; 0: none in particular */
    uint64_t pattern;
};

/* What a thread works with. */
struct worker {
    uint64_t state;
    uint64_t done; /* operations */
    struct block blocks[BLOCKS];
};

/* What threads hand to each other: a whole block, taken by exchange. */
static _Atomic(struct block *) shared[SHARED];

static uint64_t seed;

/* --- randomness and failure ------------------------------------------------------------------- */

static uint64_t next(struct worker *worker)
{
    uint64_t *state = &worker->state;

    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t below(struct worker *worker, size_t n)
{
    return (size_t)((next(worker) >> 33) % n);
}

static void die(const char *what, const struct block *block)
{
    fprintf(stderr, "%s: block %p of %zu bytes (seed %llu)\n", what, (void *)block->at, block->size,
            (unsigned long long)seed);
    abort();
}

static bool is_failing(void)
{
    return &failing && failing;
}

/* --- contents --------------------------------------------------------------------------------- */

static uint64_t word_of(const struct block *block, size_t i)
{
    return (block->pattern + i) * UINT64_C(0x9e3779b97f4a7c15);
}

/* From the word that holds byte `from`. */
static void fill(const struct block *block, size_t from)
{
    for (size_t at = from & ~(size_t)7; at < block->size; at += 8) {
        uint64_t word = word_of(block, at);

        memcpy(block->at + at, &word, block->size - at < 8 ? block->size - at : 8);
    }
}

static void check(const struct block *block, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = word_of(block, at);

        if (memcmp(block->at + at, &word, size - at < 8 ? size - at : 8) != 0)
            die("a byte changed", block);
    }
}

static void check_zero(const struct block *block)
{
    for (size_t i = 0; i < block->size; i++)
        if (block->at[i])
            die("calloc is not zero", block);
}

/* --- operations ------------------------------------------------------------------------------- */

/* Mostly small, now and then large. */
static size_t some_size(struct worker *worker)
{
    size_t draw = below(worker, 4096);

    if (draw == 0)
        return below(worker, 3000000);
    if (draw < 9)
        return below(worker, 200000);
    return below(worker, draw % 16 ? 300 : 8000);
}

static void *some_aligned(struct worker *worker, struct block *block)
{
    void *at = NULL;

    block->align = (size_t)8 << below(worker, below(worker, 64) ? 8 : 15);
    switch (below(worker, 3)) {
    case 0: return memalign(block->align, block->size);
    case 1: return aligned_alloc(block->align, block->size);
    default: return posix_memalign(&at, block->align, block->size) ? NULL : at;
    }
}

enum { BY_CALLOC, BY_REALLOC, BY_REALLOCARRAY, BY_ALIGNMENT, BY_MALLOC, WAYS = 12 };

static void *some_block(struct worker *worker, struct block *block, size_t way)
{
    switch (way) {
    case BY_CALLOC: block->size -= block->size % 3; return calloc(block->size / 3, 3);
    case BY_REALLOC: return realloc(NULL, block->size);
    case BY_REALLOCARRAY:
        block->size -= block->size % 8;
        return reallocarray(NULL, block->size / 8, 8);
    case BY_ALIGNMENT: return some_aligned(worker, block);
    default: return malloc(block->size);
    }
}

static void allocate(struct worker *worker, struct block *block)
{
    size_t way = below(worker, WAYS);

    *block = (struct block){ .size = some_size(worker), .pattern = next(worker) };
    block->at = some_block(worker, block, way);
    if (!block->at && is_failing())
        return;
    if (!block->at)
        die("no memory", block);
    if ((uintptr_t)block->at % (block->align > 16 ? block->align : 16))
        die("misaligned", block);
    if (malloc_usable_size(block->at) < block->size)
        die("less usable than asked for", block);
    if (way == BY_CALLOC)
        check_zero(block);
    fill(block, 0);
}

/* What is large mostly stays so: where address space is short it then moves by its pages. */
static size_t new_size(struct worker *worker, size_t was)
{
    enum { LARGE = 1 << 20, MOST = 4 << 20 };

    return (was > LARGE || below(worker, 1024) == 0 ? LARGE / 2 + below(worker, MOST)
                                                    : some_size(worker)) +
           1;
}

/* A block that could not be resized is as it was. */
static void resize(struct worker *worker, struct block *block)
{
    size_t was = block->size, size = new_size(worker, was);
    unsigned char *moved = realloc(block->at, size);

    if (!moved && !is_failing())
        die("no memory", block);
    if (!moved) {
        check(block, was);
        return;
    }
    block->at = moved;
    block->align = 0;
    check(block, size < was ? size : was);
    block->size = size;
    if (size > was)
        fill(block, was);
}

static void release(struct worker *worker, struct block *block)
{
    int error = errno = 4711;

    check(block, block->size);
    switch (below(worker, 8)) {
    case 0:
        if (block->align)
            free_aligned_sized(block->at, block->align, block->size);
        else
            free_sized(block->at, block->size);
        break;
    case 1:
        if (realloc(block->at, 0))
            die("realloc to nothing gave something", block);
        break;
    default: free(block->at);
    }
    if (errno != error)
        die("free changed errno", block);
    block->at = NULL;
}

/* Gives a block away, and frees the one that lay there. */
static void exchange(struct worker *worker, struct block *block)
{
    struct block *gift = malloc(sizeof *gift), *got;

    if (!gift && is_failing())
        return;
    if (!gift)
        die("no memory", block);
    *gift = *block;
    block->at = NULL;
    got = atomic_exchange(&shared[below(worker, SHARED)], gift);
    if (!got)
        return;
    release(worker, got);
    free(got);
}

/* What no program gets, and what it may ask for at any time. */
static void ask(struct worker *worker)
{
    static volatile size_t most = PTRDIFF_MAX; /* the compiler is not to know */
    struct block none = { .size = most - below(worker, 100000) };

    errno = 0;
    none.at = malloc(none.size);
    if (none.at || errno != ENOMEM)
        die("too much was allocated", &none);
    none.at = calloc(none.size, 3);
    if (none.at)
        die("too much was allocated", &none);
    (void)malloc_trim(0);
    (void)mallinfo2();
}

static void free_all(struct worker *worker)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (worker->blocks[i].at)
            release(worker, &worker->blocks[i]);
}

static void go_on_in_child(struct worker *worker);

static void work(struct worker *worker, size_t count, bool may_fork)
{
    for (size_t i = 0; i < count; i++) {
        struct block *block = &worker->blocks[below(worker, BLOCKS)];
        size_t what = below(worker, 16);

        if (!block->at)
            allocate(worker, block);
        else if (what < 3)
            resize(worker, block);
        else if (what == 3)
            exchange(worker, block);
        else if (what == 4)
            check(block, block->size);
        else
            release(worker, block);
        if (may_fork && below(worker, (size_t)ROUND * 16) == 0)
            go_on_in_child(worker);
        if (below(worker, (size_t)ROUND * 2) == 0)
            ask(worker);
    }
    worker->done += count;
}

/* --- threads and processes -------------------------------------------------------------------- */

/* Returns what it did, or NULL: no memory for that. */
static void *thread(void *state)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (!worker)
        return NULL;
    worker->state = (uintptr_t)state;
    work(worker, ROUND, true);
    free_all(worker);
    return worker;
}

/* The address sanitizer makes no thread where its own heap was cut off by a fork. */
static bool begin_other(pthread_t *other, uint64_t state)
{
    if (UNDER_ASAN)
        return false;
    return pthread_create(other, NULL, thread, (void *)(uintptr_t)state) == 0;
}

/* A child inherits everything, and goes on with it; and, if it can, with a thread of its own. */
static void live_as_child(struct worker *worker)
{
    pthread_t other;
    bool both = begin_other(&other, next(worker) | 1);
    void *end;

    work(worker, ROUND / 4, false);
    free_all(worker);
    if (both && pthread_join(other, &end) == 0)
        free(end);
    _exit(0);
}

static void go_on_in_child(struct worker *worker)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        live_as_child(worker);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    if (status != 0) {
        fprintf(stderr, "the child ended with %x (seed %llu)\n", (unsigned)status,
                (unsigned long long)seed);
        abort();
    }
}

/* Threads come, and end. Returns the operations they did. */
static uint64_t generation(struct worker *root)
{
    pthread_t threads[THREADS];
    uint64_t done = 0;
    size_t started = 0;

    for (; started < THREADS; started++)
        if (pthread_create(&threads[started], NULL, thread, (void *)(uintptr_t)(next(root) | 1)))
            break;
    if (started < THREADS && !is_failing())
        die("no thread", &root->blocks[0]);
    for (size_t i = 0; i < started; i++) {
        void *worker = NULL;

        pthread_join(threads[i], &worker);
        if (worker)
            done += ((struct worker *)worker)->done;
        free(worker);
    }
    return done;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 5;
    time_t end = time(NULL) + (time_t)seconds;
    uint64_t most = argc > 3 ? strtoull(argv[3], NULL, 10) * 1000000 : 0, done = 0;
    static struct worker root;

    if (!free_sized || !free_aligned_sized) {
        printf("this is not ward's malloc\n");
        return 1;
    }
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)getpid() << 20 ^ (uint64_t)end;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    root.state = seed | 1;
    free(malloc(1)); /* the first, while there is one thread */
    if (&failing)
        failing = true;
    while (most ? done < most : time(NULL) < end) {
        uint64_t before = done;

        done += generation(&root);
        if (most && before / 10000000 != done / 10000000)
            fprintf(stderr, "%.0f million\n", (double)done / 1e6);
    }
    printf("%.1f million operations\n", (double)done / 1e6);
    if (&failing) {
        printf("%lu failed host calls\n", failed);
        return failed ? 0 : 1;
    }
    return 0;
}
