/* SPDX-License-Identifier: MIT */
/* The four functions that compilers call on their own, and strlen. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

typedef uint64_t __attribute__((may_alias, aligned(8))) word;

/* How many bytes can be moved as words. */
static size_t in_words(uintptr_t a, uintptr_t b, size_t n)
{
    return ((a | b) & 7) == 0 ? n & ~(size_t)7 : 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    size_t i = 0, words = in_words((uintptr_t)to, (uintptr_t)from, n);

    for (; i < words; i += 8)
        ((word *)to)[i / 8] = ((const word *)from)[i / 8];
    for (; i < n; i++)
        d[i] = s[i];
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;

    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    while (n-- > 0)
        d[n] = s[n];
    return to;
}

void *memset(void *to, int value, size_t n)
{
    unsigned char *d = to;
    size_t i = 0, words = in_words((uintptr_t)to, 0, n);

    for (; i < words; i += 8)
        ((word *)to)[i / 8] = (unsigned char)value * UINT64_C(0x0101010101010101);
    for (; i < n; i++)
        d[i] = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}
