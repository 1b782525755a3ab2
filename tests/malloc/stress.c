/* SPDX-License-Identifier: MIT */
/*
 * stress MILLIONS [SEED]: random operations on blocks whose contents are checked, by threads that
 * free each other's blocks, end and begin again, and fork.
 *
 * Each block is filled with a pattern made from its number and size. Whatever the allocator does
 * wrong (two blocks that overlap, one that moves without its contents, one handed out twice) shows
 * as a byte that is not as it was left.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, BLOCKS = 3000, SHARED = 512, ROUND = 20000 };

struct block {
    unsigned char *at;
    size_t size;
    uint64_t seed;
};

/* What threads hand to each other: a whole block, taken by exchange. */
static _Atomic(struct block *) shared[SHARED];

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void die(const char *what, const struct block *block)
{
    fprintf(stderr, "%s: block %p of %zu bytes\n", what, (void *)block->at, block->size);
    abort();
}

static void fill(const struct block *block, size_t from)
{
    for (size_t i = from; i < block->size; i++)
        block->at[i] = (unsigned char)(block->seed >> (i % 8) * 8);
}

static void check(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (block->at[i] != (unsigned char)(block->seed >> (i % 8) * 8))
            die("a byte changed", block);
}

/* Mostly small, now and then large. */
static size_t some_size(uint64_t *state)
{
    uint64_t r = next(state);

    switch (r % 1024) {
    case 0: return (r >> 10) % 3000000;
    case 1:
    case 2:
    case 3: return (r >> 10) % 200000;
    default: return (r >> 10) % (r % 16 ? 300 : 8000);
    }
}

static void allocate(struct block *block, uint64_t *state)
{
    uint64_t how = next(state) % 8;

    block->size = some_size(state);
    block->seed = next(state);
    if (how == 0) {
        block->at = calloc(1, block->size);
        for (size_t i = 0; block->at && i < block->size; i++)
            if (block->at[i])
                die("calloc is not zero", block);
    } else if (how == 1) {
        size_t align = (size_t)16 << next(state) % 10;

        block->at = memalign(align, block->size);
        if ((uintptr_t)block->at % align)
            die("misaligned", block);
    } else {
        block->at = malloc(block->size);
    }
    if (!block->at || (uintptr_t)block->at % 16)
        die("no block, or misaligned", block);
    if (malloc_usable_size(block->at) < block->size)
        die("less usable than asked for", block);
    fill(block, 0);
}

static void resize(struct block *block, uint64_t *state)
{
    size_t size = some_size(state) + 1, kept = size < block->size ? size : block->size;
    unsigned char *moved = realloc(block->at, size);

    if (!moved)
        die("no memory", block);
    block->at = moved;
    block->size = kept;
    check(block, kept);
    block->size = size;
    fill(block, kept);
}

static void release(struct block *block)
{
    check(block, block->size);
    free(block->at);
    block->at = NULL;
}

/* Gives a block away, and frees the one that lay there. */
static void exchange(const struct block *block, uint64_t *state)
{
    struct block *gift = malloc(sizeof *gift), *got;

    if (!gift)
        abort();
    *gift = *block;
    got = atomic_exchange(&shared[next(state) % SHARED], gift);
    if (!got)
        return;
    release(got);
    free(got);
}

static void work(struct block *blocks, uint64_t *state, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct block *block = &blocks[next(state) % BLOCKS];
        uint64_t what = next(state) % 8;

        if (!block->at) {
            allocate(block, state);
        } else if (what == 0) {
            resize(block, state);
        } else if (what == 1) {
            exchange(block, state);
            block->at = NULL;
        } else {
            release(block);
        }
    }
}

static void free_all(struct block *blocks)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i].at)
            release(&blocks[i]);
}

/* A child inherits everything, and goes on with it. */
static void go_on_in_child(struct block *blocks, uint64_t *state)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        abort();
    if (pid == 0) {
        work(blocks, state, ROUND / 4);
        free_all(blocks);
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the child ended with %x\n", (unsigned)status);
        abort();
    }
}

static void *thread(void *arg)
{
    uint64_t state = (uintptr_t)arg;
    struct block *blocks = calloc(BLOCKS, sizeof *blocks);

    if (!blocks)
        abort();
    work(blocks, &state, ROUND);
    if (state % 8 == 0)
        go_on_in_child(blocks, &state);
    free_all(blocks);
    free(blocks);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) * 1000000 / ROUND / THREADS : 1;
    uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)getpid() << 20 | 1;

    printf("seed %llu\n", (unsigned long long)state);
    fflush(stdout);
    for (uint64_t i = 0; i <= rounds; i++) {
        pthread_t threads[THREADS];

        for (int k = 0; k < THREADS; k++)
            if (pthread_create(&threads[k], NULL, thread, (void *)(uintptr_t)(next(&state) | 1)))
                abort();
        for (int k = 0; k < THREADS; k++)
            pthread_join(threads[k], NULL);
    }
    return 0;
}
