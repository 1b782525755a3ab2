/* SPDX-License-Identifier: MIT */
/* What is run under each allocator, and what it used. */
#ifndef WARD_BENCH_JOBS_H
#define WARD_BENCH_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "contenders.h"

enum { JOBS_MAX = 64, JOB_ROUNDS_MAX = 31 };

enum job_kind {
    JOB_WORKLOAD, /* a function of workloads.c, in a process of its own */
    JOB_PROGRAM,  /* of tests/programs */
    JOB_SCALING,  /* the same work by some number of threads */
    JOB_MICRO,    /* one operation in a loop, which takes its own time */
    JOB_COUNT,    /* the same, which counts its instructions */
};

struct usage {
    double cpu; /* seconds, user and system, of all its processes */
    double
        wall;   /* seconds; of JOB_MICRO, nanoseconds of an operation; of JOB_COUNT, instructions */
    double kib; /* peak of the largest of its processes */
};

struct job {
    const char *name;
    enum job_kind kind;
};

extern struct job jobs[JOBS_MAX];
extern size_t job_count;

/* The names of those that are wanted, and of kinds ("workloads", "programs", "scaling", "micro",
 * "count");
 * none: all. Prepares what programs work on, in a directory that is removed at the end; those that
 * are not installed are left out, which is said on stderr. */
void jobs_choose(char **names, size_t count);

/* Once, to its end; ends the benchmark if it fails. */
struct usage job_run(const struct job *job, const struct contender *contender);

/* In the process that job_run() makes. Returns main's status. */
int job_work(const char *name);

#endif
