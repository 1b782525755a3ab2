/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FIRST_LINE = 256, SCRIPTS = 4 };

/* --- Where it is ----------------------------------------------------------------------------- */

/* 0, or why it cannot be executed. */
static int try(const char *path)
{
    struct stat status;

    if (stat(path, &status))
        return -errno;
    return S_ISREG(status.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

/* In one directory of PATH, the first `part` bytes there; an empty one is the current one. */
static int try_in(const char *directory, int part, const char *name, char path[PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%.*s%s%s", part, directory, part ? "/" : "./", name);

    return len < PATH_MAX ? try(path) : -ENOENT;
}

int program_find(const char *name, char path[PATH_MAX])
{
    const char *at = getenv("PATH");
    int answer = -ENOENT;

    if (strchr(name, '/'))
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? try(path) : -ENAMETOOLONG;
    for (at = at ? at : "/bin:/usr/bin"; *name; at++) {
        int part = (int)strcspn(at, ":");
        int tried = try_in(at, part, name, path);

        if (tried == 0)
            return 0;
        answer = tried == -EACCES ? tried : answer;
        at += part;
        if (!*at)
            break;
    }
    return answer;
}

/* --- What it is ------------------------------------------------------------------------------ */

static bool read_at(int fd, void *to, size_t len, off_t from)
{
    return pread(fd, to, len, from) == (ssize_t)len;
}

/* Is the program run with other rights than its caller's? */
static bool gains_rights(int fd)
{
    struct statvfs system;
    struct stat status;
    bool user, group;

    if (fstat(fd, &status) || fstatvfs(fd, &system) || system.f_flag & ST_NOSUID)
        return false;
    user = status.st_mode & S_ISUID && status.st_uid != getuid();
    group = status.st_mode & S_ISGID && status.st_mode & S_IXGRP && status.st_gid != getgid();
    return user || group || (getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0);
}

static bool has_loader(int fd, const ElfW(Ehdr) * header)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;

        if (!read_at(fd, &segment, sizeof segment,
                     (off_t)(header->e_phoff + (size_t)i * header->e_phentsize)))
            return true;
        if (segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

static bool is_elf(const ElfW(Ehdr) * header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0;
}

static bool is_of_machine(const ElfW(Ehdr) * header, const char *library)
{
    int fd = open(library, O_RDONLY | O_CLOEXEC);
    ElfW(Ehdr) wanted;
    bool same = fd < 0 || !read_at(fd, &wanted, sizeof wanted, 0) ||
                (header->e_ident[EI_CLASS] == wanted.e_ident[EI_CLASS] &&
                 header->e_ident[EI_DATA] == wanted.e_ident[EI_DATA] &&
                 header->e_machine == wanted.e_machine);

    if (fd >= 0)
        close(fd);
    return same;
}

/* "#! /bin/sh -e": /bin/sh. */
static bool read_interpreter(int fd, char path[PATH_MAX])
{
    char line[FIRST_LINE + 1];
    ssize_t got = pread(fd, line, FIRST_LINE, 0);
    size_t from, len;

    line[got > 0 ? got : 0] = '\0';
    if (strncmp(line, "#!", 2) != 0)
        return false;
    from = 2 + strspn(line + 2, " \t");
    len = strcspn(line + from, " \t\r\n");
    memcpy(path, line + from, len);
    path[len] = '\0';
    return len > 0;
}

static enum obstacle obstacle_of(int fd, const char *library)
{
    ElfW(Ehdr) header;

    if (!read_at(fd, &header, sizeof header, 0) || !is_elf(&header))
        return NO_OBSTACLE;
    if (!is_of_machine(&header, library))
        return OTHER_MACHINE;
    if (!has_loader(fd, &header))
        return IS_STATIC;
    return gains_rights(fd) ? GAINS_RIGHTS : NO_OBSTACLE;
}

/* The interpreter of a script may be one, too. */
enum obstacle program_obstacle(const char *path, const char *library)
{
    char interpreter[PATH_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    for (int i = 0; i < SCRIPTS && fd >= 0 && read_interpreter(fd, interpreter); i++) {
        close(fd);
        fd = open(interpreter, O_RDONLY | O_CLOEXEC);
    }
    if (fd >= 0) {
        enum obstacle found = obstacle_of(fd, library);

        close(fd);
        return found;
    }
    return NO_OBSTACLE;
}
