/* SPDX-License-Identifier: MIT */
/*
 * The malloc, under each profile, against others: whole programs under LD_PRELOAD, in turn, in one
 * run.
 *
 * CPU time and peak memory are what the system charges the process with; what is printed is the
 * ratio to mimalloc (1 is as fast, or as small), the median over the rounds, and over the workloads
 * the geometric mean.
 *
 *   bench_malloc [--json] [--rounds N] [--only NAME,...] [WORKLOAD...]
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "malloc/workloads.h"

enum { ROUNDS_MAX = 31, PATH = 512, CONTENDERS = 9, WORKLOADS_MAX = 32 };

/* Peak memory is judged where a program uses much; below, it is that of the C library. */
static const long much_kib = 32 << 10;

struct contender {
    const char *name;
    const char *file;    /* in a directory of libraries; NULL: ours, or none */
    const char *profile; /* ours */
    char path[PATH];     /* empty: not preloaded */
    bool here;
};

static struct contender contenders[CONTENDERS] = {
    { .name = "mimalloc", .file = "libmimalloc.so.2" }, /* what all are compared with */
    { .name = "fast", .profile = "profile=fast" },
    { .name = "balanced", .profile = "profile=balanced" },
    { .name = "glibc" },
    { .name = "jemalloc", .file = "libjemalloc.so.2" },
    { .name = "tcmalloc", .file = "libtcmalloc_minimal.so.4" },
    { .name = "scudo", .file = "libclang_rt.scudo_standalone-x86_64.so" },
};

struct usage {
    double seconds;
    double kib;
};

static struct usage results[WORKLOADS_MAX][CONTENDERS][ROUNDS_MAX];

static bool find(struct contender *contender)
{
    static const char *const directories[] = {
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux",
    };

    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        snprintf(contender->path, PATH, "%s/%s", directories[i], contender->file);
        if (access(contender->path, R_OK) == 0)
            return true;
    }
    return false;
}

/* Is it in a list with commas? mimalloc always is. */
static bool is_asked_for(const char *only, const char *name)
{
    return !only || strcmp(name, contenders[0].name) == 0 || strstr(only, name);
}

/* Ours stands beside this program. */
static void find_all(const char *only)
{
    char self[PATH] = "";
    ssize_t length = readlink("/proc/self/exe", self, PATH - 1);
    char *slash = length > 0 ? strrchr(self, '/') : NULL;

    if (!slash)
        exit(1);
    *slash = 0;
    for (size_t i = 0; i < CONTENDERS && contenders[i].name; i++) {
        struct contender *contender = &contenders[i];

        contender->here = is_asked_for(only, contender->name);
        if (!contender->here)
            continue;
        if (contender->profile)
            snprintf(contender->path, PATH, "%.480s/libward-malloc.so", self);
        else if (contender->file)
            contender->here = find(contender);
        if (!contender->here)
            fprintf(stderr, "not here: %s\n", contender->file);
    }
}

static struct usage run(const struct contender *contender, const char *workload)
{
    pid_t pid = fork();
    struct rusage used;
    int status = 0;

    if (pid == 0) {
        if (contender->path[0])
            setenv("LD_PRELOAD", contender->path, 1);
        if (contender->profile)
            setenv("WARD_OPTIONS", contender->profile, 1);
        execl("/proc/self/exe", "bench_malloc", "--work", workload, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status != 0) {
        fprintf(stderr, "%s under %s ended with %x\n", workload, contender->name, (unsigned)status);
        exit(1);
    }
    return (struct usage){
        (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
            (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
        (double)used.ru_maxrss,
    };
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

/* The median of the rounds' ratios to contender 0. */
static double ratio_of(size_t workload, size_t contender, size_t rounds, bool memory)
{
    double ratios[ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++) {
        const struct usage *ours = &results[workload][contender][i];
        const struct usage *theirs = &results[workload][0][i];

        ratios[i] = memory ? ours->kib / theirs->kib : ours->seconds / theirs->seconds;
    }
    return median(ratios, rounds);
}

static void print(const char *contender, const char *what, const char *workload, double ratio,
                  bool json)
{
    if (json)
        printf("{\"case\": \"malloc.%s.%s%s%s.vs_mimalloc\", \"ratio\": %.4g}\n", contender, what,
               *workload ? "." : "", workload, ratio);
    else
        printf("malloc.%s.%s%s%s.vs_mimalloc  %.2f\n", contender, what, *workload ? "." : "",
               workload, ratio);
}

static void report(size_t contender, size_t workload_of[], size_t count, size_t rounds, bool json)
{
    const char *name = contenders[contender].name;
    double cpu = 0, memory = 0;
    size_t large = 0;

    for (size_t i = 0; i < count; i++) {
        double ratio = ratio_of(workload_of[i], contender, rounds, false);

        print(name, "cpu", workloads[workload_of[i]].name, ratio, json);
        cpu += log(ratio);
        if (results[workload_of[i]][0][0].kib < (double)much_kib)
            continue;
        ratio = ratio_of(workload_of[i], contender, rounds, true);
        print(name, "rss", workloads[workload_of[i]].name, ratio, json);
        memory += log(ratio);
        large++;
    }
    print(name, "cpu", "", exp(cpu / (double)count), json);
    if (large)
        print(name, "rss", "", exp(memory / (double)large), json);
}

static void measure(size_t workload, size_t rounds)
{
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < CONTENDERS; i++) {
            size_t at = (i + round) % CONTENDERS;

            if (contenders[at].here)
                results[workload][at][round] = run(&contenders[at], workloads[workload].name);
        }
}

static int work(const char *name)
{
    for (size_t i = 0; i < workload_count; i++)
        if (strcmp(workloads[i].name, name) == 0) {
            workloads[i].run();
            return 0;
        }
    return 1;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    bool any = false;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            i += strcmp(argv[i], "--json") != 0;
            continue;
        }
        any = true;
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return !any;
}

int main(int argc, char **argv)
{
    size_t rounds = 5, wanted[WORKLOADS_MAX], count = 0;
    const char *only = NULL;
    bool json = false;

    if (argc == 3 && strcmp(argv[1], "--work") == 0)
        return work(argv[2]);
    for (int i = 1; i < argc; i++) {
        json = json || strcmp(argv[i], "--json") == 0;
        if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[i + 1];
    }
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    find_all(only);
    if (!contenders[0].here)
        return 1;
    for (size_t i = 0; i < workload_count; i++)
        if (is_wanted(workloads[i].name, argc, argv)) {
            measure(i, rounds);
            wanted[count++] = i;
        }
    for (size_t i = 1; i < CONTENDERS; i++)
        if (contenders[i].here && count)
            report(i, wanted, count, rounds, json);
    return 0;
}
