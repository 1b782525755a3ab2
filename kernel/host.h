/* SPDX-License-Identifier: MIT */
/* What frames, tables and the heap know of each other beyond kernel.h. */
#ifndef KERNEL_HOST_H
#define KERNEL_HOST_H

#include <ward/base.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* Pages of the kernel half, with guards around; 0: there are not so many left. They are used
 * once: a stale pointer meets nobody else. */
uint64_t host_reserve(size_t bytes);

extern uint64_t frames_of_kernel; /* atomic: those of the heap and of the kernel's tables */

#endif
