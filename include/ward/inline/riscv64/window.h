/* SPDX-License-Identifier: MIT */
/* The access window (SUM): inline/window.h. */
#ifndef WARD_INLINE_ISA_WINDOW_H
#define WARD_INLINE_ISA_WINDOW_H

#include <ward/base.h>

static inline void ward_window_open_(void)
{
    uint64_t sum = UINT64_C(1) << 18;

    __asm__ volatile("csrs sstatus, %0" : : "r"(sum) : "memory");
}

static inline void ward_window_close_(void)
{
    uint64_t sum = UINT64_C(1) << 18;

    __asm__ volatile("csrc sstatus, %0" : : "r"(sum) : "memory");
}

#endif
