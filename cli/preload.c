/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const profiles[] = { "fast", "balanced", "strict", "pages" };

bool preload_is_profile(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(name, profiles[i]) == 0)
            return true;
    return false;
}

static bool find(char library[PATH_MAX])
{
    static const char *const places[] = { WARD_LIBDIR_FROM_BINDIR, "." };
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[len > 0 ? len : 0] = '\0';
    slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        (void)snprintf(path, sizeof path, "%.*s%s/" PRELOAD_LIBRARY, (int)(slash + 1 - self), self,
                       places[i]);
        if (realpath(path, library))
            return true;
    }
    return false;
}

bool preload_find(char library[PATH_MAX], const char **why)
{
    static char said[PATH_MAX + 80];

    *why = PRELOAD_LIBRARY " is neither in " WARD_LIBDIR_FROM_BINDIR " as seen from ward, nor "
                           "beside it";
    if (!find(library))
        return false;
    if (!strpbrk(library, " :"))
        return true;
    (void)snprintf(said, sizeof said, "%s: LD_PRELOAD cannot hold a path with a space or a colon",
                   library);
    *why = said;
    return false;
}

bool preload_add(const char *variable, const char *value, bool before)
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

bool preload_set(const char *library, const char *profile, bool stats)
{
    char option[64];

    if (!preload_add("LD_PRELOAD", library, true))
        return false;
    (void)snprintf(option, sizeof option, "profile=%s", profile ? profile : "");
    if (profile && !preload_add("WARD_OPTIONS", option, false))
        return false;
    (void)snprintf(option, sizeof option, "stats=%ld", (long)getpid());
    return !stats || preload_add("WARD_OPTIONS", option, false);
}
