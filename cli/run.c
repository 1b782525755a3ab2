/* SPDX-License-Identifier: MIT */
/* ward run: a program with the hardened malloc instead of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "program.h"

#define LIBRARY "libward-malloc.so"

/* As env(1), nohup(1) and others end when the program does not run. */
enum { NOT_STARTED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

/* As in malloc/options.c. */
#define PROFILE_NAMES "fast balanced"
static const char *const profiles[] = { "fast", "balanced" };

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

/* --- The library ----------------------------------------------------------------------------- */

/* Where it is installed, and where it is built, seen from the executable. */
static bool find_library(char library[PATH_MAX])
{
    static const char *const places[] = { WARD_LIBDIR_FROM_BINDIR, "." };
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[len > 0 ? len : 0] = '\0';
    slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        (void)snprintf(path, sizeof path, "%.*s%s/" LIBRARY, (int)(slash + 1 - self), self,
                       places[i]);
        if (realpath(path, library))
            return true;
    }
    return false;
}

/* Puts `first` before or behind what the variable holds. */
static bool add(const char *variable, const char *value, bool before)
{
    const char *was = getenv(variable);
    size_t cap = strlen(value) + (was ? strlen(was) : 0) + 2;
    char *both;
    bool set;

    if (!was || !*was)
        return setenv(variable, value, 1) == 0;
    both = malloc(cap);
    if (!both)
        return false;
    (void)snprintf(both, cap, "%s:%s", before ? value : was, before ? was : value);
    set = setenv(variable, both, 1) == 0;
    free(both);
    return set;
}

/* --- The program ----------------------------------------------------------------------------- */

static int refuse(const char *path, enum obstacle obstacle)
{
    static const char *const why[] = {
        [IS_STATIC] = "is linked statically: nothing loads libraries for it",
        [GAINS_RIGHTS] = "gets other rights than yours when it is started (setuid, setgid or\n"
                         "capabilities): it then takes no library and no option from you",
        [OTHER_MACHINE] = "is for another kind of processor than this ward",
    };

    return fail(NOT_EXECUTABLE,
                "%s %s.\nIt would run with a malloc that is not ward's, and none of its blocks "
                "would be checked.\n%s",
                path, why[obstacle],
                obstacle == OTHER_MACHINE ? "A ward for that processor can run it."
                                          : "Linked dynamically with " LIBRARY
                                            ", it would be checked.");
}

/* What goes into WARD_OPTIONS. */
static bool set_options(const char *profile, bool stats)
{
    char option[64];

    (void)snprintf(option, sizeof option, "profile=%s", profile ? profile : "");
    if (profile && !add("WARD_OPTIONS", option, false))
        return false;
    (void)snprintf(option, sizeof option, "stats=%ld", (long)getpid());
    return !stats || add("WARD_OPTIONS", option, false);
}

static int start(const char *profile, bool stats, char **argv)
{
    char library[PATH_MAX], path[PATH_MAX];
    enum obstacle obstacle;
    int error;

    if (!find_library(library))
        return fail(NOT_STARTED, LIBRARY " is neither in " WARD_LIBDIR_FROM_BINDIR
                                         " as seen from ward, nor beside it");
    if (strpbrk(library, " :"))
        return fail(NOT_STARTED, "%s: LD_PRELOAD cannot hold a path with a space or a colon",
                    library);
    error = program_find(argv[0], path);
    if (error)
        return fail(error == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s: %s", argv[0],
                    strerror(-error));
    obstacle = program_obstacle(path, library);
    if (obstacle)
        return refuse(path, obstacle);
    if (!add("LD_PRELOAD", library, true) || !set_options(profile, stats))
        return fail(NOT_STARTED, "%s", strerror(errno));
    execvp(argv[0], argv);
    return fail(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s: %s", path, strerror(errno));
}

static bool is_profile(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(name, profiles[i]) == 0)
            return true;
    return false;
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
        if (!is_profile(profile))
            return misuse(&run_command, "there is no profile \"%s\"; there are: " PROFILE_NAMES,
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
        "Sets LD_PRELOAD to " LIBRARY ", before what is in it, and runs the program, which\n"
        "passes both on to what it starts. A bug that is caught there ends the process with a\n"
        "report on standard error; `ward explain CODE` says more about it.\n\n"
        "--profile P says how much is checked; it is added to WARD_OPTIONS. There\n"
        "are: " PROFILE_NAMES ".\n\n"
        "--stats prints on standard error, when the program ends, what the malloc has done for\n"
        "it; not if it is killed, or ends by _exit. WARD_OPTIONS=stats=all does the same for\n"
        "everything it starts.\n\n"
        "The exit status is that of the program; 2 if the command line makes no sense; 125 if\n"
        "ward cannot start it; 126 if it cannot be executed, or would run unchecked; 127 if\n"
        "there is no such program.\n",
    .run = run,
};
