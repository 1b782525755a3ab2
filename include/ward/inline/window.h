/* SPDX-License-Identifier: MIT */
/*
 * The access window: where the processor keeps a kernel out of user memory (SMAP, PAN, SUM), direct
 * accesses open it for as long as they last. Kernels compile themselves, and ward, with
 * -DWARD_ACCESS_WINDOW=1. Everywhere else the two functions are nothing.
 *
 * Closing what is closed is nothing. Whoever interrupts an access closes first, and restores what
 * was when it goes back: that is for the kernel's entry code to do.
 */
#ifndef WARD_INLINE_WINDOW_H
#define WARD_INLINE_WINDOW_H

#include <ward/base.h>

#if defined(WARD_ACCESS_WINDOW) && WARD_ACCESS_WINDOW
#if defined(__x86_64__)
#include <ward/inline/x86_64/window.h>
#elif defined(__aarch64__)
#include <ward/inline/aarch64/window.h>
#elif defined(__riscv)
#include <ward/inline/riscv64/window.h>
#endif
#else
#include <ward/inline/no_window.h>
#endif

#endif
