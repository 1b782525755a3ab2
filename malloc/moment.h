/* SPDX-License-Identifier: MIT */
/* When something was done to a block, and by whom: for reports. */
#ifndef WARD_MALLOC_MOMENT_H
#define WARD_MALLOC_MOMENT_H

#include <ward/base.h>

struct moment {
    uint64_t at;     /* nanoseconds of the monotonic clock; 0: never */
    uint32_t thread; /* the system's number of the thread */
    uint32_t trace;  /* its stack, by number; 0: not recorded */
};

/* Now, by this thread. */
struct moment ward_moment_now_(void);

/* The same, and from where. */
struct moment ward_moment_take_(void);

/* Nanoseconds of the same clock. */
uint64_t ward_moment_clock_(void);

/* Is there no such thread in the process any more? */
bool ward_moment_is_gone_(uint32_t process, uint32_t thread);

/* Bytes of memory that this machine has; 0: not known. */
size_t ward_moment_memory_(void);

#endif
