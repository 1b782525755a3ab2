/* SPDX-License-Identifier: MIT */
/*
 * The one signal handler of ward. It looks the program counter up first; if there is an entry, it
 * mends the context and returns. Else the signal is somebody else's, and goes where it would have
 * gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ward/host.h>
#include <ward/recover.h>
#include <ward/space.h>

#include "recover.h"
#include "syscall.h"
#include "trap.h"

#ifndef SEGV_MTEAERR
#define SEGV_MTEAERR 8
#endif

enum { KERNEL_SIGSET_BYTES = 8, KERNEL_SIGACTION_BYTES = 32 };

enum { SIGNALS = 3 };

/* What was there before. Written before our handler can run, but for `reset`. */
static struct previous {
    int signal;
    struct sigaction action;
    _Atomic unsigned reset; /* 1: it was called with SA_RESETHAND, and is the default from now on */
} before[SIGNALS] = { { .signal = SIGSEGV },
                      { .signal = SIGBUS },
                      { .signal = WARD_TRAP_ILLEGAL } };

/* What the kernel calls: ours, or that of a tool that stands in between (a sanitizer's). */
static _Atomic uint64_t installed_handler;

enum state { NOT_YET, BEING_DONE, INSTALLED };

static _Atomic int state = NOT_YET;

/* --- Ours? ------------------------------------------------------------------------------------ */

static unsigned kind_of_segv(int code)
{
    return code == SEGV_MAPERR || code == SI_KERNEL ? WARD_FAULT_UNMAPPED : WARD_FAULT_PROT;
}

static unsigned kind_of_bus(int code)
{
    if (code == BUS_ADRALN)
        return WARD_FAULT_ALIGN;
    return code == BUS_MCEERR_AR || code == BUS_MCEERR_AO ? WARD_FAULT_MEMORY : WARD_FAULT_BUS;
}

static unsigned kind_of(int sig, int code)
{
    if (sig == SIGBUS)
        return kind_of_bus(code);
    return sig == SIGSEGV ? kind_of_segv(code) : WARD_FAULT_DENIED;
}

/* A code above 0 is the kernel's own: what kill and its like send is at most 0. An asynchronous tag
 * check is reported for an earlier instruction than the one it strikes. A broken page that was
 * merely found (MCEERR_AO) belongs to no instruction. */
static bool is_of_an_instruction(int sig, const siginfo_t *info)
{
    if (sig == 0 || info->si_code <= 0) /* no signal is 0, but WARD_TRAP_ILLEGAL may be */
        return false;
    if (sig == SIGSEGV)
        return info->si_code != SEGV_MTEAERR;
    return sig == SIGBUS ? info->si_code != BUS_MCEERR_AO : sig == WARD_TRAP_ILLEGAL;
}

bool ward_recover_try(int sig, void *siginfo, void *ucontext)
{
    const siginfo_t *info = siginfo;
    const struct ward_recover_entry *entry;

    if (!info || !ucontext || !is_of_an_instruction(sig, info))
        return false;
    entry = ward_recover_find(ward_trap_pc_(ucontext));
    if (!entry)
        return false;
    ward_trap_resume_(ucontext, ward_recover_fixup(entry), entry->what & WARD_RECOVER_REGISTER,
                      kind_of(sig, info->si_code), (entry->what & WARD_RECOVER_CARRY) != 0);
    return true;
}

/* --- Somebody else's -------------------------------------------------------------------------- */

static void set_default(int sig)
{
    uint64_t action[KERNEL_SIGACTION_BYTES / 8] = { 0 };

    (void)ward_syscall_(SYS_rt_sigaction, sig, (long)action, 0, KERNEL_SIGSET_BYTES, 0, 0);
}

/* The default is death, and it shall be that of the signal itself: a fault strikes again at the
 * same instruction, what belongs to none is sent again, as it was. */
static void die_of(int sig, siginfo_t *info)
{
    set_default(sig);
    if (!is_of_an_instruction(sig, info))
        (void)ward_syscall_(SYS_rt_tgsigqueueinfo, ward_syscall_(SYS_getpid, 0, 0, 0, 0, 0, 0),
                            ward_syscall_(SYS_gettid, 0, 0, 0, 0, 0, 0), sig, (long)info, 0, 0);
}

/* The mask the old handler would have: that of the code it interrupts, its own, and the signal. */
static void set_mask(int sig, const struct sigaction *action, const ucontext_t *interrupted)
{
    sigset_t mask = interrupted->uc_sigmask;

    sigorset(&mask, &mask, &action->sa_mask);
    if (!(action->sa_flags & SA_NODEFER))
        sigaddset(&mask, sig);
    (void)ward_syscall_(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, KERNEL_SIGSET_BYTES, 0, 0);
}

static void call_previous(const struct sigaction *action, int sig, siginfo_t *info, void *context)
{
    set_mask(sig, action, context);
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(sig, info, context);
    else
        action->sa_handler(sig);
}

static struct previous *previous_of(int sig)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (before[i].signal == sig)
            return &before[i];
    return NULL;
}

static bool is_default(struct previous *previous)
{
    const struct sigaction *action = &previous->action;

    if (!(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_DFL)
        return true;
    return ((unsigned)action->sa_flags & SA_RESETHAND) != 0 &&
           atomic_exchange(&previous->reset, 1) != 0;
}

/* The system does not let a fault be ignored either: it kills. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
    struct previous *previous = previous_of(sig);
    const struct sigaction *action = &previous->action;
    bool ignored = !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_IGN;

    if (is_default(previous) || (ignored && is_of_an_instruction(sig, info)))
        die_of(sig, info);
    else if (!ignored)
        call_previous(action, sig, info, context);
}

static void handle(int sig, siginfo_t *info, void *context)
{
    if (!ward_recover_try(sig, info, context))
        pass_on(sig, info, context);
}

/* --- Installing ------------------------------------------------------------------------------- */

/* Nothing interrupts a look at the tables; the old handler's own mask is set before it is called.
 */
static int install_one(struct previous *previous)
{
    struct sigaction ours = { .sa_sigaction = handle };

    if (previous->signal == 0)
        return 0;
    if (sigaction(previous->signal, NULL, &previous->action))
        return -errno;
    ours.sa_flags =
        SA_SIGINFO | SA_ONSTACK | (previous->action.sa_flags & (SA_RESTART | SA_NODEFER));
    sigfillset(&ours.sa_mask);
    return sigaction(previous->signal, &ours, &previous->action) ? -errno : 0;
}

static void note_handler(void)
{
    uint64_t action[KERNEL_SIGACTION_BYTES / 8] = { 0 };

    (void)ward_syscall_(SYS_rt_sigaction, SIGSEGV, 0, (long)action, KERNEL_SIGSET_BYTES, 0, 0);
    atomic_store(&installed_handler, action[0]);
}

/* All, or none. */
static int install_all(void)
{
    int error = 0;
    size_t i;

    for (i = 0; i < SIGNALS && !error; i++)
        error = install_one(&before[i]);
    while (error && --i > 0)
        if (before[i - 1].signal != 0)
            (void)sigaction(before[i - 1].signal, &before[i - 1].action, NULL);
    return error;
}

/* Counts of looks in memory that a child finds all zero: the threads that were looking are not in
 * it. Where there is none, a child that unloads objects waits for them in vain if the fork struck a
 * thread of the parent in the middle of a look. */
static void count_in_wiped_memory(void)
{
    size_t page = ward_host_page_size();
    void *at = NULL;

    if (ward_host_map(&at, page, WARD_HOST_ANON, WARD_RW, 0))
        return;
    if (!ward_host_advise(at, page, WARD_HOST_WIPE_ON_FORK) || ward_host_unmap(at, page))
        ward_recover_count_in_(at);
}

int ward_recover_install(void)
{
    int known = NOT_YET;
    int saved = errno;
    int error;

    while (!atomic_compare_exchange_strong(&state, &known, BEING_DONE)) {
        if (known == INSTALLED)
            return 0;
        known = NOT_YET; /* another thread is at it */
    }
    count_in_wiped_memory();
    error = install_all();
    if (!error) {
        note_handler();
        (void)atexit(ward_recover_freeze_);
    }
    atomic_store(&state, error ? NOT_YET : INSTALLED);
    errno = saved;
    return error;
}

/* The kernel's own record: who interposes on sigaction is not asked. */
static bool stands(int sig)
{
    uint64_t action[KERNEL_SIGACTION_BYTES / 8] = { 0 };

    return ward_syscall_(SYS_rt_sigaction, sig, 0, (long)action, KERNEL_SIGSET_BYTES, 0, 0) == 0 &&
           action[0] == atomic_load(&installed_handler);
}

static bool is_blocked(void)
{
    const uint64_t ours = (uint64_t)1 << (SIGSEGV - 1) | (uint64_t)1 << (SIGBUS - 1);
    uint64_t mask = 0;

    return ward_syscall_(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&mask, KERNEL_SIGSET_BYTES, 0,
                         0) != 0 ||
           (mask & ours) != 0;
}

bool ward_recover_serves_(void)
{
    return ward_recover_is_installed() && stands(SIGSEGV) && stands(SIGBUS) && !is_blocked() &&
           !ward_trap_is_emulated_();
}

bool ward_recover_is_installed(void)
{
    return atomic_load_explicit(&state, memory_order_relaxed) == INSTALLED;
}
