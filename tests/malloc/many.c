/* SPDX-License-Identifier: MIT */
/* many [COUNT SIZE [ALIGN]]: so many live blocks at a time, which are not touched but for a word in
 * each of the small ones, and no more mappings than a program may have. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static size_t available_bytes(void)
{
    FILE *from = fopen("/proc/meminfo", "r");
    char line[128];
    size_t kib = 0;

    while (from && fgets(line, sizeof line, from))
        if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
            break;
    if (from)
        fclose(from);
    return kib << 10;
}

static size_t mappings(void)
{
    FILE *from = fopen("/proc/self/maps", "r");
    size_t lines = 0;

    for (int c; from && (c = getc(from)) != EOF;)
        lines += c == '\n';
    if (from)
        fclose(from);
    return lines;
}

struct many {
    size_t count, size, align;
};

static void *take(const struct many *many)
{
    return many->align ? aligned_alloc(many->align, many->size) : malloc(many->size);
}

static bool is_touched(const struct many *many)
{
    return many->size <= 4096;
}

/* Returns 0, 1 for a failure, 77 where memory is short. */
static int try(const struct many *many)
{
    size_t need = many->count * ((many->size > 4096 ? 2 * 4096 : 2 * many->size) + 64);
    size_t **blocks = mmap(NULL, many->count * sizeof *blocks, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (available_bytes() < need + need / 4) {
        printf("less than %zu MiB of memory are free\n", (need + need / 4) >> 20);
        return 77;
    }
    for (size_t i = 0; i < many->count; i++) {
        blocks[i] = take(many);
        if (!blocks[i] || (many->align && (uintptr_t)blocks[i] % many->align)) {
            fprintf(stderr, "no block, or not aligned, after %zu of %zu\n", i, many->size);
            return 1;
        }
        if (is_touched(many))
            *blocks[i] = i;
    }
    printf("%zu blocks of %zu bytes aligned to %zu, %zu mappings\n", many->count, many->size,
           many->align, mappings());
    for (size_t i = 0; i < many->count; i++) {
        if (is_touched(many) && *blocks[i] != i) {
            fprintf(stderr, "block %zu is not what it was\n", i);
            return 1;
        }
        free(blocks[i]);
    }
    munmap(blocks, many->count * sizeof *blocks);
    return 0;
}

/* More than there are places for mappings of their own. */
static const struct many some[] = {
    { 20000, 16, 0 },        { 6000, 8192, 8192 },   { 6000, 8191, 8192 },
    { 5000, 64, 128 << 10 }, { 5000, 100, 1 << 20 }, { 5000, 300 << 10, 2 << 20 },
};

int main(int argc, char **argv)
{
    struct many many = { 0, 0, 0 };
    int result = 0;

    if (argc > 2) {
        many.count = strtoul(argv[1], NULL, 0);
        many.size = strtoul(argv[2], NULL, 0);
        many.align = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
        return try(&many);
    }
    for (size_t i = 0; i < sizeof some / sizeof *some && result == 0; i++)
        result = try(&some[i]);
    return result;
}
