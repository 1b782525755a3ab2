/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault: those of the machine compiled for.
 */
#ifndef WARD_INLINE_TOUCH_H
#define WARD_INLINE_TOUCH_H

#if defined(__x86_64__)
#include <ward/inline/x86_64/touch.h>
#elif defined(__aarch64__)
#include <ward/inline/aarch64/touch.h>
#elif defined(__riscv)
#include <ward/inline/riscv64/touch.h>
#endif

#endif
