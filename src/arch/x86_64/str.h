/* SPDX-License-Identifier: MIT */
/*
 * Strings by vectors of AVX2: a pair of them at a time as far as the page goes, and what is left of
 * it by words. A short one is a single vector, which AVX-512 can also cut off behind its zero. No
 * byte of what is copied is read twice.
 */
#ifndef WARD_ARCH_STR_H
#define WARD_ARCH_STR_H

#include <ward/inline/touch.h>

#include "copy.h"
#include "core/bulk.h"

enum { VECTOR = 32, PAGE = 4096 };

#define AVX2 __attribute__((target("avx2")))

/* No more aligned than any stack is: no function has to see to it. */
typedef unsigned char vector __attribute__((vector_size(VECTOR), aligned(16)));

struct pair {
    vector a, b;
};

/* One from p and one from q. The kind of the fault; 0: none. */
AVX2 WARD_INLINE uint64_t load_ends(uintptr_t p, uintptr_t q, struct pair *v)
{
    uint64_t kind = 0;

    __asm__ volatile("1: vmovdqu (%[p]), %[a]\n"
                     "2: vmovdqu (%[q]), %[b]\n"
                     "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
                     : [e] "+&r"(kind), [a] "=&x"(v->a), [b] "=&x"(v->b)
                     : [p] "r"(p), [q] "r"(q)
                     : "memory");
    return kind;
}

AVX2 WARD_INLINE uint64_t load_one(uintptr_t p, vector *v)
{
    uint64_t kind = 0;

    __asm__ volatile("1: vmovdqu (%[p]), %[a]\n"
                     "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e, 0)
                     : [e] "+&r"(kind), [a] "=&x"(*v)
                     : [p] "r"(p)
                     : "memory");
    return kind;
}

/* Bit i: byte i is zero. */
AVX2 WARD_INLINE unsigned zeroes(vector v)
{
    typedef char signed_vector __attribute__((vector_size(VECTOR)));
    const vector none = { 0 };

    return (unsigned)__builtin_ia32_pmovmskb256((signed_vector)(v == none));
}

/* Is there one in either? */
AVX2 WARD_INLINE bool any_zero(const struct pair *v)
{
    typedef char signed_vector __attribute__((vector_size(VECTOR)));
    const vector none = { 0 };

    return __builtin_ia32_pmovmskb256((signed_vector)((v->a == none) | (v->b == none))) != 0;
}

/* Stores the vector with everything behind its first zero cleared; returns where that is. */
AVX2 WARD_INLINE size_t put_end(char *dst, vector v, unsigned zero)
{
    static const unsigned char keep[2 * VECTOR] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    size_t length = (size_t)__builtin_ctz(zero);
    vector mask;

    __builtin_memcpy(&mask, keep + VECTOR - length, VECTOR);
    v &= mask;
    __builtin_memcpy(dst, &v, VECTOR);
    return length;
}

/* Bytes from `at` that may be read at once: in its page, and wanted. */
WARD_INLINE size_t in_reach(uintptr_t at, size_t wanted)
{
    size_t page = PAGE - (at & (PAGE - 1));

    return page < wanted ? page : wanted;
}

/* Two vectors that hold a zero. Returns its place. */
AVX2 WARD_INLINE size_t put_last(char *dst, const struct pair *v)
{
    unsigned zero = zeroes(v->a);

    if (zero)
        return put_end(dst, v->a, zero);
    __builtin_memcpy(dst, &v->a, VECTOR);
    return VECTOR + put_end(dst + VECTOR, v->b, zeroes(v->b));
}

/* Pairs of vectors as far as page and room go. *ended: there was a zero, or a fault. No byte is
 * read twice. */
AVX2 WARD_INLINE struct ward_bulk_ str_pairs(char *dst, uintptr_t from, size_t n, bool *ended)
{
    struct pair v;
    size_t i = 0;

    for (; n - i >= sizeof v; i += sizeof v) {
        uint64_t kind = load_ends(from + i, from + i + VECTOR, &v);

        *ended = true;
        if (WARD_UNLIKELY(kind))
            return (struct ward_bulk_){ i, kind };
        if (any_zero(&v))
            return (struct ward_bulk_){ i + put_last(dst + i, &v), 0 };
        *ended = false;
        __builtin_memcpy(dst + i, &v.a, VECTOR);
        __builtin_memcpy(dst + i + VECTOR, &v.b, VECTOR);
    }
    return (struct ward_bulk_){ i, 0 };
}

AVX2 WARD_INLINE struct ward_bulk_ str_one(char *dst, uintptr_t from, bool *ended)
{
    uint64_t kind;
    unsigned zero;
    vector v;

    kind = load_one(from, &v);
    zero = kind ? 0 : zeroes(v);
    *ended = kind || zero;
    if (kind)
        return (struct ward_bulk_){ 0, kind };
    if (zero)
        return (struct ward_bulk_){ put_end(dst, v, zero), 0 };
    __builtin_memcpy(dst, &v, VECTOR);
    return (struct ward_bulk_){ VECTOR, 0 };
}

/* What is left of the page or the room, by words. */
WARD_INLINE struct ward_bulk_ str_rest(char *dst, uintptr_t from, size_t n, bool *ended)
{
    struct ward_bulk_ rest = ward_bulk_general_str_(dst, from, n);

    *ended = rest.kind || rest.done < n;
    return rest;
}

/* The rest of a string of which i bytes are copied. */
AVX2 static __attribute__((noinline)) struct ward_bulk_ str_on(char *dst, uintptr_t from, size_t n,
                                                               size_t i)
{
    struct ward_bulk_ part = { 0, 0 };
    bool ended = false;

    while (i < n && !ended) {
        size_t reach = in_reach(from + i, n - i);

        part = str_pairs(dst + i, from + i, reach, &ended);
        if (!ended && part.done == 0)
            part = reach >= VECTOR ? str_one(dst + i, from + i, &ended)
                                   : str_rest(dst + i, from + i, reach, &ended);
        i += part.done;
    }
    return (struct ward_bulk_){ i, part.kind };
}

/* Is there a vector to be read, in one page, and room for it? */
WARD_INLINE bool is_whole(uintptr_t from, size_t n)
{
    return n >= VECTOR && (from & (PAGE - 1)) <= PAGE - VECTOR;
}

/* One vector, by AVX-512: all that is in it up to and with the first zero, and zeroes behind. Bit
 * i: byte i is zero. 0: there is none, or a fault; what was copied then does not count. */
WARD_INLINE unsigned str_at_once(uintptr_t dst, uintptr_t from)
{
    unsigned zero, keep;

    __asm__ volatile("xorl %[zero], %[zero]\n"
                     "1: vmovdqu64 (%[from]), %%ymm20\n"
                     "vptestnmb %%ymm20, %%ymm20, %%k1\n"
                     "kmovd %%k1, %[zero]\n"
                     "leal -1(%q[zero]), %[keep]\n"
                     "xorl %[zero], %[keep]\n"
                     "kmovd %[keep], %%k1\n"
                     "vmovdqu8 %%ymm20, %%ymm21%{%%k1%}%{z%}\n"
                     "vmovdqu64 %%ymm21, (%[dst])\n"
                     "2:\n" WARD_TOUCH_ENTRY_AT_("1b", "2b", "11")
                     : [zero] "=&r"(zero), [keep] "=&r"(keep)
                     : [from] "r"(from), [dst] "r"(dst)
                     : "memory", "cc", WARD_COPY_USES_HIGH_);
    return zero;
}

/* Most strings are short: one vector holds them. */
AVX2 static struct ward_bulk_ avx2_str(char *dst, uintptr_t from, size_t n)
{
    uint64_t kind;
    unsigned zero;
    vector v;

    if (!is_whole(from, n))
        return str_on(dst, from, n, 0);
    kind = load_one(from, &v);
    if (WARD_UNLIKELY(kind))
        return (struct ward_bulk_){ 0, kind };
    zero = zeroes(v);
    if (zero)
        return (struct ward_bulk_){ put_end(dst, v, zero), 0 };
    __builtin_memcpy(dst, &v, VECTOR);
    return str_on(dst, from, n, VECTOR);
}

#endif
