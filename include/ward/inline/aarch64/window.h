/* SPDX-License-Identifier: MIT */
/* The access window (PAN): inline/window.h. */
#ifndef WARD_INLINE_ISA_WINDOW_H
#define WARD_INLINE_ISA_WINDOW_H

#include <ward/base.h>

/* msr pan, #0 and msr pan, #1: the base architecture has no name for them. */
static inline void ward_window_open_(void)
{
    __asm__ volatile(".inst 0xd500409f" : : : "memory");
}

static inline void ward_window_close_(void)
{
    __asm__ volatile(".inst 0xd500419f" : : : "memory");
}

#endif
