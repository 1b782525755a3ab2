/* SPDX-License-Identifier: MIT */
/* short_space: with little address space, blocks of any size can be had or are refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* The malloc lays its ranges out at the start: so the process starts again under the limit. */
int main(int argc, char **argv)
{
    struct rlimit limit = { 4 * (rlim_t)GIB, 4 * (rlim_t)GIB };
    int failures = 0;

    if (argc == 1) {
        if (setrlimit(RLIMIT_AS, &limit))
            return 1;
        execl("/proc/self/exe", argv[0], "limited", (char *)NULL);
        return 1;
    }
    for (size_t size = 1; size <= GIB; size *= 2)
        failures += had(size) + had(size + size / 2);
    return failures != 0;
}
