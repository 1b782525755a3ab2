/* SPDX-License-Identifier: MIT */
/*
 * target: the process that the tests of `ward` look at. Says where its pages lie and waits until
 * its input ends. Four pages: known contents; the same, read-only; PROT_NONE; nothing.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct contents {
    char text[64];      /* 0x000 */
    int32_t signs[4];   /* 0x040 */
    double wide;        /* 0x050 */
    float narrow;       /* 0x058 */
    uint32_t space;     /* 0x05c */
    void *pointers[3];  /* 0x060 */
    uint64_t zero;      /* 0x078 */
    uint8_t bytes[256]; /* 0x080 */
};

static void fill(struct contents *contents)
{
    static const char text[] = "a \"string\"\\\n\x1b[31m\xc3\xa9";

    memcpy(contents->text, text, sizeof text);
    contents->signs[0] = -1;
    contents->signs[1] = 2;
    contents->signs[2] = INT32_MIN;
    contents->signs[3] = INT32_MAX;
    contents->wide = -1.5e300;
    contents->narrow = 0.1f;
    contents->pointers[0] = contents->text;
    contents->pointers[1] = (void *)(uintptr_t)UINTPTR_MAX;
    contents->pointers[2] = NULL;
    for (int i = 0; i < 256; i++)
        contents->bytes[i] = (uint8_t)i;
}

int main(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *at =
        mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char byte;

    if (at == MAP_FAILED)
        return 1;
    memset(at, 'p', 3 * page);
    fill((struct contents *)(void *)at);
    fill((struct contents *)(void *)(at + page));
    if (mprotect(at + page, page, PROT_READ) || mprotect(at + 2 * page, page, PROT_NONE) ||
        munmap(at + 3 * page, page))
        return 1;
    printf("%lu %zu\n", (unsigned long)(uintptr_t)at, page);
    fflush(stdout);
    return read(0, &byte, 1) < 0;
}
