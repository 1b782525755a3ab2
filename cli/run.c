/* SPDX-License-Identifier: MIT */
/* ward run: a program with the hardened malloc instead of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "preload.h"
#include "program.h"

/* As env(1), nohup(1) and others end when the program does not run. */
enum { NOT_STARTED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

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

/* --- The program ----------------------------------------------------------------------------- */

static int refuse(const char *path, enum obstacle obstacle)
{
    return fail(NOT_EXECUTABLE,
                "%s %s.\nIt would run with a malloc that is not ward's, and none of its blocks "
                "would be checked.\n%s",
                path, program_say(obstacle),
                obstacle == OTHER_MACHINE || obstacle == OTHER_LIBC
                    ? "A ward that was built for that can run it."
                    : "Linked dynamically with " PRELOAD_LIBRARY ", it would be checked.");
}

static int start(const char *profile, bool stats, char **argv)
{
    char library[PATH_MAX], path[PATH_MAX];
    enum obstacle obstacle;
    const char *why;
    int error;

    if (!preload_find(library, &why))
        return fail(NOT_STARTED, "%s", why);
    error = program_find(argv[0], path);
    if (error)
        return fail(error == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s: %s", argv[0],
                    strerror(-error));
    obstacle = program_obstacle(path, library);
    if (obstacle)
        return refuse(path, obstacle);
    if (!preload_set(library, profile, stats))
        return fail(NOT_STARTED, "%s", strerror(errno));
    execvp(argv[0], argv);
    return fail(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s: %s", path, strerror(errno));
}

static int run(int argc, char **argv)
{
    const char *profile = NULL;
    bool stats = false;
    int at = 1;

    for (; at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0; at++) {
        if (strcmp(argv[at], "--stats") == 0) {
            stats = true;
            continue;
        }
        if (strcmp(argv[at], "--profile") != 0)
            return misuse(&run_command, "there is no option %s", argv[at]);
        profile = ++at < argc ? argv[at] : "";
        if (!preload_is_profile(profile))
            return misuse(&run_command, "there is no profile \"%s\"; there are: " PRELOAD_PROFILES,
                          profile);
    }
    at += at < argc && strcmp(argv[at], "--") == 0;
    if (at == argc)
        return misuse(&run_command, "a program is wanted");
    return start(profile, stats, argv + at);
}

const struct command run_command = {
    .name = "run",
    .arguments = "[--profile P] [--stats] [--] PROG [ARG...]",
    .purpose = "runs a program with the hardened malloc",
    .help =
        "Sets LD_PRELOAD to " PRELOAD_LIBRARY
        ", before what is in it, and runs the program, which\n"
        "passes both on to what it starts. A bug that is caught there ends the process with a\n"
        "report on standard error; `ward explain CODE` says more about it.\n\n"
        "--profile P says how much is checked; it is added to WARD_OPTIONS. There\n"
        "are: " PRELOAD_PROFILES ".\n\n"
        "--stats prints on standard error, when the program ends, what the malloc has done for\n"
        "it; not if it is killed, or ends by _exit. WARD_OPTIONS=stats=all does the same for\n"
        "everything it starts.\n\n"
        "The exit status is that of the program; 2 if the command line makes no sense; 125 if\n"
        "ward cannot start it; 126 if it cannot be executed, or would run unchecked; 127 if\n"
        "there is no such program.\n",
    .run = run,
};
