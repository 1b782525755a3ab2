/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "symbols.h"

enum { FIRST_LINE = 256, SCRIPTS = 4 };

/* --- Where it is ------------------------------------------------------------------------------ */

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

/* --- What it is ------------------------------------------------------------------------------- */

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

/* The dynamic loader it names. False: none; what cannot be read is believed to have one. */
static bool read_loader(int fd, const ElfW(Ehdr) * header, char loader[PATH_MAX])
{
    loader[0] = '\0';
    for (unsigned i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;
        ssize_t got;

        if (!read_at(fd, &segment, sizeof segment,
                     (off_t)(header->e_phoff + (size_t)i * header->e_phentsize)))
            return true;
        if (segment.p_type != PT_INTERP)
            continue;
        got = pread(fd, loader, segment.p_filesz < PATH_MAX ? segment.p_filesz : PATH_MAX - 1,
                    (off_t)segment.p_offset);
        loader[got > 0 ? got : 0] = '\0';
        return true;
    }
    return false;
}

/* Is the program linked with the same C library as this one, as far as the loaders tell? */
static bool is_of_libc(const char *loader)
{
    static const char musl[] = "/ld-musl-";
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char own[PATH_MAX] = "";
    ElfW(Ehdr) header;

    if (fd >= 0 && read_at(fd, &header, sizeof header, 0))
        (void)read_loader(fd, &header, own);
    if (fd >= 0)
        close(fd);
    return !*own || !*loader || !strstr(own, musl) == !strstr(loader, musl);
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

/* The next word of a line, in word. Returns what is behind it. */
static const char *next_word(const char *line, char word[PATH_MAX])
{
    size_t len;

    line += strspn(line, " \t");
    len = strcspn(line, " \t\r\n");
    memcpy(word, line, len);
    word[len] = '\0';
    return line + len;
}

/* "#! /bin/sh -e": /bin/sh. "#!/usr/bin/env NAME": where that finds it. What says nothing, and is
 * no program, execvp(3) gives to a shell. */
static bool read_interpreter(int fd, char path[PATH_MAX])
{
    char line[FIRST_LINE + 1], word[PATH_MAX];
    ssize_t got = pread(fd, line, FIRST_LINE, 0);
    const char *rest, *name;

    line[got > 0 ? got : 0] = '\0';
    if (got < 0 || strncmp(line, ELFMAG, SELFMAG) == 0)
        return false;
    if (strncmp(line, "#!", 2) != 0) {
        strcpy(path, _PATH_BSHELL);
        return true;
    }
    rest = next_word(line + 2, path);
    name = strrchr(path, '/');
    if (name && strcmp(name, "/env") == 0) {
        (void)next_word(rest, word);
        if (*word && *word != '-' && !strchr(word, '='))
            (void)program_find(word, path);
    }
    return *path != '\0';
}

/* The interpreter of a script may be one, too. */
int program_open(const char *path, char executable[PATH_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    (void)snprintf(executable, PATH_MAX, "%s", path);
    for (int i = 0; i < SCRIPTS && fd >= 0 && read_interpreter(fd, executable); i++) {
        close(fd);
        fd = open(executable, O_RDONLY | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

/* Has it ward's malloc without being given it? */
static bool has_ward(int fd)
{
    struct symbols symbols;

    symbols_look(fd, &symbols);
    return symbols.has_ward || (symbols.names_ward && !symbols.own_malloc);
}

enum obstacle program_obstacle_of(int fd, const char *library)
{
    char loader[PATH_MAX];
    ElfW(Ehdr) header;

    if (!read_at(fd, &header, sizeof header, 0) || !is_elf(&header))
        return NO_OBSTACLE;
    if (!is_of_machine(&header, library))
        return OTHER_MACHINE;
    if (gains_rights(fd))
        return has_ward(fd) ? TAKES_NO_OPTION : GAINS_RIGHTS;
    if (!read_loader(fd, &header, loader))
        return has_ward(fd) ? NO_OBSTACLE : IS_STATIC;
    return is_of_libc(loader) ? NO_OBSTACLE : OTHER_LIBC;
}

static enum obstacle obstacle_in_symbols(int fd)
{
    struct symbols symbols;

    symbols_look(fd, &symbols);
    if (symbols.sanitizer)
        return HAS_SANITIZER;
    return symbols.own_malloc && !symbols.has_ward ? HAS_MALLOC : NO_OBSTACLE;
}

enum obstacle program_obstacle(const char *path, const char *library)
{
    char executable[PATH_MAX];
    int fd = program_open(path, executable);
    enum obstacle found = NO_OBSTACLE;

    if (fd >= 0) {
        found = program_obstacle_of(fd, library);
        found = found ? found : obstacle_in_symbols(fd);
    } else { /* it may be one that can only be run */
        fd = open(executable, O_PATH | O_CLOEXEC);
        if (fd >= 0 && gains_rights(fd))
            found = GAINS_RIGHTS;
    }
    if (fd >= 0)
        close(fd);
    return found;
}

const char *program_say(enum obstacle obstacle)
{
    static const char *const why[] = {
        [IS_STATIC] = "is linked statically: nothing loads libraries for it",
        [GAINS_RIGHTS] = "gets other rights than yours when it is started (setuid, setgid or\n"
                         "capabilities): it then takes no library and no option from you",
        [TAKES_NO_OPTION] = "gets other rights than yours when it is started (setuid, setgid or\n"
                            "capabilities): the malloc in it takes no option from you",
        [OTHER_MACHINE] = "is for another kind of processor than this ward",
        [OTHER_LIBC] = "is linked with another C library than this ward (musl, or glibc)",
        [HAS_SANITIZER] = "was built with a sanitizer, which brings a malloc of its own: the two\n"
                          "do not go together",
        [HAS_MALLOC] = "defines malloc itself: the loader takes that one",
    };

    return obstacle == NO_OBSTACLE ? "" : why[obstacle];
}
