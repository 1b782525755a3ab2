/* SPDX-License-Identifier: MIT */
/*
 * Following a stack outwards.
 *
 * What a frame looks like is read from the .eh_frame of the object it belongs to (malloc/cfi.h).
 * Where there is none, as for code that is made at run time, the chain of frame pointers is tried.
 * Nothing of it is trusted: each step must lead outwards, and what is read of the stack was seen
 * to be readable, or lies on the page the stack pointer is on.
 *
 * A stack is complete if its end was found where the C library marks it, and every step was by
 * .eh_frame. Any thread, signal handlers too; nothing is allocated, no lock, errno stays.
 */
#ifndef WARD_MALLOC_UNWIND_H
#define WARD_MALLOC_UNWIND_H

#include <ward/base.h>

/* Return addresses of the caller's stack, the innermost first, without the innermost `skip` frames;
 * that of the caller is the first. Up to max of them; returns how many. */
unsigned ward_unwind_(uintptr_t *pcs, unsigned max, unsigned skip, bool *complete);

/* The same, for stacks that are taken often: what .eh_frame says of a return address is remembered,
 * and a frame costs some nanoseconds. After an object was unloaded, and another one came to its
 * place, a stack may be wrong. */
unsigned ward_unwind_quickly_(uintptr_t *pcs, unsigned max, unsigned skip, bool *complete);

/* The same from where a signal struck (a ucontext_t): the first is the instruction itself. */
unsigned ward_unwind_from_(const void *context, uintptr_t *pcs, unsigned max, bool *complete);

#endif
