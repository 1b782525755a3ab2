/* SPDX-License-Identifier: MIT */
/* ward run: a program with the hardened malloc instead of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "preload.h"
#include "program.h"

/* As env(1), nohup(1) and others end when the program does not run. */
enum { NOT_STARTED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

enum { REPORT_BYTES = 511 }; /* of a file of reports, at most: OUTPUT_PATH_CAP of the malloc */

static int __attribute__((format(printf, 2, 3))) fail(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("ward run: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

/* --- The program ------------------------------------------------------------------------------ */

/* What would have to be otherwise. */
static const char *remedy(enum obstacle obstacle)
{
    if (obstacle == OTHER_MACHINE || obstacle == OTHER_LIBC)
        return "A ward that was built for that can run it.";
    if (obstacle == HAS_SANITIZER || obstacle == HAS_MALLOC)
        return "Built without that, it would be checked.";
    return obstacle == IS_STATIC
               ? "Linked dynamically, or with libward-malloc.a, it would be checked."
               : "Linked with " PRELOAD_LIBRARY ", it would be checked.";
}

static int refuse(const char *path, enum obstacle obstacle)
{
    if (obstacle == TAKES_NO_OPTION)
        return fail(NOT_EXECUTABLE, "%s %s.\nWhat is wanted of it can stand in /etc/ward.conf.",
                    path, program_say(obstacle));
    return fail(NOT_EXECUTABLE,
                "%s %s.\nIt would run with a malloc that is not ward's, and none of its blocks "
                "would be checked.\n%s",
                path, program_say(obstacle), remedy(obstacle));
}

/* What is asked of a run. */
struct wishes {
    const char *profile, *report; /* NULL: nothing is said */
    bool stats;
};

/* The program may change its directory, so a file gets its whole path. NULL: the option of the
 * malloc cannot hold that; *why says why. */
static const char *report_option(const char *report, const char **why)
{
    static char option[2 * PATH_MAX];
    const size_t name = sizeof "report=" - 1;
    char here[PATH_MAX] = "";

    *why = "a path with a colon or a comma is no option of the malloc";
    if (strpbrk(report, ":,"))
        return NULL;
    if (strcmp(report, "json") != 0 && strcmp(report, "text") != 0 && report[0] != '/' &&
        !getcwd(here, sizeof here)) {
        *why = strerror(errno);
        return NULL;
    }
    (void)snprintf(option, sizeof option, "report=%s%s%s", here, here[1] ? "/" : "", report);
    if (strpbrk(here, ":,"))
        return NULL;
    *why = "the malloc takes no path of more than 511 bytes";
    return strlen(option) - name <= REPORT_BYTES ? option : NULL;
}

/* Can reports be added to that file? The malloc follows no link at its end. It may be made yet, and
 * so stays unmade here; where %p is in its name it is another file. 0, or an error number. */
static int cannot_report(const char *file)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(file, '/');
    struct stat about;

    if (strcmp(file, "json") == 0 || strcmp(file, "text") == 0)
        return 0;
    if (!strstr(file, "%p") && lstat(file, &about) == 0)
        return S_ISLNK(about.st_mode)   ? ELOOP
               : S_ISDIR(about.st_mode) ? EISDIR
               : access(file, W_OK)     ? errno
                                        : 0;
    (void)snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - file) + 1 : 1,
                   slash ? file : ".");
    if (strstr(directory, "%p"))
        return 0;
    return access(directory, W_OK | X_OK) ? errno : 0;
}

static int start(const struct wishes *wishes, char **argv)
{
    const char *report = NULL;
    char library[PATH_MAX], path[PATH_MAX];
    enum obstacle obstacle;
    const char *why;
    int error;

    if (!preload_find(library, &why))
        return fail(NOT_STARTED, "%s", why);
    error = program_find(argv[0], path);
    if (error)
        return fail(error == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s: %s",
                    *argv[0] ? argv[0] : "\"\"", strerror(-error));
    obstacle = program_obstacle(path, library);
    if (obstacle == TAKES_NO_OPTION && !wishes->profile && !wishes->report && !wishes->stats)
        obstacle = NO_OBSTACLE;
    if (obstacle)
        return refuse(path, obstacle);
    if (wishes->report && !(report = report_option(wishes->report, &why)))
        return fail(NOT_STARTED, "%s: %s", wishes->report, why);
    if (wishes->report && (error = cannot_report(wishes->report)))
        return fail(NOT_STARTED, "reports cannot be written to %s: %s", wishes->report,
                    error == ELOOP ? "a symbolic link is not followed" : strerror(error));
    if (!preload_set(library, wishes->profile, wishes->stats) ||
        (report && !preload_add("WARD_OPTIONS", report, false)))
        return fail(NOT_STARTED, "%s", strerror(errno));
    execvp(argv[0], argv);
    if (errno == ENOENT) /* the program itself was found */
        return fail(NOT_FOUND, "%s: the interpreter or loader that it names is not there", path);
    return fail(NOT_EXECUTABLE, "%s: %s", path, strerror(errno));
}

/* Takes the option at argv[*at], and its argument, which is left at argv[*at]. DONE, or MISUSED. */
static int take_option(struct wishes *wishes, char **argv, int argc, int *at)
{
    const char *option = argv[*at], *value;

    if (strcmp(option, "--stats") == 0) {
        wishes->stats = true;
        return DONE;
    }
    if ((value = option_value(argv, argc, at, "--profile"))) {
        wishes->profile = value;
        return preload_is_profile(value)
                   ? DONE
                   : misuse(&run_command,
                            "there is no profile \"%s\"; there are: " PRELOAD_PROFILES, value);
    }
    if ((value = option_value(argv, argc, at, "--report"))) {
        wishes->report = value;
        return *value ? DONE : misuse(&run_command, "--report wants a file, or json");
    }
    return misuse(&run_command, "there is no option %s", option);
}

static int run(int argc, char **argv)
{
    struct wishes wishes = { NULL, NULL, false };
    int at = 1;

    for (; at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0; at++) {
        int status = take_option(&wishes, argv, argc, &at);

        if (status != DONE)
            return status;
    }
    at += at < argc && strcmp(argv[at], "--") == 0;
    if (at >= argc)
        return misuse(&run_command, "a program is wanted");
    return start(&wishes, argv + at);
}

const struct command run_command = {
    .name = "run",
    .arguments = "[--profile P] [--report FILE|json] [--stats] [--] PROG [ARG...]",
    .purpose = "runs a program with the hardened malloc",
    .help =
        "Sets LD_PRELOAD to " PRELOAD_LIBRARY
        ", before what is in it, and runs the program, which\n"
        "passes both on to what it starts. A bug that is caught there ends the process with a\n"
        "report on standard error; `ward explain CODE` says more about it, and `ward symbolize`\n"
        "adds the names of functions.\n\n"
        "--profile P says how much is checked; it is added to WARD_OPTIONS. There\n"
        "are: " PRELOAD_PROFILES ".\n\n"
        "--report FILE adds reports to the end of FILE instead, as JSON if its name ends in\n"
        ".json; %p in it is the number of the process. --report json writes them to standard\n"
        "error, each as one line of JSON.\n\n"
        "--stats prints on standard error, when the program ends, what the malloc has done for\n"
        "it; not if it is killed, or ends by _exit. WARD_OPTIONS=stats=all does the same for\n"
        "everything it starts.\n\n"
        "The exit status is that of the program; 2 if the command line makes no sense; 125 if\n"
        "ward cannot start it; 126 if it cannot be executed, or would run unchecked; 127 if\n"
        "there is no such program.\n",
    .run = run,
};
