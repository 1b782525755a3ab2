/* SPDX-License-Identifier: MIT */
/* short_space: with little address space, blocks of any size can be had or are refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { GIB = 1 << 30 };

static int had(size_t size)
{
    for (int i = 0; i < 20; i++) {
        char *volatile block = malloc(size);

        if (!block && errno == ENOMEM)
            return 0;
        if (!block) {
            fprintf(stderr, "%zu bytes: refused, and not ENOMEM\n", size);
            return 1;
        }
        block[0] = block[size - 1] = 1;
        free(block);
    }
    return 0;
}

/* As many as half of the address space has room for. */
static int many_had(void)
{
    enum { COUNT = 6000, SIZE = 1200000 };
    static char *blocks[COUNT];
    int refused = 0;

    for (int i = 0; i < COUNT; i++) {
        blocks[i] = malloc(SIZE);
        refused += !blocks[i];
        if (blocks[i])
            blocks[i][0] = 1;
    }
    for (int i = 0; i < COUNT; i++)
        free(blocks[i]);
    if (refused)
        fprintf(stderr, "%d of %d blocks of %d bytes: refused\n", refused, COUNT, SIZE);
    return refused != 0;
}

/* Is at least some of the address space left for stacks, libraries and files? */
static int is_left(size_t most)
{
    void *volatile block = malloc(1), *rest;
    size_t size = most / 4;

    rest = block ? mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    free(block);
    if (rest == MAP_FAILED) {
        fprintf(stderr, "of %zu MiB of addresses not %zu are left\n", most >> 20, size >> 20);
        return 0;
    }
    return munmap(rest, size) == 0;
}

/* The malloc lays its ranges out at the start: so the process starts again under the limit. */
int main(int argc, char **argv)
{
    struct rlimit limit;
    int failures = 0;

    if (argc == 2 && (!is_left(64 * (size_t)GIB) || many_had()))
        return 1;
    limit.rlim_cur = limit.rlim_max = argc == 1 ? 64 * (rlim_t)GIB : 4 * (rlim_t)GIB;
    if (argc < 3) {
        if (setrlimit(RLIMIT_AS, &limit))
            return 1;
        execl("/proc/self/exe", argv[0], "limited", argc == 2 ? "more" : NULL, (char *)NULL);
        return 1;
    }
    failures += !is_left(4 * (size_t)GIB);
    for (size_t size = 1; size <= GIB; size *= 2)
        failures += had(size) + had(size + size / 2);
    return failures != 0;
}
