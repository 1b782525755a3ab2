/* SPDX-License-Identifier: MIT */
/* ward selftest: makes each bug in a child, and shows that it is caught. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bugs.h"
#include "command.h"
#include "preload.h"

/* How a child ends that has another malloc. */
enum { NOT_LOADED = 20, REPORT_CAP = 8192 };

#define MAKE "--make" /* what `ward selftest` tells its children to do */

/* How it went. */
struct outcome {
    int status; /* as wait says */
    char report[REPORT_CAP];
};

enum verdict { CAUGHT, HARMLESS, NOT_PROMISED, UNMADE, MISSED, VERDICTS };

static const struct bug *find(const char *name)
{
    for (size_t i = 0; i < bugs_count; i++)
        if (strcmp(bugs[i].name, name) == 0)
            return &bugs[i];
    return NULL;
}

/* --- The child -------------------------------------------------------------------------------- */

static bool is_loaded(void)
{
    void *(*function)(size_t) = malloc;
    void *address;
    Dl_info info;

    memcpy(&address, &function, sizeof address);
    return dladdr(address, &info) && strstr(info.dli_fname, PRELOAD_LIBRARY);
}

static int make(const char *name)
{
    const struct bug *bug = find(name);

    return !bug ? BUG_UNMADE : is_loaded() ? bug->make() : NOT_LOADED;
}

static void become(const char *library, const char *profile, const char *name, int report)
{
    char self[] = "/proc/self/exe", command[] = "selftest", option[] = MAKE;
    char *argv[] = { self, command, option, strdup(name), NULL };
    const struct rlimit none = { 0, 0 };

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGABRT, SIG_DFL);
    (void)signal(SIGSEGV, SIG_DFL);
    if (dup2(report, STDERR_FILENO) >= 0 && preload_set(library, profile, false))
        execv(self, argv);
    _exit(NOT_LOADED);
}

/* --- The parent ------------------------------------------------------------------------------- */

static void read_report(int from, struct outcome *outcome)
{
    size_t len = 0;
    ssize_t got;

    do {
        got = read(from, outcome->report + len, sizeof outcome->report - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    outcome->report[len] = '\0';
}

/* 0, or a negative error number. */
static int try(const char *library, const char *profile, const struct bug *bug,
               struct outcome *outcome)
{
    int ends[2];
    pid_t child;

    (void)fflush(stdout);
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    child = fork();
    if (child == 0)
        become(library, profile, bug->name, ends[1]);
    close(ends[1]);
    if (child > 0)
        read_report(ends[0], outcome);
    close(ends[0]);
    while (child > 0 && waitpid(child, &outcome->status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return child > 0 ? 0 : -EAGAIN;
}

/* IN_FAST for a profile of its own. */
static enum bug_profile rank(const char *profile)
{
    static const char *const names[] = { "fast", "balanced", "strict", "pages" };

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(profile, names[i]) == 0)
            return (enum bug_profile)i;
    return IN_FAST;
}

static bool died_of(const struct outcome *outcome, int sig)
{
    return WIFSIGNALED(outcome->status) && WTERMSIG(outcome->status) == sig;
}

/* The code in the report, up to `len` characters of it; NULL: there is no report. */
static const char *code_of(const struct outcome *outcome, int *len)
{
    static const char head[] = "==ward== WARD-";
    const char *at = strstr(outcome->report, head);

    if (!at)
        return NULL;
    at += sizeof head - sizeof "WARD-";
    *len = (int)strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return at;
}

static enum verdict judge(const struct bug *bug, const char *profile, const struct outcome *outcome)
{
    bool faulted = died_of(outcome, SIGSEGV) || died_of(outcome, SIGBUS);
    int ended = WIFEXITED(outcome->status) ? WEXITSTATUS(outcome->status) : -1, len;

    if ((died_of(outcome, SIGABRT) && code_of(outcome, &len)) ||
        (faulted && bug->end == BUG_FAULTS))
        return CAUGHT;
    if (ended == BUG_HARM && bug->end == BUG_GOES_ON && code_of(outcome, &len))
        return CAUGHT;
    if (ended == BUG_HARMLESS)
        return HARMLESS;
    if (ended == BUG_UNMADE)
        return UNMADE;
    return ended == BUG_HARM && rank(profile) < bug->promised ? NOT_PROMISED : MISSED;
}

static void print_verdict(const struct bug *bug, enum verdict verdict,
                          const struct outcome *outcome)
{
    static const char *const words[VERDICTS] = {
        [CAUGHT] = "caught",          [HARMLESS] = "harmless", [NOT_PROMISED] = "not promised",
        [UNMADE] = "cannot be tried", [MISSED] = "MISSED",
    };
    int len = 0;
    const char *code = code_of(outcome, &len);

    printf("%-18s %-52s %s", bug->name, bug->what, words[verdict]);
    if (verdict == CAUGHT)
        printf(": %.*s%s", len, code ? code : "",
               died_of(outcome, SIGABRT)    ? ""
               : WIFEXITED(outcome->status) ? ", and went on"
               : code                       ? ", at a guard"
                                            : "at a guard");
    else if (verdict == MISSED && WIFSIGNALED(outcome->status))
        printf(": killed by signal %d", WTERMSIG(outcome->status));
    putchar('\n');
}

static int run_all(const char *library, const char *profile, const struct bug *only)
{
    unsigned counts[VERDICTS] = { 0 };
    struct outcome outcome;

    printf("profile %s, %s\n\n", profile, library);
    for (const struct bug *bug = only ? only : bugs; bug < (only ? only + 1 : bugs + bugs_count);
         bug++) {
        int error = try(library, profile, bug, &outcome);
        enum verdict verdict;

        if (error || (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == NOT_LOADED)) {
            fprintf(stderr, "ward selftest: %s\n%s",
                    error ? strerror(-error) : "the library was not loaded into the child",
                    error ? "" : outcome.report);
            return NO_ENTRY;
        }
        verdict = judge(bug, profile, &outcome);
        counts[verdict]++;
        print_verdict(bug, verdict, &outcome);
    }
    if (only && *outcome.report)
        printf("\n%s", outcome.report);
    printf("\n%u caught, %u harmless, %u not promised in this profile, %u not tried, %u missed\n",
           counts[CAUGHT], counts[HARMLESS], counts[NOT_PROMISED], counts[UNMADE], counts[MISSED]);
    return counts[MISSED] ? FAILED : DONE;
}

static int no_bug(const char *name)
{
    int status = misuse(&selftest_command, "there is no bug \"%s\"; there are those below", name);

    fputc('\n', stderr);
    for (size_t i = 0; i < bugs_count; i++)
        fprintf(stderr, "%-18s %s\n", bugs[i].name, bugs[i].what);
    return status;
}

static int selftest(int argc, char **argv)
{
    const char *profile = "balanced", *value, *why;
    const struct bug *only = NULL;
    char library[PATH_MAX];
    int at = 1;

    if (argc == 3 && strcmp(argv[1], MAKE) == 0)
        return make(argv[2]);
    if (at < argc && (value = option_value(argv, argc, &at, "--profile"))) {
        profile = value;
        if (!preload_is_profile(profile))
            return misuse(&selftest_command,
                          "there is no profile \"%s\"; there are: " PRELOAD_PROFILES, profile);
        at++;
    }
    if (at < argc && argv[at][0] == '-')
        return misuse(&selftest_command, "there is no option %s", argv[at]);
    if (argc - at > 1)
        return misuse(&selftest_command, "\"%s\" is too much", argv[at + 1]);
    if (at < argc && !(only = find(argv[at])))
        return no_bug(argv[at]);
    if (!preload_find(library, &why)) {
        fprintf(stderr, "ward selftest: %s\n", why);
        return NO_ENTRY;
    }
    return run_all(library, profile, only);
}

const struct command selftest_command = {
    .name = "selftest",
    .arguments = "[--profile P] [BUG]",
    .purpose = "makes bugs, and shows that they are caught",
    .help = "Each bug is made in a process of its own that runs with " PRELOAD_LIBRARY ". It is\n\n"
            "    caught          with a report, or by a guard\n"
            "    harmless        what an attacker wants of it does not come about\n"
            "    not promised    it is neither, and another profile would be needed\n"
            "    cannot be tried something that the bug takes is not there\n"
            "    MISSED          it should have been\n\n"
            "BUG is a name in the first column: only that is made, and its report is shown. The\n"
            "profiles are " PRELOAD_PROFILES ". Without --profile it is balanced.\n\n"
            "The exit status is 0; 1 if a bug was missed; 2 if the command line makes no sense; 3\n"
            "if the library cannot be found or loaded.\n",
    .run = selftest,
};
