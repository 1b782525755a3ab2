/* SPDX-License-Identifier: MIT */
/* x86-64: what traps and devices share. */
#ifndef KERNEL_X86_CPU_H
#define KERNEL_X86_CPU_H

#include "kernel.h"

enum {
    SELECT_KERNEL_CODE = 0x08,
    SELECT_KERNEL_DATA = 0x10,
    SELECT_USER_DATA = 0x1b,
    SELECT_USER_CODE = 0x23,
    SELECT_TASK = 0x28,
    VECTOR_TIMER = 32,
    VECTOR_IPI = 33,
    VECTOR_SPURIOUS = 255,
};

/* From here on this CPU runs the thread, and traps of the user's come to its stack. */
void cpu_thread_set(struct thread *thread);

/* Descriptors, vectors, gs and syscall of this CPU; needs no memory but the image. */
void cpu_tables_init(struct thread *boot);

/* The interrupt was taken. */
void cpu_irq_done(uint64_t vector);

#endif
