/* SPDX-License-Identifier: MIT */
/*
 * The status of this process, for readers outside (ward/status.h), and its text at the end where
 * the option `stats` asks for it. Counters are relaxed atomics; nothing on a fast path counts.
 */
#ifndef WARD_MALLOC_STATUS_H
#define WARD_MALLOC_STATUS_H

#include <stdatomic.h>

#include <ward/status.h>

#include "options.h"

extern struct ward_status ward_status_;

/* Fills it in, once everything is laid out. wanted: bytes that each class was to have. */
void ward_status_start_(const struct options *options, size_t wanted);

/* At the end of process `wanted`, or of all (STATS_ALL), the status is written to standard error.
 */
void ward_status_at_end_(unsigned wanted);

/* The handler of SIGSEGV is the malloc's from now on. To be called right after it was installed. */
void ward_status_segv_installed_(void);

/* Looks whose it is now. A system call, so only where others are made anyway. */
void ward_status_look_(void);

WARD_INLINE void status_add(enum ward_status_counter counter, uint64_t n)
{
    __atomic_fetch_add(&ward_status_.counters[counter], n, __ATOMIC_RELAXED);
}

WARD_INLINE void status_sub(enum ward_status_counter counter, uint64_t n)
{
    __atomic_fetch_sub(&ward_status_.counters[counter], n, __ATOMIC_RELAXED);
}

WARD_INLINE uint64_t status_get(enum ward_status_counter counter)
{
    return __atomic_load_n(&ward_status_.counters[counter], __ATOMIC_RELAXED);
}

/* More bytes are in use, or fewer. */
void ward_status_use_(size_t bytes);
WARD_INLINE void status_unuse(size_t bytes)
{
    status_sub(WARD_STATUS_USED, bytes);
}

#endif
