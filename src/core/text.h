/* SPDX-License-Identifier: MIT */
/*
 * A text under construction, without libc: what does not fit is cut, and a terminator, which
 * the caller adds, always fits.
 */
#ifndef WARD_CORE_TEXT_H
#define WARD_CORE_TEXT_H

#include <ward/base.h>

struct text {
    char *at;
    size_t len, cap; /* cap is at least 1 */
};

WARD_INLINE void put(struct text *t, const char *s)
{
    for (; *s; s++)
        if (t->len + 1 < t->cap)
            t->at[t->len++] = *s;
}

WARD_INLINE void put_number(struct text *t, uint64_t n, unsigned radix)
{
    char digits[24];
    size_t i = sizeof digits - 1;

    digits[i] = '\0';
    do
        digits[--i] = "0123456789abcdef"[n % radix];
    while (n /= radix);
    put(t, radix == 16 ? "0x" : "");
    put(t, digits + i);
}

#endif
