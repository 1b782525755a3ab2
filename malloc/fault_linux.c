/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "door.h"
#include "fault.h"
#include "frame.h"
#include "status.h"
#include "syscall.h"

enum { KERNEL_SIGSET_BYTES = 8, KERNEL_SIGACTION_BYTES = 32 };

static void set_default(int sig)
{
    uint64_t action[KERNEL_SIGACTION_BYTES / 8] = { 0 };

    (void)ward_syscall_(SYS_rt_sigaction, sig, (long)action, 0, KERNEL_SIGSET_BYTES, 0, 0);
}

/* What was sent belongs to no instruction that runs again: it is sent again, as it was. */
static void send_again(int sig, siginfo_t *info)
{
    (void)ward_syscall_(SYS_rt_tgsigqueueinfo, ward_syscall_(SYS_getpid, 0, 0, 0, 0, 0, 0),
                        ward_syscall_(SYS_gettid, 0, 0, 0, 0, 0, 0), sig, (long)info, 0, 0);
}

static void explain(const siginfo_t *info, const ucontext_t *context)
{
    bool opened = door_open(POLICY_KEYS); /* the kernel closed it for the handler */
    struct report_known known;
    struct ward_bug bug;
    struct place place;

    if (ward_fault_explain_(info->si_addr, &bug, &known, &place)) {
        known.context = context;
        known.access = ward_frame_access_(context);
        ward_report_fault_(&bug, &known);
    }
    door_close(opened);
}

/* A code above 0 is the kernel's own. */
static void handle(int sig, siginfo_t *info, void *context)
{
    if (info->si_code > 0 && info->si_code != SI_KERNEL)
        explain(info, context);
    set_default(sig);
    if (info->si_code <= 0)
        send_again(sig, info);
}

static bool install(int sig)
{
    struct sigaction action;

    if (sigaction(sig, NULL, &action) || (action.sa_flags & SA_SIGINFO) ||
        action.sa_handler != SIG_DFL)
        return false;
    action = (struct sigaction){ .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigfillset(&action.sa_mask); /* a handler that jumps away would leave the report half done */
    return sigaction(sig, &action, NULL) == 0;
}

void ward_fault_start_(void)
{
    int saved = errno;

    if (install(SIGSEGV))
        ward_status_segv_installed_();
    (void)install(SIGBUS);
    errno = saved;
}
