/* SPDX-License-Identifier: MIT */
/*
 * attacks RUNS SEED PROFILE: random attacks, each in a child that did random honest things before,
 * and what must come of it in that profile. A child is killed by SIGABRT, with a report; by
 * SIGSEGV, at a guard; or it ends, if nothing is promised.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum profile { FAST, BALANCED, STRICT, PAGES, PROFILES };
enum { BLOCKS = 400, RESTED = 4 };

struct block {
    unsigned char *at;
    size_t size;
};

static struct block blocks[BLOCKS];
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void *hidden(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

/* Mostly small. */
static size_t some_size(void)
{
    uint64_t r = next();

    return (r >> 8) % (r % 64 == 0 ? 400000 : r % 8 == 0 ? 9000 : 300) + 1;
}

static struct block *some_block(void)
{
    return &blocks[next() % BLOCKS];
}

static void honest(void)
{
    for (unsigned i = 0, steps = 3 * BLOCKS + (unsigned)(next() % 3000); i < steps; i++) {
        struct block *block = i < BLOCKS ? &blocks[i] : some_block();

        if (block->at && next() % 4 == 0) {
            size_t size = some_size();

            block->at = hidden(realloc(block->at, size));
            block->size = size;
        } else {
            free(block->at);
            block->size = some_size();
            block->at = hidden(malloc(block->size));
        }
        memset(block->at, 0xff, block->size);
    }
}

static void *release(void *block)
{
    free(hidden(block));
    return NULL;
}

static void release_elsewhere(void *block)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, release, block))
        _exit(3);
    pthread_join(thread, NULL);
}

/* --- attacks ---------------------------------------------------------------------------------- */

static void double_free(void)
{
    void *block = some_block()->at;

    free(block);
    free(hidden(block));
}

static void double_free_by_two_threads(void)
{
    void *block = some_block()->at;
    bool first = next() % 2;

    if (first)
        free(block);
    else
        release_elsewhere(block);
    if (first)
        release_elsewhere(block);
    else
        free(hidden(block));
}

static void free_inside(void)
{
    struct block *block = some_block();

    while (block->size < 2)
        block = some_block();
    free(hidden(block->at + 1 + next() % (block->size - 1)));
}

static void free_wild(void)
{
    free(hidden((void *)(uintptr_t)(next() >> 17 << 4)));
}

static void resize_freed(void)
{
    void *block = some_block()->at;

    free(block);
    if (!realloc(hidden(block), some_size()))
        _exit(0);
}

/* Other values are missed once in 255, a zero never. */
static void overflow_by_zero(void)
{
    struct block *block = some_block();

    ((volatile unsigned char *)block->at)[block->size] = 0;
    free(hidden(block->at));
}

static void overflow_by_eight(void)
{
    struct block *block = some_block();

    for (size_t i = 0; i < 8; i++)
        ((volatile unsigned char *)block->at)[block->size + i] = (unsigned char)next();
    free(hidden(block->at));
}

static void overflow_far(void)
{
    struct block *block = some_block();

    for (size_t i = 0; i < (size_t)4 << 20; i++)
        ((volatile unsigned char *)block->at)[block->size + i] = 0x41;
}

static void write_freed(void)
{
    struct block block = *some_block();

    while (block.size > (16 << 10) - 1) /* of larger ones only strict and pages look at all */
        block = *some_block();
    free(block.at);
    ((volatile unsigned char *)hidden(block.at))[next() % block.size] = 0x41;
    for (int i = 0; i < 300000; i++) {
        void *other = malloc(block.size);

        if (other == block.at)
            return;
        free(hidden(other));
    }
    _exit(RESTED);
}

static void touch_freed(void)
{
    struct block block = *some_block();

    free(block.at);
    (void)((volatile unsigned char *)hidden(block.at))[next() % block.size];
}

static void read_past(void)
{
    struct block *block = some_block();

    (void)((volatile unsigned char *)block->at)[((block->size + 15) & ~(size_t)15) + next() % 4096];
}

static const struct attack {
    const char *name;
    void (*commit)(void);
    unsigned caught;   /* a bit for each profile: it never comes to its end */
    unsigned may_rest; /* the same: unless its block is never issued again */
} attacks[] = {
    { "double free", double_free, 15, 0 },
    { "double free by two threads", double_free_by_two_threads, 15, 0 },
    { "interior free", free_inside, 15, 0 },
    { "wild free", free_wild, 15, 0 },
    { "realloc of a freed block", resize_freed, 15, 0 },
    { "a zero one byte too far", overflow_by_zero, 14, 0 },
    { "eight bytes too far", overflow_by_eight, 14, 0 },
    { "an overflow without end", overflow_far, 15, 0 },
    { "a write after free", write_freed, 14, 2 },
    { "a read after free", touch_freed, 8, 0 },
    { "a read past the end", read_past, 8, 0 },
};

enum { ATTACKS = sizeof attacks / sizeof *attacks };

static void attack(const struct attack *attack, uint64_t seed)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    freopen("/dev/null", "w", stderr);
    state = seed;
    honest();
    attack->commit();
    _exit(0);
}

static bool is_caught(const struct attack *chosen, int profile, uint64_t seed)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        attack(chosen, seed);
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    if (chosen->may_rest >> profile & 1 && WIFEXITED(status) && WEXITSTATUS(status) == RESTED)
        return true;
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV);
}

static int profile_of(const char *name)
{
    static const char *const names[PROFILES] = { "fast", "balanced", "strict", "pages" };

    for (int i = 0; i < PROFILES; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    abort();
}

int main(int argc, char **argv)
{
    unsigned runs = argc > 1 ? (unsigned)atoi(argv[1]) : ATTACKS, failures = 0;
    uint64_t seed = argc > 2 && atoi(argv[2]) ? strtoul(argv[2], NULL, 0) : (uint64_t)getpid();
    int profile = profile_of(argc > 3 ? argv[3] : "balanced");

    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (unsigned i = 0; i < runs; i++) {
        const struct attack *chosen = &attacks[i % ATTACKS];
        uint64_t own = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;

        if (!(chosen->caught >> profile & 1) || is_caught(chosen, profile, own))
            continue;
        printf("run %u: missed: %s\n", i, chosen->name);
        failures++;
    }
    printf("%u runs, %u missed\n", runs, failures);
    return failures != 0;
}
