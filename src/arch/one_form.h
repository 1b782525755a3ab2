/* SPDX-License-Identifier: MIT */
/*
 * The choice among the forms of the bulk accesses, where there is none: a machine's bulk.c says
 * WARD_ARCH_ONE_FORM_(FORM) and has answered for all of core/bulk.h.
 *
 * A single word, aligned on both sides, is what kernels copy most, and less work than any form's
 * decisions: it is tried first. If it faults, the form meets the fault again, and reports it.
 */
#ifndef WARD_ARCH_ONE_FORM_H
#define WARD_ARCH_ONE_FORM_H

#include <ward/inline/touch.h>

#include "core/bulk.h"

WARD_INLINE bool ward_bulk_is_word_(uintptr_t foreign, const void *ours, size_t n)
{
    return n == sizeof(uint64_t) && ((foreign | (uintptr_t)ours) & (sizeof(uint64_t) - 1)) == 0;
}

WARD_INLINE bool ward_bulk_word_in_(void *dst, uintptr_t from, size_t n)
{
    uint64_t word = 0;

    if (!ward_bulk_is_word_(from, dst, n) || ward_touch_load_(from, sizeof word, &word))
        return false;
    __builtin_memcpy(__builtin_assume_aligned(dst, sizeof word), &word, sizeof word);
    return true;
}

WARD_INLINE bool ward_bulk_word_out_(uintptr_t to, const void *src, size_t n)
{
    uint64_t word;

    if (!ward_bulk_is_word_(to, src, n))
        return false;
    __builtin_memcpy(&word, __builtin_assume_aligned(src, sizeof word), sizeof word);
    return !ward_touch_store_(to, sizeof word, &word);
}

#define WARD_ARCH_ONE_FORM_(FORM)                                                                  \
    struct ward_bulk_ ward_bulk_try_in_(void *dst, uintptr_t from, size_t n)                       \
    {                                                                                              \
        return (FORM).in(dst, from, n);                                                            \
    }                                                                                              \
    struct ward_bulk_ ward_bulk_try_out_(uintptr_t to, const void *src, size_t n)                  \
    {                                                                                              \
        return (FORM).out(to, src, n);                                                             \
    }                                                                                              \
    struct ward_bulk_ ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n)             \
    {                                                                                              \
        return (FORM).fill(to, value, n);                                                          \
    }                                                                                              \
    int ward_bulk_in_(void *space, uintptr_t from, void *dst, size_t n, void *why,                 \
                      ward_bulk_rest_ *rest)                                                       \
    {                                                                                              \
        return ward_bulk_word_in_(dst, from, n)                                                    \
                   ? 0                                                                             \
                   : ward_bulk_in_by_(&(FORM), space, from, dst, n, why, rest);                    \
    }                                                                                              \
    int ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,            \
                       ward_bulk_rest_ *rest)                                                      \
    {                                                                                              \
        return ward_bulk_word_out_(to, src, n)                                                     \
                   ? 0                                                                             \
                   : ward_bulk_out_by_(&(FORM), space, to, src, n, why, rest);                     \
    }                                                                                              \
    ptrdiff_t ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,          \
                             ward_bulk_str_rest_ *rest)                                            \
    {                                                                                              \
        return ward_bulk_str_by_(&(FORM), space, from, dst, n, why, rest);                         \
    }

#endif
