/* SPDX-License-Identifier: MIT */
/*
 * limits: what a process may not have is refused with ENOMEM, and can be had again when it may:
 * limits that are set before the program starts, and while it runs; locked memory; no overcommit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static bool is_strict;

/* --- Blocks in a chain, which costs no memory besides ----------------------------------------- */

struct link {
    struct link *next;
};

static size_t take(struct link **chain, size_t size, size_t most)
{
    size_t count = 0;
    struct link *link;

    while (count < most && (link = malloc(size))) {
        link->next = *chain;
        *chain = link;
        count++;
    }
    return count;
}

static void give_back(struct link **chain)
{
    while (*chain) {
        struct link *next = (*chain)->next;

        free(*chain);
        *chain = next;
    }
}

enum { MIB = 1 << 20, ALLOWED = 512 * MIB };

/* Takes all there is, gives it back, and takes it again. The first may differ from the second by
 * what is kept, and by pages of records. */
static void exhaust(const char *what, size_t size, size_t least)
{
    struct link *chain = NULL;
    size_t first, again;
    int error;

    errno = 0;
    first = take(&chain, size, 2 * (size_t)ALLOWED / size);
    error = errno;
    check(first < 2 * (size_t)ALLOWED / size, what, size);
    check(error == ENOMEM, "ENOMEM", (size_t)error);
    check(first * size >= (is_strict ? least / 4 : least), "what is allowed can be had",
          first * size);
    give_back(&chain);
    again = take(&chain, size, first);
    if (!is_strict) /* it has a long quarantine, which gives way late */
        check(again >= first - first / 8, "what was given back can be had again", again * size);
    check(again > 0 || first == 0, "something can be had again", again);
    give_back(&chain);
}

/* --- While it runs ---------------------------------------------------------------------------- */

/* What the system says of this process: bytes. 0: it does not say. */
static size_t status_bytes(const char *name)
{
    char line[128];
    FILE *from = fopen("/proc/self/status", "r");
    size_t kib = 0, len = strlen(name);

    while (from && kib == 0 && fgets(line, sizeof line, from))
        if (strncmp(line, name, len) == 0)
            kib = strtoul(line + len, NULL, 10);
    if (from)
        fclose(from);
    return kib << 10;
}

static void lowered_later(__rlimit_resource_t resource, size_t limit)
{
    struct rlimit was, now;
    struct link *chain = NULL;
    size_t more = 2 * (size_t)ALLOWED / (64 << 10);

    getrlimit(resource, &was);
    now = was;
    now.rlim_cur = limit;
    if (setrlimit(resource, &now))
        abort();
    exhaust("small blocks end", 64, ALLOWED / 4);
    exhaust("big blocks end", 300 << 10, 0);
    setrlimit(resource, &was);
    check(take(&chain, 64 << 10, more) == more, "with the limit gone there is more", more);
    give_back(&chain);
}

static int lowered_address_space(void)
{
    lowered_later(RLIMIT_AS, ALLOWED);
    return failures;
}

/* What was had before the limit, and given back, does not count. */
static int lowered_after_big_blocks(void)
{
    struct rlimit now = { ALLOWED, ALLOWED };
    struct link *chain = NULL;
    size_t big = 60, small = ALLOWED / 4 * 3 / 1000;

    check(take(&chain, 7 * MIB, big) == big, "big blocks", big);
    give_back(&chain);
    if (setrlimit(RLIMIT_AS, &now))
        abort();
    check(take(&chain, 800, small) == small, "small ones in their place", small);
    give_back(&chain);
    return failures;
}

/* Written all over they keep their pages, which are given back when others need them. */
static int lowered_after_written_blocks(void)
{
    struct rlimit now = { 50 * MIB, 50 * MIB };
    char *blocks[8];

    for (size_t i = 0; i < 8; i++) {
        blocks[i] = malloc(30 * MIB);
        if (!blocks[i])
            return 1;
        memset(blocks[i], 1, 30 * MIB);
    }
    for (size_t i = 0; i < 8; i++)
        free(blocks[i]);
    if (setrlimit(RLIMIT_AS, &now))
        abort();
    blocks[0] = malloc(36 * MIB);
    check(blocks[0], "another one in their place", 36 * MIB);
    free(blocks[0]);
    return failures;
}

static int lowered_data(void)
{
    size_t data = status_bytes("VmData:");

    if (data == 0) {
        printf("/proc does not say how much data there is: RLIMIT_DATA was not tried\n");
        return 0;
    }
    lowered_later(RLIMIT_DATA, data + ALLOWED);
    return failures;
}

/* --- From the start --------------------------------------------------------------------------- */

static char *self;

/* Runs this program again, as PART, under a limit. */
static int again_under(size_t limit, const char *part)
{
    struct rlimit now = { limit, limit };

    setrlimit(RLIMIT_AS, &now);
    execl(self, self, part, (char *)NULL);
    return 1;
}

static int small_address_space(void)
{
    return again_under(ALLOWED, "half");
}

static int small_address_space_small_blocks(void)
{
    return again_under(ALLOWED, "small blocks");
}

static int small_address_space_middle_blocks(void)
{
    return again_under(ALLOWED, "middle blocks");
}

static int small_address_space_big_blocks(void)
{
    return again_under(ALLOWED, "big blocks");
}

static int small_address_space_bigger_blocks(void)
{
    return again_under(ALLOWED, "bigger blocks");
}

static int tiny_address_space(void)
{
    return again_under(48 * MIB, "tiny");
}

static void *use_some(void *unused)
{
    for (size_t size = 1; size < 100000; size = size * 2 + 1)
        free(memset(malloc(size), 1, size));
    return unused;
}

/* Blocks of all sizes share what there is, and there is room for other things besides. */
static int half(void)
{
    pthread_t thread;
    void *mapped;

    check(pthread_create(&thread, NULL, use_some, NULL) == 0, "there is room for a thread", 0);
    pthread_join(thread, NULL);
    mapped = mmap(NULL, ALLOWED / 64, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(mapped != MAP_FAILED, "there is room for a mapping", ALLOWED / 64);
    munmap(mapped, ALLOWED / 16);
    return failures;
}

/* One size may take all there is, and a span never changes its class: each for itself. */
static int small_blocks(void)
{
    exhaust("small blocks end", 64, ALLOWED / 4);
    return failures;
}

static int middle_blocks(void)
{
    exhaust("middle blocks end", 5000, ALLOWED / 4);
    return failures;
}

static int big_blocks(void)
{
    exhaust("big blocks end", 300 << 10, ALLOWED / 4);
    return failures;
}

static int bigger_blocks(void)
{
    exhaust("bigger blocks end", 6 * MIB, ALLOWED / 4);
    return failures;
}

static int tiny(void)
{
    struct link *chain = NULL;

    for (size_t size = 16; size < 200000; size *= 3)
        check(take(&chain, size, 4) == 4, "some of each size", size);
    give_back(&chain);
    check(take(&chain, 48, MIB / 48) == MIB / 48, "a megabyte", 48);
    give_back(&chain);
    return failures;
}

/* --- Locked memory ---------------------------------------------------------------------------- */

/* Not more than the program uses, and what a few classes have ready; nor are tables of pages filled
 * for what is only reserved. */
static int locked(void)
{
    struct link *chain = NULL;

    check(take(&chain, 100, 1000) == 1000, "before", 1000);
    if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
        printf("mlockall: %s: not tried\n", strerror(errno));
        return 0;
    }
    check(status_bytes("VmRSS:") < 12 * MIB, "a small program stays small", status_bytes("VmRSS:"));
    for (size_t size = 16; size < 3000000; size *= 2)
        check(take(&chain, size, 3) == 3, "while memory is locked", size);
    check(status_bytes("VmRSS:") < 64 * MIB, "what is reserved is not resident",
          status_bytes("VmRSS:"));
    check(status_bytes("VmPTE:") < 4 * MIB, "tables of pages are small", status_bytes("VmPTE:"));
    give_back(&chain);
    check(take(&chain, 100, 100000) == 100000, "again", 100);
    give_back(&chain);
    munlockall();
    return failures;
}

/* --- Without overcommitment ------------------------------------------------------------------- */

/* Where somebody has set it; it is the whole machine's. */
static int strict_commitment(void)
{
    int mode = 0;
    FILE *from = fopen("/proc/sys/vm/overcommit_memory", "r");
    struct link *chain = NULL;

    if (from && fscanf(from, "%d", &mode) != 1)
        mode = 0;
    if (from)
        fclose(from);
    if (mode != 2) {
        printf("vm.overcommit_memory is %d: memory without overcommitment was not tried\n", mode);
        return 0;
    }
    check(take(&chain, 1000, 20000) == 20000, "20 MB", 1000);
    give_back(&chain);
    return failures;
}

/* --- All of it -------------------------------------------------------------------------------- */

static const struct part {
    const char *name;
    int (*run)(void);
    bool is_inner;
} parts[] = {
    { "RLIMIT_AS, later", lowered_address_space, false },
    { "RLIMIT_AS, after big blocks", lowered_after_big_blocks, false },
    { "RLIMIT_AS, after written blocks", lowered_after_written_blocks, false },
    { "RLIMIT_DATA, later", lowered_data, false },
    { "RLIMIT_AS, at the start", small_address_space, false },
    { "the same, small blocks", small_address_space_small_blocks, false },
    { "the same, middle blocks", small_address_space_middle_blocks, false },
    { "the same, big blocks", small_address_space_big_blocks, false },
    { "the same, bigger blocks", small_address_space_bigger_blocks, false },
    { "little address space", tiny_address_space, false },
    { "mlockall", locked, false },
    { "overcommit_memory", strict_commitment, false },
    { "half", half, true },
    { "small blocks", small_blocks, true },
    { "middle blocks", middle_blocks, true },
    { "big blocks", big_blocks, true },
    { "bigger blocks", bigger_blocks, true },
    { "tiny", tiny, true },
};

enum { PARTS = sizeof parts / sizeof *parts };

/* In a process of its own. */
static bool holds(const struct part *part)
{
    int status = -1;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        failures = 0;
        exit(part->run() != 0);
    }
    if (waitpid(pid, &status, 0) == pid && status == 0)
        return true;
    fprintf(stderr, "%s failed: %#x\n", part->name, (unsigned)status);
    return false;
}

int main(int argc, char **argv)
{
    const char *options = getenv("WARD_OPTIONS");

    self = argv[0];
    is_strict = options && strstr(options, "profile=strict");
    free(malloc(1)); /* limits that come later, come later */
    if (options && strstr(options, "profile=pages")) {
        printf("where each block has pages of its own, limits are met sooner: not tried\n");
        return 77;
    }
    for (size_t i = 0; i < PARTS; i++) {
        if (argc > 1 && strcmp(argv[1], parts[i].name) == 0)
            return parts[i].run();
        if (argc == 1 && !parts[i].is_inner && !holds(&parts[i]))
            failures++;
    }
    return failures != 0;
}
