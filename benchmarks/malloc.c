/* SPDX-License-Identifier: MIT */
/*
 * The malloc, under each profile, against others: whole processes under LD_PRELOAD, in turn, in one
 * run. What is done is the workloads of malloc/workloads.c and real programs of tests/programs.
 *
 * CPU time and peak memory are what the system charges the processes with. What is printed is the
 * ratio to the same work under another allocator in the same round, the median over the rounds;
 * over all workloads and programs it is the geometric mean. A bar is what is promised. `pages` is
 * measured if it is named.
 *
 *   bench_malloc [--json] [--rounds N] [--only ALLOCATOR,...] [NAME...]
 *
 * NAME is a workload, a program, or one of: workloads programs scaling micro count.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "malloc/contenders.h"
#include "malloc/jobs.h"

enum { CONTENDERS_MAX = 12 };

/* Peak memory is judged where a program uses much; below, it is that of the C library. */
static const double much_kib = 32 << 10;

static struct usage results[JOBS_MAX][CONTENDERS_MAX][JOB_ROUNDS_MAX];
static size_t rounds = 5;
static bool json;
static bool all_jobs; /* means of some only are not judged */

/* --- what is promised ------------------------------------------------------------------------- */

static const struct {
    const char *row;
    double most;
} bars[] = {
    { "malloc.fast.cpu.vs_mimalloc", 1.10 },
    { "malloc.balanced.cpu.vs_mimalloc", 1.35 },
    { "malloc.strict.cpu.vs_mimalloc", 1.9 },
    { "malloc.balanced.cpu.vs_glibc", 1.0 },
    { "malloc.balanced.cpu.worst.vs_mimalloc", 2.5 },
    { "malloc.balanced.rss.vs_mimalloc", 0.9 },
    { "malloc.fast.handover.wall.vs_glibc", 0.5 },
    { "malloc.balanced.handover.wall.vs_glibc", 0.8 },
    { "malloc.fast.pair_64k.vs_mimalloc", 2 },
    { "malloc.fast.pair_256k.vs_mimalloc", 2 },
    { "malloc.fast.pair_1m.vs_mimalloc", 2 },
    { "malloc.balanced.pair_64k_cleared.vs_mimalloc", 1.5 },
    { "malloc.balanced.pair_256k_cleared.vs_mimalloc", 1.5 },
    { "malloc.balanced.pair_1m_cleared.vs_mimalloc", 1.5 },
    { "malloc.strict.pair_64k_cleared.vs_mimalloc", 1.5 },
    { "malloc.strict.pair_256k_cleared.vs_mimalloc", 1.5 },
    { "malloc.strict.pair_1m_cleared.vs_mimalloc", 1.5 },
    { "malloc.fast.threads_8.wall.vs_threads_1", 1 },
    { "malloc.balanced.threads_8.wall.vs_threads_1", 1 },
    { "malloc.strict.threads_8.wall.vs_threads_1", 1 },
    { "malloc.fast.pair_64.instructions", 100 },
    { "malloc.balanced.pair_64.instructions", 220 },
};

/* 0: nothing. */
static double bar_of(const char *row)
{
    for (size_t i = 0; i < sizeof bars / sizeof *bars; i++)
        if (strcmp(bars[i].row, row) == 0)
            return bars[i].most;
    return 0;
}

/* name: of the row, behind what all begin with. */
static void __attribute__((format(printf, 3, 4)))
print(const char *contender, double value, const char *name, ...)
{
    char row[160], bar[32] = "";
    size_t len = (size_t)snprintf(row, sizeof row, "malloc.%s.", contender);
    double most;
    va_list arguments;

    va_start(arguments, name);
    vsnprintf(row + len, sizeof row - len, name, arguments);
    va_end(arguments);
    most = all_jobs || !(strstr(row, ".cpu.") || strstr(row, ".rss.")) ? bar_of(row) : 0;
    if (json) {
        if (most > 0)
            snprintf(bar, sizeof bar, ", \"bar\": %.2f", most);
        printf("{\"case\": \"%s\", \"ratio\": %.4g%s}\n", row, value, bar);
    } else {
        if (most > 0)
            snprintf(bar, sizeof bar, "%s %.2f", value <= most ? "within" : "ABOVE", most);
        printf("%-60s %8.2f  %s\n", row, value, bar);
    }
    fflush(stdout);
}

/* --- ratios ----------------------------------------------------------------------------------- */

enum what { CPU, WALL, MEMORY };

static double value_of(const struct usage *usage, enum what what)
{
    return what == CPU ? usage->cpu : what == WALL ? usage->wall : usage->kib;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of the rounds' ratios. */
static double ratio(const struct usage ours[], const struct usage theirs[], enum what what)
{
    double ratios[JOB_ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++)
        ratios[i] = value_of(&ours[i], what) / value_of(&theirs[i], what);
    qsort(ratios, rounds, sizeof *ratios, by_value);
    return ratios[rounds / 2];
}

/* Of what was counted: it depends a little on which slots a process happens to choose. */
static double median(const struct usage ours[])
{
    double counts[JOB_ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++)
        counts[i] = ours[i].wall;
    qsort(counts, rounds, sizeof *counts, by_value);
    return counts[rounds / 2];
}

/* A geometric mean, and the worst that went into it. */
struct mean {
    double logarithms, worst;
    size_t count;
};

static void take(struct mean *mean, double value)
{
    mean->logarithms += log(value);
    mean->worst = value > mean->worst ? value : mean->worst;
    mean->count++;
}

static void print_mean(const char *contender, const struct mean *mean, const char *name)
{
    if (mean->count)
        print(contender, exp(mean->logarithms / (double)mean->count), "%s", name);
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool is_judged(const struct job *job)
{
    return job->kind == JOB_WORKLOAD || job->kind == JOB_PROGRAM;
}

static void report_memory(size_t at)
{
    const char *name = contenders[at].name;
    struct mean mean = { 0 };

    for (size_t i = 0; i < job_count; i++)
        if (is_judged(&jobs[i]) && results[i][0][0].kib >= much_kib) {
            take(&mean, ratio(results[i][at], results[i][0], MEMORY));
            print(name, ratio(results[i][at], results[i][0], MEMORY), "rss.%s.vs_mimalloc",
                  jobs[i].name);
        }
    print_mean(name, &mean, "rss.vs_mimalloc");
}

static void report_time(size_t at)
{
    const struct contender *glibc = contender_named("glibc");
    const char *name = contenders[at].name;
    struct mean all = { 0 }, of_kind[2] = { { 0 } }, to_glibc = { 0 };

    for (size_t i = 0; i < job_count; i++) {
        double to_mimalloc = ratio(results[i][at], results[i][0], CPU);

        if (!is_judged(&jobs[i]))
            continue;
        print(name, to_mimalloc, "cpu.%s.vs_mimalloc", jobs[i].name);
        take(&all, to_mimalloc);
        take(&of_kind[jobs[i].kind == JOB_PROGRAM], to_mimalloc);
        if (glibc)
            take(&to_glibc, ratio(results[i][at], results[i][glibc - contenders], CPU));
    }
    print_mean(name, &of_kind[0], "cpu.workloads.vs_mimalloc");
    print_mean(name, &of_kind[1], "cpu.programs.vs_mimalloc");
    print_mean(name, &all, "cpu.vs_mimalloc");
    print_mean(name, &to_glibc, "cpu.vs_glibc");
    if (all.count)
        print(name, all.worst, "cpu.worst.vs_mimalloc");
}

/* What is measured by the clock on the wall, or an operation at a time. */
static void report_single(size_t at)
{
    const struct contender *glibc = contender_named("glibc");
    const struct usage *one = NULL;
    const char *name = contenders[at].name;

    for (size_t i = 0; i < job_count; i++) {
        const struct usage *ours = results[i][at];

        if (strcmp(jobs[i].name, "handover") == 0 && glibc)
            print(name, ratio(ours, results[i][glibc - contenders], WALL),
                  "handover.wall.vs_glibc");
        if (jobs[i].kind == JOB_MICRO)
            print(name, ratio(ours, results[i][0], WALL), "%s.vs_mimalloc", jobs[i].name);
        if (jobs[i].kind == JOB_COUNT && ours->wall > 0)
            print(name, median(ours), "pair_64.instructions");
        if (jobs[i].kind == JOB_SCALING && one)
            print(name, ratio(ours, one, WALL), "%s.wall.vs_threads_1", jobs[i].name);
        if (strcmp(jobs[i].name, "threads_1") == 0)
            one = ours;
    }
}

/* --- main ------------------------------------------------------------------------------------- */

static void measure(size_t job)
{
    size_t count = 0;

    while (contenders[count].name)
        count++;
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++) {
            size_t at = (i + round) % count;

            if (contenders[at].here)
                results[job][at][round] = job_run(&jobs[job], &contenders[at]);
        }
}

static bool find_contenders(const char *only)
{
    char self[CONTENDER_PATH] = "";
    char *slash;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return false;
    slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    return contenders_find(only, self);
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    char **names = argv;
    size_t count = 0;

    if (argc > 2 && strcmp(argv[1], "--work") == 0)
        return job_work(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            names[count++] = argv[i];
    }
    rounds = rounds < 1 ? 1 : rounds > JOB_ROUNDS_MAX ? JOB_ROUNDS_MAX : rounds;
    if (!find_contenders(only))
        return 1;
    jobs_choose(names, count);
    all_jobs = count == 0;
    for (size_t i = 0; i < job_count; i++)
        measure(i);
    for (size_t at = 0; contenders[at].name && job_count; at++) {
        if (!contenders[at].here)
            continue;
        if (at) {
            report_time(at);
            report_memory(at);
        }
        report_single(at);
    }
    return 0;
}
