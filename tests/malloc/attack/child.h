/* SPDX-License-Identifier: MIT */
/* Attacks of many kinds in one program: each in a child of its own, whose reports go nowhere. */
#ifndef WARD_TEST_MALLOC_ATTACK_CHILD_H
#define WARD_TEST_MALLOC_ATTACK_CHILD_H

#include "heap.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the child ends, as wait says; -1: it could not be made. */
static inline int ending_of(void (*commit)(void *), void *with)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        commit(with);
        _exit(0);
    }
    return waitpid(child, &status, 0) == child ? status : -1;
}

static inline bool is_killed_by(int status, int sig)
{
    return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

static inline bool is_reported(void (*commit)(void *), void *with)
{
    return is_killed_by(ending_of(commit, with), SIGABRT);
}

#endif
