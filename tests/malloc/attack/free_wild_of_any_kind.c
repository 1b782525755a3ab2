/* survives */
/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <stdbool.h>
#include <sys/mman.h>

static char data[64] __attribute__((aligned(64))) = "data";

static void commit(void *address)
{
    free(hidden(malloc(40)));
    free(hidden(address));
}

static void commit_by_realloc(void *address)
{
    free(hidden(malloc(40)));
    if (!realloc(hidden(address), 100))
        _exit(0);
}

static bool is_found(uintptr_t address)
{
    void *wild = (void *)address; /* NOLINT */

    if (is_reported(commit, wild) && is_reported(commit_by_realloc, wild))
        return true;
    printf("not found: %#zx\n", (size_t)address);
    return false;
}

/* Whatever number is freed or resized as if it were a block. */
int main(int argc, char **argv)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uintptr_t block = (uintptr_t)hidden(malloc(40));
    bool found = is_found((uintptr_t)data) && is_found((uintptr_t)page) &&
                 is_found((uintptr_t)main & ~(uintptr_t)15) &&
                 is_found((uintptr_t)argv[argc - 1]) && is_found((uintptr_t)stdout) &&
                 is_found(block ^ UINT64_C(1) << 63) && is_found(UINTPTR_MAX) &&
                 is_found((uintptr_t)-16);

    for (unsigned bit = 0; bit < 64 && found; bit++)
        found = is_found((uintptr_t)1 << bit);
    return !found;
}
