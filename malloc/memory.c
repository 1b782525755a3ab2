/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/resource.h>

#include <ward/host.h>

#include "core/lock.h"
#include "memory.h"
#include "status.h"

/* --- Opening ---------------------------------------------------------------------------------- */

static _Atomic size_t opened; /* bytes of all that can be touched */

enum { LOOK_BYTES = 1 << 20 };

/* The system does not look at RLIMIT_AS when what is reserved is opened. Nor is it asked for the
 * limit each time: what a small program opens are many small pieces. */
static bool is_allowed(size_t len)
{
    size_t was = atomic_load(&opened);
    struct rlimit limit;

    return was / LOOK_BYTES == (was + len) / LOOK_BYTES || getrlimit(RLIMIT_AS, &limit) ||
           limit.rlim_cur == RLIM_INFINITY || was + len <= limit.rlim_cur;
}

static int open_pages(unsigned char *at, size_t len)
{
    int error =
        is_allowed(len) ? ward_host_protect(at, len, WARD_RW | WARD_HOST_KEEP_KEY) : -ENOMEM;

    if (error == 0)
        atomic_fetch_add(&opened, len);
    return error;
}

bool ward_memory_open_(unsigned char *at, size_t len)
{
    return open_pages(at, len) == 0;
}

bool ward_memory_close_(unsigned char *at, size_t len)
{
    if (ward_host_protect(at, len, WARD_NONE | WARD_HOST_KEEP_KEY))
        return false;
    atomic_fetch_sub(&opened, len);
    return true;
}

/* --- A range ---------------------------------------------------------------------------------- */

enum { COMMIT_STEP = 256 << 10, COMMIT_STEP_LARGE = 4 << 20 };

void ward_memory_seal_(void *at, size_t len)
{
    status_add(
        ward_host_advise(at, len, WARD_HOST_SEAL) ? WARD_STATUS_NOT_SEALED : WARD_STATUS_SEALED, 1);
}

/* Records are sealed by policy. Where blocks lie guards may have to be made by protection yet. */
static bool is_sealed(const unsigned char *at)
{
    return ward_root_.policy & POLICY_SEAL && (size_t)(at - ward_root_.base) >= ward_root_.bytes &&
           (size_t)(at - ward_root_.shared.base) >= ward_root_.shared.bytes &&
           (size_t)(at - ward_root_.guarded.base) >= ward_root_.guarded.bytes;
}

/* One thread at a time opens more of a range: a second that is slow would open again what became a
 * guard meanwhile. Who takes it over in a forked child finds what can be opened again. */
static uint32_t committer;

/* What is refused because it is sealed was opened by a thread that a fork cut off. */
static bool commit_step(unsigned char *at, size_t len)
{
    int error = open_pages(at, len);

    if (error == 0 && is_sealed(at))
        ward_memory_seal_(at, len);
    return error == 0 || (error == -EPERM && is_sealed(at));
}

/* What is opened, and cannot be marked, is opened again when it is needed next. */
static bool extend(const struct prefix *prefix, size_t from, size_t to)
{
    unsigned char *at = prefix->base + from;

    return commit_step(at, to - from) && (!prefix->marked || ward_memory_mark_(at, to - from));
}

/* Where memory is short: no more than is needed. Not of what is sealed: its steps are all alike. */
static bool extend_least(const struct prefix *prefix, size_t from, size_t to)
{
    return !is_sealed(prefix->base + from) && extend(prefix, from, to);
}

/* Up to where it can be touched, which was `done`, with one step more. The same: no memory. */
static size_t commit_more(const struct prefix *prefix, size_t done, size_t need)
{
    size_t step = done == 0                  ? prefix->first
                  : done < COMMIT_STEP_LARGE ? COMMIT_STEP
                                             : COMMIT_STEP_LARGE;
    size_t least = round_up(need, ward_root_.page), to = round_up(done + step, ward_root_.page);

    to = to < prefix->most ? to : prefix->most;
    if (extend(prefix, done, to))
        return to;
    return least < to && extend_least(prefix, done, least) ? least : done;
}

bool ward_memory_commit_(const struct prefix *prefix, _Atomic size_t *committed, size_t need)
{
    size_t done = atomic_load(committed), was;

    if (done >= need)
        return true;
    (void)ward_lock_enter_(&committer);
    done = was = atomic_load(committed);
    do {
        was = done;
        done = done < need ? commit_more(prefix, done, need) : done;
        atomic_store(committed, done);
    } while (done < need && done > was);
    ward_lock_leave_(&committer);
    if (done < need)
        status_add(WARD_STATUS_NO_MEMORY, 1);
    return done >= need;
}

/* --- Guards ----------------------------------------------------------------------------------- */

static _Atomic size_t split;

bool ward_memory_budget_take_(void)
{
    if (atomic_fetch_add(&split, 2) < ward_host_split_budget())
        return true;
    ward_memory_budget_give_();
    return false;
}

void ward_memory_budget_give_(void)
{
    atomic_fetch_sub(&split, 2);
}

bool ward_memory_is_split_(void)
{
    return LOAD(&split) != 0;
}

static _Atomic bool marked; /* there are markers somewhere */
static _Atomic bool stuck;  /* some could not be taken away: there are to be no more */

/* Pages before some that the program locked are marked, and then it fails. */
bool ward_memory_mark_(unsigned char *at, size_t len)
{
    if (LOAD(&stuck))
        return false;
    if (ward_host_advise(at, len, WARD_HOST_GUARD)) {
        (void)!ward_host_advise(at, len, WARD_HOST_UNGUARD);
        return false;
    }
    if (!LOAD(&marked))
        STORE(&marked, true);
    return true;
}

bool ward_memory_unmark_(unsigned char *at, size_t len)
{
    if (ward_host_advise(at, len, WARD_HOST_UNGUARD) == 0 || !LOAD(&marked))
        return true;
    STORE(&stuck, true);
    return false;
}

/* Without markers a guard costs two mappings, of which there are not many. */
bool ward_memory_guard_(unsigned char *at, size_t len)
{
    if (len == 0)
        return false;
    if (ward_memory_mark_(at, len)) {
        status_add(WARD_STATUS_GUARDS_MARKED, 1);
    } else if (!ward_memory_budget_take_()) {
        status_add(WARD_STATUS_GUARDS_MISSING, 1);
    } else if (ward_host_protect(at, len, WARD_NONE | WARD_HOST_KEEP_KEY)) {
        ward_memory_budget_give_();
        status_add(WARD_STATUS_GUARDS_MISSING, 1);
    } else {
        status_add(WARD_STATUS_GUARDS_MAPPED, 1);
        return true;
    }
    return false;
}

bool ward_memory_unguard_(unsigned char *at, size_t len)
{
    if (ward_host_protect(at, len, WARD_RW | WARD_HOST_KEEP_KEY))
        return false;
    ward_memory_budget_give_();
    return true;
}

/* --- Given back ------------------------------------------------------------------------------- */

void ward_memory_release_(unsigned char *at, size_t len)
{
    if (ward_host_advise(at, round_up(len, ward_root_.page), WARD_HOST_RELEASE)) {
        status_add(WARD_STATUS_NO_RELEASE, 1);
        memset(at, 0, len);
    }
}

void ward_memory_clear_(unsigned char *at, size_t len)
{
    enum { DROPPED_LEAST = 256 << 10 };
    size_t page = ward_root_.page, before = -(uintptr_t)at & (page - 1);
    size_t behind = (uintptr_t)(at + len) & (page - 1);

    if (len < DROPPED_LEAST) {
        memset(at, 0, len);
        return;
    }
    memset(at, 0, before);
    ward_memory_release_(at + before, len - before - behind);
    memset(at + len - behind, 0, behind);
}
