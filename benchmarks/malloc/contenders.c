/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "contenders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct contender contenders[] = {
    { .name = "mimalloc", .file = "libmimalloc.so.2" },
    { .name = "fast", .profile = "profile=fast" },
    { .name = "balanced", .profile = "profile=balanced" },
    { .name = "strict", .profile = "profile=strict" },
    { .name = "pages", .profile = "profile=pages", .on_request = true },
    { .name = "glibc" },
    { .name = "jemalloc", .file = "libjemalloc.so.2" },
    { .name = "tcmalloc", .file = "libtcmalloc_minimal.so.4" },
    { .name = "scudo", .file = "libclang_rt.scudo_standalone-x86_64.so" },
    { .name = NULL },
};

static bool find_library(struct contender *contender)
{
    static const char *const directories[] = {
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux",
    };

    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        snprintf(contender->path, CONTENDER_PATH, "%s/%s", directories[i], contender->file);
        if (access(contender->path, R_OK) == 0)
            return true;
    }
    return false;
}

void contender_enter(const struct contender *contender)
{
    if (contender->path[0])
        setenv("LD_PRELOAD", contender->path, 1);
    if (contender->profile)
        setenv("WARD_OPTIONS", contender->profile, 1);
}

/* A profile that the malloc does not know is said on stderr. */
static bool is_known_profile(const struct contender *contender)
{
    int ends[2];
    bool said;
    char byte;

    if (pipe(ends))
        return false;
    if (fork() == 0) {
        dup2(ends[1], 2);
        contender_enter(contender);
        execlp("sh", "sh", "-c", ":", (char *)NULL); /* that allocates */
        _exit(127);
    }
    close(ends[1]);
    said = read(ends[0], &byte, 1) != 0;
    close(ends[0]);
    wait(NULL);
    return !said;
}

static bool is_named(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

static bool find(struct contender *contender, const char *directory)
{
    if (contender->profile) {
        snprintf(contender->path, CONTENDER_PATH, "%.480s/libward-malloc.so", directory);
        return is_known_profile(contender);
    }
    return !contender->file || find_library(contender);
}

bool contenders_find(const char *only, const char *directory)
{
    for (struct contender *contender = contenders; contender->name; contender++) {
        bool wanted = only ? is_named(only, contender->name) : !contender->on_request;

        if (!wanted && contender != contenders)
            continue;
        contender->here = find(contender, directory);
        if (!contender->here)
            fprintf(stderr, "left out, not here: %s\n", contender->name);
    }
    return contenders[0].here;
}

const struct contender *contender_named(const char *name)
{
    for (const struct contender *contender = contenders; contender->name; contender++)
        if (contender->here && strcmp(contender->name, name) == 0)
            return contender;
    return NULL;
}
