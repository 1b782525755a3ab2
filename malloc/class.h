/* SPDX-License-Identifier: MIT */
/*
 * Which size class serves a request.
 *
 * Up to 128 bytes every multiple of 16 is a class; then four to a doubling, up to 256 MiB, but from
 * 1 KiB to 16 KiB eight. All are multiples of 16, so that every block is aligned to 16, and each
 * power of two is a class. Programs ask for 1, 2, 4 and 8 KiB, and a little more for a header of
 * their own: with the slack the class above serves them, which is an eighth more and not a quarter.
 *
 *      16 32 48 64 80 96 112 128 | 160 192 224 256 | 320 384 448 512 | 640 768 896 1024
 *      | 1152 1280 ... 2048 | ... 15K 16K | 20K 24K 28K 32K | ... | 160M 192M 224M 256M
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
    CLASS_EIGHTHS = 20,          /* the first of those that are eight to a doubling */
    CLASS_EIGHTHS_MAX = 16384,   /* bytes of the last of them */
    CLASS_SMALL = 64,            /* classes that share spans */
    CLASS_SMALL_MAX = 128 << 10, /* bytes of the last of them */
    CLASS_COUNT = 108,
    CLASS_PLACES = 128, /* a power of two */
    CLASS_MAX = 256 << 20,
};

/* The class of bytes in [1, CLASS_MAX], by computing. */
WARD_INLINE unsigned class_computed(size_t bytes)
{
    unsigned last = (unsigned)(bytes - 1), doubling;

    if (WARD_LIKELY(bytes <= CLASS_FINE_MAX))
        return last / CLASS_STEP;
    doubling = 31 - (unsigned)__builtin_clz(last); /* 7 for 129 .. 256 */
    if (bytes <= CLASS_QUICK_MAX)
        return CLASS_FINE + (doubling - 7) * 4 + (last >> (doubling - 2) & 3);
    if (bytes <= CLASS_EIGHTHS_MAX)
        return CLASS_EIGHTHS + (doubling - 10) * 8 + (last >> (doubling - 3) & 7);
    return CLASS_EIGHTHS + 4 * 8 + (doubling - 14) * 4 + (last >> (doubling - 2) & 3);
}

/* Of the classes above 2^doubling, so many to it, the size of number `index`, from 0 on, in that
 * doubling or one of the next. */
WARD_INLINE size_t class_part(unsigned doubling, unsigned parts, unsigned index)
{
    size_t from = (size_t)1 << (doubling + index / parts);

    return from + from / parts * (index % parts + 1);
}

/* The size of its slots. */
WARD_INLINE size_t class_bytes(unsigned index)
{
    enum { ABOVE = CLASS_EIGHTHS + 4 * 8 }; /* the first behind them */

    if (index < CLASS_FINE)
        return (size_t)(index + 1) * CLASS_STEP;
    if (index < CLASS_EIGHTHS)
        return class_part(7, 4, index - CLASS_FINE);
    if (index < ABOVE)
        return class_part(10, 8, index - CLASS_EIGHTHS);
    return class_part(14, 4, index - ABOVE);
}

#endif
