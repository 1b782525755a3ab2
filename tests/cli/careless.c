/* SPDX-License-Identifier: MIT */
/* careless: a malloc that finds nothing: it gives out one block behind the other, and never takes
 * one back. free_sized fails as if it had found something, but says nothing. With MAIN, a program
 * that has this malloc, a name of mimalloc's, and by a label one of a sanitizer's. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t align, size_t size);

static _Alignas(16) unsigned char heap[64 << 20];
static size_t used;

void *malloc(size_t size)
{
    size_t bytes = (size + 31) & ~(size_t)15;

    if (bytes < size || bytes > sizeof heap - used)
        return NULL;
    used += bytes;
    memcpy(heap + used - bytes, &size, sizeof size);
    return heap + used - bytes + 16;
}

void free(void *block)
{
    (void)block;
}

void free_sized(void *block, size_t size)
{
    (void)block;
    (void)size;
    abort();
}

void free_aligned_sized(void *block, size_t align, size_t size)
{
    (void)block;
    (void)align;
    (void)size;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* static memory is clear */
}

void *realloc(void *block, size_t size)
{
    void *to = malloc(size);
    size_t was;

    if (block && to) {
        memcpy(&was, (unsigned char *)block - 16, sizeof was);
        memcpy(to, block, was < size ? was : size);
    }
    return to;
}

#ifdef MAIN
void mi_malloc(void);
void mi_malloc(void)
{
}

void sanitizer(void) __asm__("__asan_init");
void sanitizer(void)
{
}

int main(void)
{
    free(malloc(1));
    return 0;
}
#endif
