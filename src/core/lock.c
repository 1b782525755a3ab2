/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "core/lock.h"

/* The word: held, somebody sleeps, and thirty bits that tell the process. */
enum { HELD = 1, AWAITED = 2, LOOKS = 100 };

static uint32_t this_process(void)
{
    return (uint32_t)(ward_host_fork_epoch() << 2);
}

static uint32_t process_of(uint32_t word)
{
    return word & ~(uint32_t)(HELD | AWAITED);
}

uint32_t ward_lock_free_(void)
{
    return this_process();
}

/* Until the word is another than the one seen, for all that is known. A short section is over soon;
 * whoever looks in vain marks the word, and sleeps. */
static uint32_t wait_for_change(uint32_t *lock, uint32_t seen)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        uint32_t now = __atomic_load_n(lock, __ATOMIC_RELAXED);

        if (now != seen)
            return now;
    }
    if (!(seen & AWAITED) && !__atomic_compare_exchange_n(lock, &seen, seen | AWAITED, false,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return seen;
    ward_host_wait(lock, seen | AWAITED);
    return __atomic_load_n(lock, __ATOMIC_RELAXED);
}

/* Whoever has waited cannot know who else does, and leaves the mark. */
enum ward_lock_found_ ward_lock_enter_(uint32_t *lock)
{
    uint32_t me = this_process(), mark = 0;
    uint32_t seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

    for (;;) {
        if (process_of(seen) == me && seen & HELD) {
            seen = wait_for_change(lock, seen);
            mark = AWAITED;
        } else if (__atomic_compare_exchange_n(lock, &seen, me | HELD | mark, false,
                                               __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            break;
        }
    }
    if (process_of(seen) == me)
        return WARD_LOCK_AS_LEFT_;
    return seen & HELD ? WARD_LOCK_TORN_ : WARD_LOCK_FORKED_;
}

void ward_lock_leave_(uint32_t *lock)
{
    const uint32_t keep = ~(uint32_t)(HELD | AWAITED);

    if (__atomic_fetch_and(lock, keep, __ATOMIC_RELEASE) & AWAITED)
        ward_host_wake(lock);
}
