/* SPDX-License-Identifier: MIT */
/*
 * Side by side, in one run. A case is a piece of work done by several contenders; every round runs
 * each contender once, in turning order, so that whatever else the machine does hits all alike.
 * What is printed is the median over the rounds, and the median of the per-round ratios with its
 * spread (the middle half, p75 - p25).
 *
 * Times are CPU time of the thread: the machine may be shared. Small differences want instruction
 * counts: the same work under `valgrind --tool=callgrind` is exact; bench_count runs it.
 */
#ifndef WARD_BENCH_H
#define WARD_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_CONTENDERS = 4, BENCH_ROUNDS = 61 };

/* Does the work `count` times. */
typedef void bench_work(size_t count);

struct bench_case {
    const char *name; /* the row is NAME.vs_PEER */
    const char *ours_name, *peer_name;
    bench_work *ours, *peer;
    double bar; /* the ratio promised; 0: none */
};

/* The value is used, and unknown to the compiler from here on. */
static inline void bench_use(void *value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

static inline size_t bench_hide(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

#define BENCH_HIDE_POINTER(P) ((__typeof__(P))bench_hide((size_t)(P)))

/* Runs all cases and prints a table, or with --json one object per row. With --count-ours N or
 * --count-peer N and a case's name it does that work N times and nothing else (bench_count's
 * child). Returns main's status: 0, also where a bar is missed (a benchmark is no test). */
int bench_main(int argc, char **argv, const struct bench_case *cases, size_t n);

#endif
