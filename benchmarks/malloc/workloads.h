/* SPDX-License-Identifier: MIT */
/* What the allocators are given to do. Each writes what it allocates, as programs do. */
#ifndef WARD_BENCH_WORKLOADS_H
#define WARD_BENCH_WORKLOADS_H

#include <stddef.h>

struct workload {
    const char *name;
    void (*run)(void);
};

extern const struct workload workloads[];
extern const size_t workload_count;

#endif
