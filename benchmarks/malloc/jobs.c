/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "jobs.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workloads.h"

#define PROGRAMS "tests/programs"

/* With this much to do, most take a second or two. */
#define PROGRAMS_SCALE "8"

/* As their script has it: those of the system, not what else is installed by their names. */
#define PROGRAMS_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

struct job jobs[JOBS_MAX];
size_t job_count;

static char programs[PATH_MAX];                     /* where their scripts are */
static char scratch[] = "/tmp/bench_malloc.XXXXXX"; /* what they work on */

/* --- choosing --------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [JOB_WORKLOAD] = "workloads", [JOB_PROGRAM] = "programs", [JOB_SCALING] = "scaling",
    [JOB_MICRO] = "micro",        [JOB_COUNT] = "count",
};

static bool is_wanted(const char *name, enum job_kind kind, char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0 || strcmp(names[i], kind_names[kind]) == 0)
            return true;
    return count == 0;
}

static void add(const char *name, enum job_kind kind)
{
    if (job_count < JOBS_MAX)
        jobs[job_count++] = (struct job){ name, kind };
}

static void remove_scratch(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execlp("rm", "rm", "-rf", scratch, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* The names of programs whose input was made. */
static void add_programs(char **names, size_t count)
{
    char command[PATH_MAX + 128], name[64];
    FILE *ready;

    if (!realpath(PROGRAMS, programs) || !mkdtemp(scratch)) {
        fprintf(stderr, "programs left out: no %s here\n", PROGRAMS);
        return;
    }
    signal(SIGINT, SIG_IGN); /* ends what runs, and that ends the benchmark, which then cleans up */
    atexit(remove_scratch);
    snprintf(command, sizeof command, "SCALE=" PROGRAMS_SCALE " '%s/run' --prepare '%s' --bench",
             programs, scratch);
    ready = popen(command, "r");
    while (ready && fscanf(ready, "%63s", name) == 1)
        if (is_wanted(name, JOB_PROGRAM, names, count))
            add(strdup(name), JOB_PROGRAM);
    if (ready)
        pclose(ready);
}

static const struct workload *workload_named(const char *name)
{
    static const struct workload *const tables[] = { workloads, micros };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct workload *at = tables[i]; at->name; at++)
            if (strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

static void add_workloads(const struct workload *table, char **names, size_t count)
{
    for (; table->name; table++)
        if (is_wanted(table->name, table->kind, names, count))
            add(table->name, table->kind);
}

/* Could it be the name of a program? */
static bool is_of_workloads(const char *name)
{
    for (size_t kind = 0; kind < sizeof kind_names / sizeof *kind_names; kind++)
        if (kind != JOB_PROGRAM && strcmp(kind_names[kind], name) == 0)
            return true;
    return workload_named(name) != NULL;
}

void jobs_choose(char **names, size_t count)
{
    bool programs_wanted = count == 0;

    add_workloads(workloads, names, count);
    add_workloads(micros, names, count);
    for (size_t i = 0; i < count; i++)
        programs_wanted = programs_wanted || !is_of_workloads(names[i]);
    if (programs_wanted)
        add_programs(names, count);
}

/* --- running ---------------------------------------------------------------------------------- */

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void start(const struct job *job, const struct contender *contender, int out)
{
    char path[2 * PATH_MAX];

    signal(SIGINT, SIG_DFL);
    dup2(out, 1);
    if (job->kind == JOB_PROGRAM) {
        snprintf(path, sizeof path, "%s/%s", scratch, job->name);
        if (chdir(path) || setenv("SCALE", PROGRAMS_SCALE, 1) || setenv("PATH", PROGRAMS_PATH, 1))
            _exit(126);
        snprintf(path, sizeof path, "%s/%s", programs, job->name);
        contender_enter(contender);
        execl(path, path, "work", (char *)NULL);
    } else {
        contender_enter(contender);
        execl("/proc/self/exe", "bench_malloc", "--work", job->name, (char *)NULL);
    }
    _exit(127);
}

/* What it printed is thrown away, except the first number. */
static double read_number(int from)
{
    char text[4096] = "", rest[4096];
    ssize_t len = read(from, text, sizeof text - 1);

    while (len > 0 && read(from, rest, sizeof rest) > 0)
        ;
    return len > 0 ? strtod(text, NULL) : 0;
}

struct usage job_run(const struct job *job, const struct contender *contender)
{
    double started = now(), printed;
    struct rusage used;
    int ends[2], status = 0;
    pid_t pid;

    if (pipe(ends)) {
        perror("pipe");
        exit(1);
    }
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        start(job, contender, ends[1]);
    }
    close(ends[1]);
    printed = read_number(ends[0]);
    close(ends[0]);
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status != 0) {
        fprintf(stderr, "%s under %s ended with %x\n", job->name, contender->name,
                (unsigned)status);
        exit(1);
    }
    return (struct usage){
        .cpu = seconds(used.ru_utime) + seconds(used.ru_stime),
        .wall = job->kind == JOB_MICRO || job->kind == JOB_COUNT ? printed : now() - started,
        .kib = (double)used.ru_maxrss,
    };
}

int job_work(const char *name)
{
    const struct workload *workload = workload_named(name);

    if (!workload)
        return 1;
    workload->run();
    return 0;
}
