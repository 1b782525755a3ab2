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

/* One operation in a loop, and the same work by more and more threads. What is timed or counted in
 * the process is printed. Ends with a name that is NULL. */
extern const struct workload micros[];

#endif
