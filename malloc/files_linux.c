/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "files.h"
#include "syscall.h"

enum { PATH_CAP = 4096 };

static long call(long number, long a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    return ward_syscall_(number, a, (long)b, (long)c, (long)d, 0, 0);
}

/* A FIFO at that path does not block the program. */
ptrdiff_t ward_files_read_(const char *path, char *text, size_t cap, bool *opened)
{
    long fd = call(SYS_openat, AT_FDCWD, (uintptr_t)path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    size_t done = 0;
    long got = 1;

    *opened = fd >= 0;
    if (fd < 0)
        return fd;
    while (done < cap && got > 0) {
        got = call(SYS_read, fd, (uintptr_t)text + done, cap - done, 0);
        done += got > 0 ? (size_t)got : 0;
    }
    (void)call(SYS_close, fd, 0, 0, 0);
    return got < 0 ? got : (ptrdiff_t)done;
}

static bool copy_name(char *name, size_t cap, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *from = slash ? slash + 1 : path;
    size_t len = strlen(from);

    if (len == 0 || len >= cap)
        return false;
    memcpy(name, from, len + 1);
    return true;
}

/* What was executed may be a link somebody made up; what /proc names is the file. */
bool ward_files_program_(char *name, size_t cap)
{
    char path[PATH_CAP];
    long len = call(SYS_readlinkat, AT_FDCWD, (uintptr_t) "/proc/self/exe", (uintptr_t)path,
                    sizeof path - 1);
    const char *executed = (const char *)getauxval(AT_EXECFN);

    if (len > 0) {
        path[len] = '\0';
        return copy_name(name, cap, path);
    }
    return !getauxval(AT_SECURE) && executed && copy_name(name, cap, executed);
}
