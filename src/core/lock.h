/* SPDX-License-Identifier: MIT */
/*
 * A lock for short sections that may be held while another thread forks: the child, where the
 * holder does not exist, takes it over and is told. Not in signal handlers, not twice by one
 * thread.
 */
#ifndef WARD_CORE_LOCK_H
#define WARD_CORE_LOCK_H

#include <ward/base.h>

enum ward_lock_found_ {
    WARD_LOCK_AS_LEFT_, /* by this process */
    WARD_LOCK_FORKED_,  /* the first time in a child; nobody held it when the parent forked */
    WARD_LOCK_TORN_, /* the first time in a child; somebody did, and what it guards is half done */
};

/* What a new lock of this process is. */
uint32_t ward_lock_free_(void);
enum ward_lock_found_ ward_lock_enter_(uint32_t *lock);
void ward_lock_leave_(uint32_t *lock);

#endif
