/* SPDX-License-Identifier: MIT */
/* ward stat: what the hardened malloc of a running process has done so far. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "find.h"
#include "target.h"

struct stat_options {
    bool json, watch;
};

/* What /proc says of the process as a whole. */
struct whole {
    char name[64];
    uint64_t rss_kib, peak_kib, caught; /* caught: bit n - 1: it has a handler of signal n */
    bool known;
};

static void ask_whole(const struct ward_process *process, struct whole *whole)
{
    char path[32], line[256];
    FILE *file;

    *whole = (struct whole){ .name = "?" };
    (void)snprintf(path, sizeof path, "/proc/%d/status",
                   process->proc_pid ? process->proc_pid : process->pid);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "Name: %63[^\n]", whole->name);
        (void)sscanf(line, "VmRSS: %" SCNu64, &whole->rss_kib);
        (void)sscanf(line, "VmHWM: %" SCNu64, &whole->peak_kib);
        whole->known |= sscanf(line, "SigCgt: %" SCNx64, &whole->caught) == 1;
    }
    if (file)
        fclose(file);
}

/* --- Printing --------------------------------------------------------------------------------- */

/* What is not printable ASCII reaches no terminal, nor a quote a string of JSON. */
static void print_plain(const char *text, size_t most)
{
    for (size_t i = 0; i < most && text[i]; i++)
        putchar(text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\' ? text[i]
                                                                                      : '?');
}

static void print_text(const struct ward_process *process, const struct whole *whole,
                       const struct ward_status *status, const struct ward_status_totals *sum)
{
    char text[2048];

    ward_status_print(status, sum, "", text, sizeof text);
    printf("process      %d, ", process->pid);
    print_plain(whole->name, sizeof whole->name);
    printf("\nresident     %" PRIu64 " KiB, %" PRIu64 " KiB at the peak, of the whole process\n%s",
           whole->rss_kib, whole->peak_kib, text);
}

static void print_number(const char *name, uint64_t value)
{
    printf(",\"%s\":%" PRIu64, name, value);
}

static void print_counted(const struct ward_status_totals *sum)
{
    print_number("live_blocks", sum->blocks);
    print_number("live_bytes", sum->bytes);
    print_number("live_slot_bytes", sum->slot_bytes);
    print_number("quarantine_blocks", sum->waiting);
    print_number("quarantine_bytes", sum->waiting_bytes);
    print_number("free_slots", sum->free_slots);
    print_number("kept_bytes", sum->kept_bytes);
    print_number("frees", sum->frees);
    print_number("spans", sum->spans);
}

static void print_sum(const struct ward_status_totals *sum)
{
    if (sum->counted)
        print_counted(sum);
    print_number("allocations", sum->allocations);
    print_number("allocated_bytes", sum->allocated_bytes);
    print_number("threads", sum->threads);
}

static void print_json(const struct ward_process *process, const struct whole *whole,
                       const struct ward_status *status, const struct ward_status_totals *sum)
{
    static const char *const segv[] = { "none", "ward", "program" };
    static const char *const locked[] = { "none", "some", "all" };

    printf("{\"pid\":%d,\"name\":\"", process->pid);
    print_plain(whole->name, sizeof whole->name);
    printf("\",\"profile\":\"");
    print_plain(status->profile, sizeof status->profile);
    printf("\",\"sigsegv\":\"%s\"", status->segv < 3 ? segv[status->segv] : "?");
    printf(",\"locked\":\"%s\"", status->locked < 3 ? locked[status->locked] : "?");
    print_number("rss_bytes", whole->rss_kib * 1024);
    print_number("rss_peak_bytes", whole->peak_kib * 1024);
    print_sum(sum);
    print_number("reserved_bytes", status->range_bytes);
    print_number("reserved_wanted_bytes", status->range_wanted);
    for (unsigned i = 0; i < WARD_STATUS_COUNTERS; i++)
        print_number(ward_status_name((enum ward_status_counter)i), status->counters[i]);
    puts("}");
}

/* --- The command ------------------------------------------------------------------------------ */

static int fail(const struct ward_process *process, int error)
{
    const char *why = strerror(-error);

    if (error == -ENOENT)
        why = "it has no malloc of ward's";
    else if (error == -EAGAIN)
        why = "it has allocated nothing yet";
    else if (error == -EPROTO)
        why = "its malloc is of another version of ward";
    else if (error == -ESRCH)
        why = "it has ended, or runs another program";
    fprintf(stderr, "ward stat: process %d: %s\n", process->pid, why);
    return FAILED;
}

/* 0, or a negative error number. */
static int show(struct ward_process *process, const struct stat_options *options)
{
    struct ward_status status;
    struct ward_status_totals sum;
    struct whole whole;
    int error = status_find(process, &status);

    if (!error)
        error = ward_status_sum(&status, status_read, process, &sum);
    if (error)
        return error;
    ask_whole(process, &whole);
    if (status.segv == WARD_STATUS_SEGV_OURS && whole.known && !(whole.caught >> (SIGSEGV - 1) & 1))
        status.segv = WARD_STATUS_SEGV_OTHER;
    (options->json ? print_json : print_text)(process, &whole, &status, &sum);
    return 0;
}

/* Until the process ends, which then is no failure. */
static int watch(struct ward_process *process, const struct stat_options *options)
{
    int error = show(process, options);

    while (!error || error == -EAGAIN) {
        if (!options->json)
            putchar('\n');
        if (fflush(stdout))
            return 0; /* main says so */
        sleep(1);
        error = show(process, options);
    }
    return ward_process_verify(process) ? 0 : error;
}

static int parse(int argc, char **argv, struct stat_options *options, struct target *target)
{
    int at = 1;

    *options = (struct stat_options){ false, false };
    *target = (struct target){ .process.flags = WARD_PROCESS_FORCE };
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--json") == 0)
            options->json = true;
        else if (strcmp(argv[at], "--watch") == 0)
            options->watch = true;
        else
            return misuse(&stat_command, "there is no option %s", argv[at]);
    }
    if (argc - at != 1)
        return misuse(&stat_command, "one PID is wanted");
    if (!parse_pid(argv[at], &target->process.pid))
        return misuse(&stat_command, "\"%s\" is no process number", argv[at]);
    return 0;
}

static int stat_run(int argc, char **argv)
{
    struct stat_options options;
    struct target target;
    int status = parse(argc, argv, &options, &target), error;

    if (!status)
        status = target_open(&target, &stat_command);
    if (status)
        return status;
    error = (options.watch ? watch : show)(&target.process, &options);
    if (error)
        status = fail(&target.process, error);
    ward_process_close(&target.process);
    return status;
}

const struct command stat_command = {
    .name = "stat",
    .arguments = "[--json] [--watch] PID",
    .purpose = "shows what the hardened malloc of a running process has done",
    .help =
        "PID is a process that runs with libward-malloc.so. It is neither stopped nor traced, and\n"
        "does nothing for this: its records are read from outside, by those who may trace it\n"
        "(ptrace(2), access mode checking). The numbers are of slightly different moments.\n\n"
        "--json     one object in a line\n"
        "--watch    again each second, until the process ends\n\n"
        "The exit status is 0; 1 if there is nothing to show; 2 if the command line makes no\n"
        "sense; 3 if the process cannot be opened.\n",
    .run = stat_run,
};
