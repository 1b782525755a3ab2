/* SPDX-License-Identifier: MIT */
/* What the allocators are given to do. */
#ifndef WARD_BENCH_WORKLOADS_H
#define WARD_BENCH_WORKLOADS_H

#include <stddef.h>

#include "jobs.h"

struct workload {
    const char *name;
    enum job_kind kind;
    void (*run)(void);
};

/* Each writes what it allocates, as programs do. Ends with a name that is NULL. */
extern const struct workload workloads[];

/* One operation in a loop, and the same work by more and more threads. Ends with a name that is
 * NULL. */
extern const struct workload micros[];

/* How often a micro does its operation; 0: as often as it takes to time it, and it prints the
 * nanoseconds. */
extern size_t micro_count;

#endif
