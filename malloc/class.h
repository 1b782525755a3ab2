/* SPDX-License-Identifier: MIT */
/*
 * Which size class serves a request.
 *
 * Up to 128 bytes every multiple of 16 is a class; then four to a doubling, up to 256 MiB. All are
 * multiples of 16, so that every block is aligned to 16, and each power of two is a class.
 *
 *      16 32 48 64 80 96 112 128 | 160 192 224 256 | 320 384 448 512 | ... | 160M 192M 224M 256M
 *
 * The first CLASS_SMALL classes put many slots in a span, and threads own their spans. A block of
 * the others has a span to itself.
 */
#ifndef WARD_MALLOC_CLASS_H
#define WARD_MALLOC_CLASS_H

#include <ward/base.h>

enum {
    CLASS_STEP = 16,
    CLASS_FINE = 8,              /* classes of one step each */
    CLASS_FINE_MAX = 128,        /* bytes of the last of them */
    CLASS_QUICK_MAX = 1024,      /* up to where a table tells the class */
    CLASS_SMALL = 48,            /* classes that share spans */
    CLASS_SMALL_MAX = 128 << 10, /* bytes of the last of them */
    CLASS_COUNT = 92,
    CLASS_PLACES = 128, /* a power of two */
    CLASS_MAX = 256 << 20,
};

/* The class of bytes in [1, CLASS_MAX], by computing. */
WARD_INLINE unsigned class_computed(size_t bytes)
{
    unsigned doubling;

    if (WARD_LIKELY(bytes <= CLASS_FINE_MAX))
        return (unsigned)((bytes - 1) / CLASS_STEP);
    doubling = 63 - (unsigned)__builtin_clzll(bytes - 1); /* 7 for 129 .. 256 */
    return CLASS_FINE + (doubling - 7) * 4 + (((unsigned)(bytes - 1) >> (doubling - 2)) & 3);
}

/* The size of its slots. */
WARD_INLINE size_t class_bytes(unsigned index)
{
    unsigned doubling = 7 + (index - CLASS_FINE) / 4;

    if (index < CLASS_FINE)
        return (size_t)(index + 1) * CLASS_STEP;
    return ((size_t)1 << doubling) + ((size_t)((index - CLASS_FINE) % 4 + 1) << (doubling - 2));
}

#endif
