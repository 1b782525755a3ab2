/* SPDX-License-Identifier: MIT */
/* many COUNT SIZE: so many live blocks at a time, which are not touched but for a word in each of
 * the small ones, and no more mappings than a program may have. */
#define _GNU_SOURCE
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

int main(int argc, char **argv)
{
    size_t count = argc > 2 ? strtoul(argv[1], NULL, 0) : 20000;
    size_t size = argc > 2 ? strtoul(argv[2], NULL, 0) : 16;
    size_t need = count * ((size > 4096 ? 4096 : 2 * size) + 64);
    size_t **blocks = mmap(NULL, count * sizeof *blocks, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (available_bytes() < need + need / 4) {
        printf("less than %zu MiB of memory are free\n", (need + need / 4) >> 20);
        return 77;
    }
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        if (!blocks[i]) {
            fprintf(stderr, "no block after %zu\n", i);
            return 1;
        }
        if (size <= 4096)
            *blocks[i] = i;
    }
    printf("%zu blocks of %zu bytes, %zu mappings\n", count, size, mappings());
    for (size_t i = 0; i < count; i++) {
        if (size <= 4096 && *blocks[i] != i) {
            fprintf(stderr, "block %zu is not what it was\n", i);
            return 1;
        }
        free(blocks[i]);
    }
    return 0;
}
