/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "probes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ward/host.h>
#include <ward/recover.h>
#include <ward/self.h>

#ifndef SYS_userfaultfd
#define SYS_userfaultfd 282
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static void say(char detail[PROBE_DETAIL], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(char detail[PROBE_DETAIL], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, PROBE_DETAIL, format, arguments);
    va_end(arguments);
}

/* Pages to try things on; those that cannot be given back stay until the process ends. */
static void *map(size_t pages, unsigned prot)
{
    void *at = NULL;

    return ward_host_map(&at, pages * ward_host_page_size(), WARD_HOST_ANON, prot, 0) ? NULL : at;
}

static int advise(enum ward_host_advice advice, void *at)
{
    return at ? ward_host_advise(at, ward_host_page_size(), advice) : -ENOMEM;
}

/* Does who reads the byte there die of it? */
static bool is_closed(const volatile unsigned char *at)
{
    const struct rlimit none = { 0, 0 };
    pid_t child = fork();
    int status;

    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL);
        _exit(*at & 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

/* --- Memory ----------------------------------------------------------------------------------- */

static int try_guard(char detail[PROBE_DETAIL])
{
    unsigned char *at = map(3, WARD_RW);
    size_t page = ward_host_page_size();
    int error = at ? advise(WARD_HOST_GUARD, at + page) : -ENOMEM;

    if (error)
        return error;
    at[0] = at[2 * page] = 1;
    if (!is_closed(at + page))
        return -EFAULT;
    error = ward_host_advise(at, 3 * page, WARD_HOST_RELEASE);
    if (!error && !is_closed(at + page))
        return -EFAULT;
    say(detail, "MADV_GUARD_INSTALL; stays when pages are given back");
    return error;
}

static int try_guard_of_locked(char detail[PROBE_DETAIL])
{
    void *at = map(1, WARD_RW);
    int error = advise(WARD_HOST_LOCK, at);

    if (error)
        say(detail, "no memory could be locked");
    return error ? error : advise(WARD_HOST_GUARD, at);
}

static int try_seal(char detail[PROBE_DETAIL])
{
    void *at = map(1, WARD_READ);
    int error = advise(WARD_HOST_SEAL, at);

    if (error)
        return error;
    say(detail, "mseal");
    error = ward_host_protect(at, ward_host_page_size(), WARD_RW);
    return error == -EPERM ? 0 : -EFAULT;
}

static int try_key(char detail[PROBE_DETAIL])
{
    int key = ward_host_key();

    say(detail, key < 0 ? "pkey_alloc" : "pkey_alloc gave key %d", key);
    return key < 0 ? key : 0;
}

static int try_secret(char detail[PROBE_DETAIL])
{
    void *at = NULL;
    int error = ward_host_map(&at, ward_host_page_size(), WARD_HOST_SECRET, WARD_RW, 0);

    say(detail, "memfd_secret");
    return error;
}

static int try_wipe(char detail[PROBE_DETAIL])
{
    unsigned char *at = map(1, WARD_RW);
    int error = advise(WARD_HOST_WIPE_ON_FORK, at), status;
    pid_t child;

    say(detail, "MADV_WIPEONFORK");
    if (error)
        return error;
    *at = 1;
    child = fork();
    if (child == 0)
        _exit(*(volatile unsigned char *)at);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -EAGAIN;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EFAULT;
}

static int try_release(char detail[PROBE_DETAIL])
{
    unsigned char *at = map(1, WARD_RW);
    int error;

    (void)detail;
    if (at)
        *at = 1;
    error = advise(WARD_HOST_RELEASE, at);
    return error ? error : *(volatile unsigned char *)at == 0 ? 0 : -EFAULT;
}

static int try_thp(char detail[PROBE_DETAIL])
{
    return advise(WARD_HOST_HUGE_ON, map(1, WARD_RW)) ? -ENOTSUP : (say(detail, "madvise"), 0);
}

/* What libward-malloc asks for: a range for each of 108 classes. */
static int try_reserve(char detail[PROBE_DETAIL])
{
    for (unsigned log2 = 38; log2 >= 21; log2--) {
        size_t bytes = (size_t)108 << log2;
        void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (at == MAP_FAILED)
            continue;
        munmap(at, bytes);
        say(detail, "%zu MiB for each size class of the malloc", (size_t)1 << (log2 - 20));
        return log2 == 38 ? 0 : -ENOMEM;
    }
    return -ENOMEM;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static int try_calls(char detail[PROBE_DETAIL])
{
    static const char from = 'x';
    char to = 0;
    int error = ward_space_read(ward_space_self_by_calls(), (uintptr_t)&from, &to, 1, NULL);

    say(detail, "process_vm_readv");
    return error ? error : to == 'x' ? 0 : -EFAULT;
}

static int try_pidfd(char detail[PROBE_DETAIL])
{
    long fd = syscall(SYS_pidfd_open, getpid(), 0);

    say(detail, "pidfd_open");
    if (fd < 0)
        return -errno;
    close((int)fd);
    return 0;
}

static int try_recover(char detail[PROBE_DETAIL])
{
    int error = ward_recover_install();
    void *at = map(1, WARD_NONE);
    char byte;

    say(detail, "a load that faults, in a table");
    if (error || !at)
        return error ? error : -ENOMEM;
    return ward_space_read(ward_space_self(), (uintptr_t)at, &byte, 1, NULL) == -EFAULT ? 0
                                                                                        : -EFAULT;
}

static int try_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char bytes[8];
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    int error = got < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return error;
}

static int try_proc(char detail[PROBE_DETAIL])
{
    say(detail, "/proc/self/maps");
    return try_open("/proc/self/maps");
}

static int try_pagemap(char detail[PROBE_DETAIL])
{
    say(detail, "/proc/self/pagemap");
    return try_open("/proc/self/pagemap");
}

static int try_userfaultfd(char detail[PROBE_DETAIL])
{
    long fd = syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);

    say(detail, "of faults in user mode");
    if (fd < 0)
        return -errno;
    close((int)fd);
    return 0;
}

static int try_random(char detail[PROBE_DETAIL])
{
    unsigned char bytes[16];

    (void)detail;
    return ward_host_random(bytes, sizeof bytes);
}

/* --- Facts ------------------------------------------------------------------------------------ */

/* -1: it cannot be read. */
static long read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    long number = -1;

    if (file && fscanf(file, "%ld", &number) != 1)
        number = -1;
    if (file)
        fclose(file);
    return number;
}

static int tell_system(char detail[PROBE_DETAIL])
{
    struct utsname name;

    if (uname(&name))
        return -errno;
    say(detail, "%s %s, %s, pages of %zu KiB", name.sysname, name.release, name.machine,
        ward_host_page_size() / 1024);
    return 0;
}

static int tell_address_space(char detail[PROBE_DETAIL])
{
    for (unsigned bits = 56; bits >= 32; bits--) {
        void *want = (void *)(((uintptr_t)1 << bits) - ((uintptr_t)1 << 30));
        void *at =
            mmap(want, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        if (at == MAP_FAILED && errno != EEXIST)
            continue;
        if (at != MAP_FAILED)
            munmap(at, 4096);
        say(detail, "%u bits of addresses", bits);
        return 0;
    }
    return -ENOMEM;
}

static int tell_overcommit(char detail[PROBE_DETAIL])
{
    static const char *const modes[] = { "heuristic", "always", "never" };
    long mode = read_number("/proc/sys/vm/overcommit_memory");

    say(detail, "mode %ld, %s", mode, mode >= 0 && mode < 3 ? modes[mode] : "unknown");
    return mode < 0 ? -ENOENT : 0;
}

static int tell_mappings(char detail[PROBE_DETAIL])
{
    long most = read_number("/proc/sys/vm/max_map_count");

    say(detail, "%ld; guards without markers may use %zu", most, ward_host_split_budget());
    return most < 0 ? -ENOENT : 0;
}

static void say_limit(char *text, size_t cap, const char *name, unsigned which)
{
    size_t len = strlen(text);
    struct rlimit limit;

    if (getrlimit(which, &limit))
        return;
    if (limit.rlim_cur == RLIM_INFINITY)
        (void)snprintf(text + len, cap - len, "%s%s unlimited", len ? ", " : "", name);
    else
        (void)snprintf(text + len, cap - len, "%s%s %" PRIu64 " KiB", len ? ", " : "", name,
                       (uint64_t)limit.rlim_cur / 1024);
}

static int tell_limits(char detail[PROBE_DETAIL])
{
    detail[0] = '\0';
    say_limit(detail, PROBE_DETAIL, "address space", RLIMIT_AS);
    say_limit(detail, PROBE_DETAIL, "data", RLIMIT_DATA);
    say_limit(detail, PROBE_DETAIL, "locked", RLIMIT_MEMLOCK);
    say_limit(detail, PROBE_DETAIL, "core", RLIMIT_CORE);
    return 0;
}

static int tell_ptrace(char detail[PROBE_DETAIL])
{
    long scope = read_number("/proc/sys/kernel/yama/ptrace_scope");

    say(detail,
        scope < 0    ? "of the same user (no Yama)"
        : scope == 0 ? "of the same user"
        : scope == 1 ? "descendants only (Yama, scope 1)"
                     : "none without privileges (Yama, scope %ld)",
        scope);
    return 0;
}

static int tell_layout(char detail[PROBE_DETAIL])
{
    long mode = read_number("/proc/sys/kernel/randomize_va_space");

    say(detail,
        mode == 2  ? "random"
        : mode < 0 ? "not known"
                   : "not, or not all, random (%ld)",
        mode);
    return 0;
}

const struct probe probes[] = {
    { "system", NULL, tell_system },
    { "address space", NULL, tell_address_space },
    { "overcommit", NULL, tell_overcommit },
    { "mappings", NULL, tell_mappings },
    { "limits", NULL, tell_limits },
    { "layout", NULL, tell_layout },
    { "may look at", NULL, tell_ptrace },
    { "reservation", "the malloc's classes get less, or share a range", try_reserve },
    { "guard markers", "guards cost two mappings each, and only some spans get one", try_guard },
    { "guards of locked memory", "after mlockall guards cost mappings", try_guard_of_locked },
    { "giving memory back", "it is cleared and kept", try_release },
    { "sealing", "code that runs already can map over the metadata", try_seal },
    { "protection keys", "metadata is not locked (WARD_LOCK_META; the malloc's strict)", try_key },
    { "secret memory", "locked memory that is left out of core dumps is used", try_secret },
    { "wipe on fork", "a child makes its random numbers anew only when it asks", try_wipe },
    { "huge pages", "ordinary ones are used", try_thp },
    { "random bytes", "nothing starts", try_random },
    { "recovery of faults", "bad pointers are read by system calls, which is slower", try_recover },
    { "reads by system call", "ward peek and stat need /proc/PID/mem", try_calls },
    { "process descriptors", "processes cannot be opened (ward peek, poke, stat)", try_pidfd },
    { "/proc", "an exec is not noticed, and ward stat finds nothing", try_proc },
    { "page map", "nothing: ward does not use it", try_pagemap },
    { "userfaultfd", "nothing: ward does not use it", try_userfaultfd },
};

const size_t probes_count = sizeof probes / sizeof *probes;
