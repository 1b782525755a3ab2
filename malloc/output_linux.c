/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "host/signals.h"
#include "output.h"
#include "syscall.h"
#include "text.h"

enum { STDERR = 2, MODE = 0600 };

extern char **environ;

static long call(long number, long a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    return ward_syscall_(number, a, (long)b, (long)c, (long)d, 0, 0);
}

/* --- Which file is it? ------------------------------------------------------------------------ */

bool ward_output_identify_(long fd, struct output_file *file)
{
    struct stat about; /* as the kernel has it, on all machines with 64 bits */

    if (call(SYS_fstat, fd, (uintptr_t)&about, 0, 0) != 0)
        return false;
    *file = (struct output_file){ about.st_dev, about.st_ino };
    return true;
}

bool ward_output_is_(long fd, const struct output_file *file)
{
    struct output_file now;

    return ward_output_identify_(fd, &now) && now.device == file->device &&
           now.number == file->number;
}

void ward_output_start_(struct output *output)
{
    output->has_stderr = ward_output_identify_(STDERR, &output->file);
}

static bool is_stderr(const struct output *output)
{
    return output->has_stderr && ward_output_is_(STDERR, &output->file);
}

static bool has_variable(const char *name)
{
    size_t len = strlen(name);

    for (char **at = environ; at && *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=' && (*at)[len + 1])
            return true;
    return false;
}

bool ward_output_is_terminal_(const struct output *output)
{
    char settings[256]; /* larger than any kernel's termios */

    return !output->path[0] && is_stderr(output) && !has_variable("NO_COLOR") &&
           call(SYS_ioctl, STDERR, TCGETS, (uintptr_t)settings, 0) == 0;
}

/* --- Writing ---------------------------------------------------------------------------------- */

bool ward_output_put_(long fd, const char *text, size_t len)
{
    uint64_t mask = ward_signals_block_();
    bool done = ward_signals_write_(fd, text, len);

    ward_signals_restore_(mask, !done);
    return done;
}

static void expand(const char *from, char to[OUTPUT_PATH_CAP])
{
    struct text path = { .at = to, .cap = OUTPUT_PATH_CAP };

    for (; *from; from++) {
        if (from[0] == '%' && from[1] == 'p') {
            ward_text_put_decimal_(&path, ward_output_ids_().process);
            from++;
        } else {
            ward_text_put_(&path, (const char[]){ *from, '\0' });
        }
    }
    to[path.len] = '\0';
}

/* No link somebody laid there is followed, and a FIFO nobody reads does not hold it up. */
static bool append(const char *path, const char *text, size_t len)
{
    long fd =
        call(SYS_openat, AT_FDCWD, (uintptr_t)path,
             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, MODE);
    bool done;

    if (fd < 0)
        return false;
    done = ward_output_put_(fd, text, len);
    (void)call(SYS_close, fd, 0, 0, 0);
    return done;
}

static void say_failed(const char *path)
{
    char line[OUTPUT_PATH_CAP + 80];
    struct text text = { .at = line, .cap = sizeof line };

    ward_text_put_(&text, "==ward== the report could not be written to ");
    ward_text_put_name_(&text, path, OUTPUT_PATH_CAP);
    ward_text_put_(&text, "\n");
    (void)ward_output_put_(STDERR, line, text.len);
}

bool ward_output_write_(const struct output *output, const char *text, size_t len)
{
    char path[OUTPUT_PATH_CAP];

    expand(output->path, path);
    if (path[0] && append(path, text, len))
        return true;
    if (!is_stderr(output))
        return false;
    if (path[0])
        say_failed(path);
    return ward_output_put_(STDERR, text, len);
}

/* --- Who we are ------------------------------------------------------------------------------- */

void ward_output_program_(char *path, size_t cap)
{
    long len =
        call(SYS_readlinkat, AT_FDCWD, (uintptr_t) "/proc/self/exe", (uintptr_t)path, cap - 1);
    const char *executed = (const char *)getauxval(AT_EXECFN);

    path[len > 0 ? len : 0] = '\0';
    if (len <= 0 && executed && strlen(executed) < cap) /* without /proc */
        memcpy(path, executed, strlen(executed) + 1);
}

void ward_output_thread_(char name[16])
{
    memset(name, 0, 16);
    (void)call(SYS_prctl, PR_GET_NAME, (uintptr_t)name, 0, 0);
    name[15] = '\0';
}

struct output_ids ward_output_ids_(void)
{
    return (struct output_ids){
        .process = (uint32_t)call(SYS_getpid, 0, 0, 0, 0),
        .thread = (uint32_t)call(SYS_gettid, 0, 0, 0, 0),
    };
}
