/* SPDX-License-Identifier: MIT */
/* everything: uses each name there is, threads and forks. Whose malloc it is, the size of a block
 * shows: ward's is the one that was asked for. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { THREADS = 8, ROUNDS = 2000, SHARED = 64 };

/* What this C library does not have, is there only with ward's. */
void free_sized(void *block, size_t size) __attribute__((weak));
void free_aligned_sized(void *block, size_t align, size_t size) __attribute__((weak));
void cfree(void *block) __attribute__((weak));
void *__libc_malloc(size_t size);
void __libc_free(void *block);

static int failures;

static void check(int holds, const char *what)
{
    if (!holds)
        fprintf(stderr, "not so: %s\n", what);
    failures += !holds;
}

/* A live block of exactly `size` bytes, which is then freed. */
static void give_back(void *block, size_t size, const char *whose)
{
    check(block && malloc_usable_size(block) == size, whose);
    if (block)
        memset(block, 0x5a, size);
    free(block);
}

static void blocks(void)
{
    void *block = NULL;

    give_back(malloc(61), 61, "malloc");
    give_back(calloc(3, 21), 63, "calloc");
    give_back(realloc(malloc(5), 1001), 1001, "realloc");
    give_back(reallocarray(NULL, 7, 11), 77, "reallocarray");
    give_back(aligned_alloc(64, 129), 129, "aligned_alloc");
    give_back(memalign(64, 131), 131, "memalign");
    give_back(valloc(33), 33, "valloc");
    check(posix_memalign(&block, 256, 17) == 0, "posix_memalign");
    give_back(block, 17, "posix_memalign");
    check(free_sized && free_aligned_sized && cfree, "names of others");
    free_sized(malloc(62), 62);
    free_aligned_sized(aligned_alloc(128, 62), 128, 62);
    cfree(malloc(9));
    give_back(strdup("as long as this"), 16, "strdup, of the C library");
}

#ifdef __GLIBC__
static void names_of_this_libc(void)
{
    FILE *to = fopen("/dev/null", "w");

    free(pvalloc(5));
#ifdef STATIC
    give_back(__libc_malloc(71), 71, "__libc_malloc");
    __libc_free(malloc(1));
#endif
    check(mallinfo2().uordblks > 0 && mallinfo().uordblks > 0, "mallinfo");
    check(to && malloc_info(0, to) == 0, "malloc_info");
    check(mallopt(M_TRIM_THRESHOLD, 1) == 1, "mallopt");
    (void)malloc_trim(0);
    malloc_stats();
    fclose(to);
}
#else
static void names_of_this_libc(void)
{
}
#endif

/* Frees what others allocated. */
static void *exchange(void *shared)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        void **at = (void **)shared + i % SHARED;

        free(__atomic_exchange_n(at, malloc(i % 300), __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static void threads(void)
{
    static void *shared[SHARED];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, exchange, shared))
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++) {
        free(shared[i]);
        shared[i] = NULL;
    }
}

int main(void)
{
    void *before = malloc(100);
    int status = -1;
    pid_t child;

    blocks();
    names_of_this_libc();
    threads();
    child = fork();
    if (child == 0) {
        give_back(before, 100, "a block from before the fork");
        threads();
        _exit(failures);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "the child");
    give_back(before, 100, "a block the child freed");
    return failures != 0;
}
