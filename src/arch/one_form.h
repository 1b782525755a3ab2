/* SPDX-License-Identifier: MIT */
/*
 * The choice among the forms of the bulk accesses, where there is none: a machine's bulk.c says
 * WARD_ARCH_ONE_FORM_(FORM) and has answered for all of core/bulk.h.
 */
#ifndef WARD_ARCH_ONE_FORM_H
#define WARD_ARCH_ONE_FORM_H

#include "core/bulk.h"

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
        return ward_bulk_in_by_(&(FORM), space, from, dst, n, why, rest);                          \
    }                                                                                              \
    int ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,            \
                       ward_bulk_rest_ *rest)                                                      \
    {                                                                                              \
        return ward_bulk_out_by_(&(FORM), space, to, src, n, why, rest);                           \
    }                                                                                              \
    ptrdiff_t ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,          \
                             ward_bulk_str_rest_ *rest)                                            \
    {                                                                                              \
        return ward_bulk_str_by_(&(FORM), space, from, dst, n, why, rest);                         \
    }

#endif
