/* SPDX-License-Identifier: MIT */
/* The access window (AC, by SMAP): inline/window.h. */
#ifndef WARD_INLINE_ISA_WINDOW_H
#define WARD_INLINE_ISA_WINDOW_H

#include <ward/base.h>

/* stac and clac, which old assemblers do not know. */
static inline void ward_window_open_(void)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xcb" : : : "memory", "cc");
}

static inline void ward_window_close_(void)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xca" : : : "memory", "cc");
}

#endif
