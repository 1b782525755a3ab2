/* SPDX-License-Identifier: MIT */
/*
 * grow: a block above 128 KiB gets another size where it is, as long as it fits in its span, with
 * its guard and its canary where they belong; and what a large one held before is gone when it was
 * freed, but its pages are not, if they were all written to.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "look.h"

static const size_t KIB = 1024, MIB = (size_t)1 << 20;
enum { PAGE = 4096 };

static const char *options;

static bool has_profile(const char *name)
{
    return options && strstr(options, name);
}

static unsigned char *make(size_t size)
{
    unsigned char *block = malloc(size);

    if (!block)
        abort();
    return memset(block, 0x5a, size);
}

static void holds(const unsigned char *block, size_t size)
{
    for (size_t at = 0; at < size; at++)
        if (block[at] != 0x5a)
            check(false, "what it held is there", at);
}

/* Behind the page of its last byte, or of the canary: at once in strict, else a quarter ahead. */
static void is_guarded(const unsigned char *block, size_t size)
{
    size_t last = has_profile("fast") ? size - 1 : size,
           most = has_profile("strict") ? 0 : size + size / 4;

    check(readable(block + (last / PAGE + 1) * PAGE, most + PAGE) <= most,
          "there is a guard behind it", size);
}

/* --- Where it is ------------------------------------------------------------------------------ */

/* A vector of a program: an eighth more each time. */
static void a_vector_seldom_moves(void)
{
    size_t size = 150 * KIB, moved = 0;
    unsigned char *block = make(size);

    while (size < 200 * MIB) {
        size_t more = size + size / 8;
        unsigned char *was = block;

        block = realloc(block, more);
        moved += block != was;
        holds(block, size);
        is_guarded(block, more);
        memset(block + size, 0x5a, more - size);
        check(malloc_usable_size(block) == more, "it has its size", more);
        size = more;
    }
    check(moved <= 11, "once for each doubling at most", moved);
    free(block);
}

static void it_shrinks(void)
{
    unsigned char *block = make(MIB), *was = block;

    block = realloc(block, 350 * KIB);
    check(block == was, "to a third, where it is", 350);
    is_guarded(block, 350 * KIB);
    holds(block, 350 * KIB);
    block = realloc(block, 400 * KIB);
    holds(block, 350 * KIB);
    for (size_t at = 350 * KIB; at < 400 * KIB && !has_profile("fast"); at++)
        check(block[at] == 0, "what it lost is gone", at);
    block = realloc(block, 150 * KIB);
    check(block != was, "to an eighth, elsewhere", 150);
    holds(block, 150 * KIB);
    block = realloc(block, 100);
    holds(block, 100);
    free(block);
}

/* A child inherits it grown, and grows it on. */
static void a_child_grows_it(void)
{
    unsigned char *block = realloc(make(140 * KIB), 240 * KIB);
    int status = -1;
    pid_t pid;

    memset(block, 0x5a, 240 * KIB);
    pid = fork();
    if (pid == 0) {
        unsigned char *others[20];

        block = realloc(block, 250 * KIB);
        holds(block, 240 * KIB);
        is_guarded(block, 250 * KIB);
        free(block);
        for (size_t i = 0; i < 20; i++) {
            others[i] = calloc(1, 200 * KIB);
            for (size_t at = 0; at < 200 * KIB; at++)
                check(others[i][at] == 0, "zero", at);
            is_guarded(others[i], 200 * KIB);
            memset(others[i], 1, 200 * KIB);
        }
        _exit(failures != 0);
    }
    check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "the child", (size_t)status);
    holds(block, 240 * KIB);
    free(block);
}

/* A byte too far, one that was within the class of its first size. */
static void a_canary_moves_along(void)
{
    int status = -1;
    pid_t pid;

    if (has_profile("fast"))
        return;
    pid = fork();
    if (pid == 0) {
        unsigned char *block = realloc(make(140 * KIB), 240 * KIB);

        if (freopen("/dev/null", "w", stderr))
            hidden(block)[240 * KIB] = 0;
        free(block);
        _exit(0);
    }
    check(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "a zero behind it",
          (size_t)status);
}

/* What it gives up was never written to. */
static void what_shrinks_touches_nothing(void)
{
    unsigned char *block = malloc(60 * MIB);
    size_t before;

    memset(block, 0x5a, MIB);
    before = memory_of(false);
    block = realloc(block, 46 * MIB);
    check(memory_of(false) < before + MIB, "no more memory", memory_of(false) - before);
    holds(block, MIB);
    block = realloc(block, 60 * MIB);
    for (size_t at = 46 * MIB; at < 60 * MIB && !has_profile("fast"); at += 4093)
        check(block[at] == 0, "zero", at);
    free(block);
}

/* Each where a longer one was: it has no more pages than it could need. */
static void others_do_not_keep_its_pages(void)
{
    enum { COUNT = 200 };
    void *aligned[COUNT];
    size_t before = memory_of(false);

    for (size_t i = 0; i < COUNT; i++) {
        unsigned char *block = realloc(make(140 * KIB), 250 * KIB);

        memset(block, 0x5a, 250 * KIB);
        free(block);
        (void)make(140 * KIB);
        check(!posix_memalign(&aligned[i], 128 * KIB, 100), "aligned", i);
    }
    before = memory_of(false) - before;
    check(before < COUNT * 190 * KIB, "no more memory than it needs", before);
}

/* --- What is freed ---------------------------------------------------------------------------- */

/* Written all over: cleared, and its pages are there for the next. A few bytes: they go back. */
static void pages_that_were_written_stay(size_t size)
{
    unsigned char *block = make(size);
    volatile unsigned char *freed = hidden(block);
    size_t before;

    free(block);
    for (size_t i = 0; i < size && !has_profile("fast"); i += 4093)
        check(freed[i] == 0, "cleared", i);
    before = faults();
    free(make(size));
    check(faults() - before < size / PAGE / 4, "few new pages", faults() - before);
    before = faults();
    freed = calloc(1, size);
    for (size_t i = 0; i < size; i++)
        if (freed[i] != 0)
            check(false, "zero", i);
    check(faults() - before < size / PAGE / 4, "few of them for calloc", faults() - before);
    free((void *)(uintptr_t)freed);
}

/* Whatever the program made of the protection of its pages meanwhile. */
static void pages_that_cannot_be_written(void)
{
    unsigned char *block = make(20 * MIB);

    block += -(uintptr_t)block & (PAGE - 1);
    check(mprotect(block, 20 * MIB, PROT_READ) == 0, "protected", 0);
    free(block);
    block = calloc(1, 20 * MIB);
    for (size_t at = 0; at < 20 * MIB; at += 4093)
        check(block[at] == 0, "zero", at);
    memset(block, 1, 20 * MIB);
    free(block);
}

static void pages_of_3_mib(void)
{
    pages_that_were_written_stay(3 * MIB);
}

static void pages_of_20_mib(void)
{
    pages_that_were_written_stay(20 * MIB + 12345);
}

static void *grown(size_t most)
{
    size_t size = 16;
    unsigned char *block = make(size);

    for (size_t more; size < most; size = more) {
        more = size + size / 8;
        block = realloc(block, more);
        holds(block, size);
        memset(block + size, 0x5a, more - size);
    }
    return block;
}

/* Though all its blocks are small in the spans they take over, at first. */
static void the_next_vector_takes_its_pages(void)
{
    size_t before;

    free(grown(4 * MIB));
    before = faults();
    free(grown(4 * MIB));
    check(faults() - before < 256, "few new pages", faults() - before);
}

/* What a block gives back of that, goes. */
static void but_for_what_it_gives_back(void)
{
    unsigned char *block = NULL;
    size_t with;

    free(grown(2 * MIB));
    block = grown(MIB);
    with = memory_of(false);
    block = realloc(block, 400 * KIB);
    check(memory_of(false) + 500 * KIB < with, "it is gone", with - memory_of(false));
    free(block);
}

static void pages_that_were_not_do_not_come(void)
{
    unsigned char *block = malloc(16 * MIB);
    size_t before = memory_of(false);

    for (size_t at = 0; at < 16 * MIB; at += 4 * MIB)
        block[at] = 1;
    free(block);
    check(memory_of(false) < before + MIB, "still not there", memory_of(false) - before);
}

static const struct part parts[] = {
    { "a vector", a_vector_seldom_moves },
    { "shrinking", it_shrinks },
    { "a child", a_child_grows_it },
    { "the canary", a_canary_moves_along },
    { "shrinking without pages", what_shrinks_touches_nothing },
    { "pages of others", others_do_not_keep_its_pages },
    { "protected pages", pages_that_cannot_be_written },
    { "3 MiB", pages_of_3_mib },
    { "20 MiB", pages_of_20_mib },
    { "the next vector", the_next_vector_takes_its_pages },
    { "a part of a vector", but_for_what_it_gives_back },
    { "a sparse block", pages_that_were_not_do_not_come },
};

int main(void)
{
    size_t count = sizeof parts / sizeof *parts;

    options = getenv("WARD_OPTIONS");
    if (has_profile("profile=pages")) {
        printf("where each block has a guard page of its own, it moves: not tried\n");
        return 77;
    }
    free(malloc(1));
    return run_parts(parts, has_profile("profile=strict") ? 7 : count); /* there it is closed */
}
