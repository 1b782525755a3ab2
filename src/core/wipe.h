/* SPDX-License-Identifier: MIT */
#ifndef WARD_CORE_WIPE_H
#define WARD_CORE_WIPE_H

#include <ward/base.h>

/* Clears bytes for good: the compiler must assume that somebody looks at them afterwards. */
static inline void ward_wipe_(void *bytes, size_t len)
{
    __builtin_memset(bytes, 0, len);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

#endif
