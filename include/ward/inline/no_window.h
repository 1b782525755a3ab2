/* SPDX-License-Identifier: MIT */
/* No access window: in place of a machine's. */
#ifndef WARD_INLINE_ISA_WINDOW_H
#define WARD_INLINE_ISA_WINDOW_H

static inline void ward_window_open_(void)
{
}

static inline void ward_window_close_(void)
{
}

#endif
