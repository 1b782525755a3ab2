/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "host/signals.h"
#include "syscall.h"

enum { SET_BYTES = 8 }; /* the kernel's; libc's is larger */

static uint64_t change(int how, uint64_t set)
{
    uint64_t was = 0;

    (void)ward_syscall_(SYS_rt_sigprocmask, how, (long)&set, (long)&was, SET_BYTES, 0, 0);
    return was;
}

uint64_t ward_signals_block_(void)
{
    return change(SIG_BLOCK, UINT64_MAX);
}

void ward_signals_restore_(uint64_t were, bool failed)
{
    const uint64_t sent = UINT64_C(1) << (SIGPIPE - 1) | UINT64_C(1) << (SIGXFSZ - 1);
    const int64_t at_once[2] = { 0, 0 };

    while (failed &&
           ward_syscall_(SYS_rt_sigtimedwait, (long)&sent, 0, (long)at_once, SET_BYTES, 0, 0) > 0)
        continue;
    (void)change(SIG_SETMASK, were);
}

/* False: it takes too long. */
static bool may_be_written(long fd)
{
    struct pollfd asked = { .fd = (int)fd, .events = POLLOUT };
    int64_t second[2] = { 1, 0 };

    return ward_syscall_(SYS_ppoll, (long)&asked, 1, (long)second, 0, 0, 0) > 0;
}

bool ward_signals_write_(long fd, const char *text, size_t len)
{
    while (len > 0) {
        long put = ward_syscall_(SYS_write, fd, (long)text, (long)len, 0, 0, 0);

        if (put == -EINTR || (put == -EAGAIN && may_be_written(fd)))
            continue;
        if (put <= 0)
            return false;
        text += put;
        len -= (size_t)put;
    }
    return true;
}
