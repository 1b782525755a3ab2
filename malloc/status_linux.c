/* SPDX-License-Identifier: MIT */
/* What of the status needs the system: whose the handler is, and a text at the end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/text.h"
#include "door.h"
#include "files.h"
#include "output.h"
#include "root.h"
#include "status.h"
#include "syscall.h"

/* --- The handler of SIGSEGV ------------------------------------------------------------------- */

/* As the system calls it: the handler comes first on every machine that ward knows. */
struct action {
    uintptr_t handler;
    unsigned char rest[56];
};

enum { SET_BYTES = 8 };

static uintptr_t ours;

static uintptr_t handler(void)
{
    struct action now = { .handler = 0 };

    (void)ward_syscall_(SYS_rt_sigaction, SIGSEGV, 0, (long)(uintptr_t)&now, SET_BYTES, 0, 0);
    return now.handler;
}

void ward_status_segv_installed_(void)
{
    ours = handler();
    ward_status_.segv = WARD_STATUS_SEGV_OURS;
}

void ward_status_look_(void)
{
    uint32_t seen;

    if (__atomic_load_n(&ward_status_.segv, __ATOMIC_RELAXED) == WARD_STATUS_SEGV_NONE)
        return;
    seen = handler() == ours ? WARD_STATUS_SEGV_OURS : WARD_STATUS_SEGV_OTHER;
    __atomic_store_n(&ward_status_.segv, seen, __ATOMIC_RELAXED);
}

/* --- The text at the end ---------------------------------------------------------------------- */

/* Programs close descriptor 2 before they end, to see whether all was written; so there is one more
 * for the text, out of their way. It is used only while it is still the same file. */
static struct {
    unsigned wanted;
    long fd;
    struct output_file file;
} at_end;

enum { NAME_CAP = 64, TEXT_CAP = 2048 };

static long own_descriptor(void)
{
    static const long from[] = { 1000, 100, 10 };
    long fd = -1;

    for (size_t i = 0; i < sizeof from / sizeof *from && fd < 0; i++)
        fd = ward_syscall_(SYS_fcntl, 2, F_DUPFD_CLOEXEC, from[i], 0, 0, 0);
    return fd;
}

void ward_status_at_end_(unsigned wanted)
{
    at_end.fd = own_descriptor();
    if (at_end.fd >= 0 && ward_output_identify_(at_end.fd, &at_end.file))
        at_end.wanted = wanted;
}

static int read_own(void *arg, uint64_t at, void *to, size_t len)
{
    (void)arg;
    memcpy(to, (const void *)(uintptr_t)at, len);
    return 0;
}

static size_t print(char *out, size_t cap, unsigned pid, const struct ward_status_totals *sum)
{
    struct text t = { out, 0, cap };
    char name[NAME_CAP];

    put(&t, "==ward== statistics of ");
    put(&t, ward_files_program_(name, sizeof name) ? name : "?");
    put(&t, ", process ");
    put_number(&t, pid, 10);
    put(&t, "\n");
    return t.len + ward_status_print(&ward_status_, sum, "  ", out + t.len, cap - t.len);
}

__attribute__((destructor)) static void end(void)
{
    unsigned pid = at_end.wanted ? (unsigned)ward_syscall_(SYS_getpid, 0, 0, 0, 0, 0, 0) : 0;
    struct ward_status_totals sum;
    char text[TEXT_CAP];
    bool opened;
    int error;

    if (!at_end.wanted || (at_end.wanted != STATS_ALL && at_end.wanted != pid) ||
        !ward_output_is_(at_end.fd, &at_end.file))
        return;
    ward_status_look_();
    opened = door_open(POLICY_KEYS);
    error = ward_status_sum(&ward_status_, read_own, NULL, &sum);
    door_close(opened);
    if (!error)
        (void)ward_output_put_(at_end.fd, text, print(text, sizeof text, pid, &sum));
}
