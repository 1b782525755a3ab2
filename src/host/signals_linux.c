/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
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
