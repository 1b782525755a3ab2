/* SPDX-License-Identifier: MIT */
/* Does an access fault? Asked in one thread, of addresses that may be bad. */
#ifndef WARD_TEST_MALLOC_ATTACK_FAULTS_H
#define WARD_TEST_MALLOC_ATTACK_FAULTS_H

#include "heap.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>

static sigjmp_buf after_fault;

static void on_fault(int number)
{
    siglongjmp(after_fault, number);
}

static inline bool faults(void (*access)(void *), void *with)
{
    struct sigaction old, catch = { .sa_handler = on_fault };
    bool faulted = true;

    if (sigaction(SIGSEGV, &catch, &old))
        abort();
    if (sigsetjmp(after_fault, 1) == 0) {
        access(with);
        faulted = false;
    }
    if (sigaction(SIGSEGV, &old, NULL))
        abort();
    return faulted;
}

#endif
