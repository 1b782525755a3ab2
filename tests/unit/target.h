/* SPDX-License-Identifier: MIT */
/*
 * What the tests of other processes share: a second process that has the same addresses and other
 * bytes, and filters that make system calls fail.
 *
 * To be included first.
 */
#ifndef WARD_TESTS_UNIT_TARGET_H
#define WARD_TESTS_UNIT_TARGET_H

#include "backing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <ward/process.h>

/* A process space needs a pidfd. valgrind of this age passes no pidfd_open on. */
static inline void exit_without_pidfd(void)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (pidfd < 0) {
        printf("no pidfd_open here (%s), without which a process cannot be opened\n",
               strerror(errno));
        exit(77);
    }
    close(pidfd);
}

/* A child that did `setup` and waits; on each order it does `work` with it. */
struct target {
    pid_t pid;
    int orders, answers;
};

typedef void target_setup(void *arg);
typedef void target_work(void *arg, char order, int orders, int answers);

static inline void serve_orders(int orders, int answers, target_work *work, void *arg)
{
    char order;

    while (read(orders, &order, 1) == 1) {
        if (work)
            work(arg, order, orders, answers);
        if (write(answers, &order, 1) != 1)
            break;
    }
    _exit(0);
}

/* Never outlives its parent, also where that has died before this is called. */
static inline void die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
        _exit(1);
}

static inline void be_target(pid_t parent, const int *to, const int *from, target_setup *setup,
                             target_work *work, void *arg)
{
    become_child();
    close(to[1]);
    close(from[0]);
    die_with(parent);
    if (setup)
        setup(arg);
    if (write(from[1], "", 1) != 1)
        abort();
    serve_orders(to[0], from[1], work, arg);
}

/* An answer of the target's: that its setup, or an order, is done. */
static inline void await(const struct target *target)
{
    char answer;

    if (read(target->answers, &answer, 1) != 1)
        abort();
}

static inline void order(const struct target *target, char what)
{
    if (write(target->orders, &what, 1) != 1)
        abort();
}

static inline void start_target(struct target *target, target_setup *setup, target_work *work,
                                void *arg)
{
    pid_t self = getpid();
    int to[2], from[2];

    if (pipe(to) || pipe(from))
        abort();
    fflush(NULL);
    target->pid = fork();
    if (target->pid == 0)
        be_target(self, to, from, setup, work, arg);
    close(to[0]);
    close(from[1]);
    target->orders = to[1];
    target->answers = from[0];
    if (target->pid < 0)
        abort();
    await(target);
}

/* Ends the target, and waits for it: its number is free then. */
static inline void stop_target(struct target *target)
{
    int status;

    kill(target->pid, SIGKILL);
    if (waitpid(target->pid, &status, 0) != target->pid)
        abort();
    close(target->orders);
    close(target->answers);
}

static inline uint64_t address(const void *at)
{
    return (uintptr_t)at;
}

static inline unsigned char *map_pages(size_t count)
{
    void *at = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        abort();
    return at;
}

static inline void unmap_pages(unsigned char *at, size_t count)
{
    if (munmap(at, count * PAGE))
        abort();
}

/* Descriptors that are open. */
static inline unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* --- Filters ---------------------------------------------------------------------------------- */

static inline bool has_filters(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static inline int install_filter(struct sock_filter *program, size_t len)
{
    struct sock_fprog filter = { (unsigned short)len, program };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

/* This system call fails from now on, in this process. */
static inline int forbid_call(long number, int error)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    return install_filter(program, sizeof program / sizeof program[0]);
}

#endif
