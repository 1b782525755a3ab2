/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "../bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One measurement lasts about this long: long against the clock's cost, short against a time slice.
 */
static const double round_ns = 1.2e6;

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_of(bench_work *work, size_t count)
{
    double start = now_ns();

    work(count);
    return (now_ns() - start) / (double)count;
}

/* How often to do the work for one measurement; warms up on the way. */
static size_t count_for(bench_work *work)
{
    size_t count = 1;

    while (time_of(work, count) * (double)count < round_ns / 4)
        count *= 2;
    return (size_t)(round_ns / time_of(work, count)) + 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The value below which `part` of the values lie. Sorts. */
static double quantile(double *values, size_t n, double part)
{
    qsort(values, n, sizeof *values, by_value);
    return values[(size_t)(part * (double)(n - 1) + 0.5)];
}

struct row {
    char name[128];
    double ours, peer, ratio, spread, bar;
};

static void print_row(const struct row *row, bool json, const char *unit)
{
    char bar[32] = "";

    if (json) {
        printf("{\"case\": \"%s\", \"ours\": %.4g, \"peer\": %.4g, \"ratio\": %.4g, "
               "\"spread\": %.3g}\n",
               row->name, row->ours, row->peer, row->ratio, row->spread);
    } else {
        if (row->bar > 0)
            snprintf(bar, sizeof bar, "%s %.2f", row->ratio <= row->bar ? "within" : "ABOVE",
                     row->bar);
        printf("%-52s %9.2f %9.2f %s %7.2f  +-%-5.2f %s\n", row->name, row->ours, row->peer, unit,
               row->ratio, row->spread / 2, bar);
    }
    fflush(stdout);
}

static void measure(const struct bench_case *c, struct row *row)
{
    size_t ours_count = count_for(c->ours), peer_count = count_for(c->peer);
    double ours[BENCH_ROUNDS], peer[BENCH_ROUNDS], ratio[BENCH_ROUNDS];

    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        if (i % 2)
            ours[i] = time_of(c->ours, ours_count);
        peer[i] = time_of(c->peer, peer_count);
        if (i % 2 == 0)
            ours[i] = time_of(c->ours, ours_count);
        ratio[i] = ours[i] / peer[i];
    }
    row->ours = quantile(ours, BENCH_ROUNDS, 0.5);
    row->peer = quantile(peer, BENCH_ROUNDS, 0.5);
    row->spread = quantile(ratio, BENCH_ROUNDS, 0.75) - quantile(ratio, BENCH_ROUNDS, 0.25);
    row->ratio = quantile(ratio, BENCH_ROUNDS, 0.5);
    row->bar = c->bar;
}

/* --- instructions ----------------------------------------------------------------------------- */

/* Instructions of this program doing one side of a case `count` times; 0: valgrind is not here. */
static double instructions(const char *name, const char *side, size_t count)
{
    char command[512], self[256], line[256];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    unsigned long long total = 0;
    FILE *out;

    if (len <= 0)
        return 0;
    self[len] = '\0';
    snprintf(command, sizeof command,
             "valgrind --tool=callgrind --callgrind-out-file=/dev/null '%s' --count-%s %zu %s 2>&1",
             self, side, count, name);
    out = popen(command, "r");
    while (out && fgets(line, sizeof line, out)) {
        const char *at = strstr(line, "Collected : ");

        if (at)
            total = strtoull(at + strlen("Collected : "), NULL, 10);
    }
    if (out)
        pclose(out);
    return (double)total;
}

/* By difference: what start and end cost falls out. */
static double per_work(const char *name, const char *side)
{
    enum { FEW = 200, MANY = 1200 };
    double few = instructions(name, side, FEW), many = instructions(name, side, MANY);

    return few > 0 && many > few ? (many - few) / (MANY - FEW) : 0;
}

static bool count(const struct bench_case *c, struct row *row)
{
    row->ours = per_work(c->name, "ours");
    row->peer = per_work(c->name, "peer");
    row->ratio = row->peer > 0 ? row->ours / row->peer : 0;
    row->spread = 0;
    row->bar = 0;
    return row->ours > 0 && row->peer > 0;
}

/* --- main ------------------------------------------------------------------------------------- */

static int count_child(char **argv, const struct bench_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(cases[i].name, argv[3]) == 0) {
            (strcmp(argv[1], "--count-ours") ? cases[i].peer
                                             : cases[i].ours)(strtoul(argv[2], NULL, 10));
            return 0;
        }
    }
    return 1;
}

static void row_name(struct row *row, const struct bench_case *c, const char *unit)
{
    snprintf(row->name, sizeof row->name, "%s.vs_%s%s", c->name, c->peer_name, unit);
}

int bench_main(int argc, char **argv, const struct bench_case *cases, size_t n)
{
    bool json = false, counting = true;
    struct row row;

    if (argc == 4 && strncmp(argv[1], "--count-", 8) == 0)
        return count_child(argv, cases, n);
    for (int i = 1; i < argc; i++) {
        json = json || strcmp(argv[i], "--json") == 0;
        counting = counting && strcmp(argv[i], "--no-count");
    }
    if (!json)
        printf("%-52s %9s %9s    %7s  %-7s %s\n", "case", "ours", "peer", "ratio", "spread", "bar");
    for (size_t i = 0; i < n; i++) {
        row_name(&row, &cases[i], "");
        measure(&cases[i], &row);
        print_row(&row, json, "ns");
    }
    for (size_t i = 0; i < n && counting; i++) {
        row_name(&row, &cases[i], ".instructions");
        counting = count(&cases[i], &row);
        if (counting)
            print_row(&row, json, "in");
        else
            fprintf(stderr, "no instruction counts: valgrind is not installed\n");
    }
    return 0;
}
