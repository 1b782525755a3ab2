/* SPDX-License-Identifier: MIT */
/*
 * Waiting on a word of user memory. It is read under the lock that wakers take, and so without
 * faults: if it is not there, the lock is dropped, the page brought in, and all begins anew.
 */
#include "kernel.h"

static struct lock lock;

static int read_word(ward_u32_in word, uint32_t *value)
{
    int error;

    ward_nofault_begin();
    error = ward_u32_read(WARD_HERE, word, value, NULL);
    ward_nofault_end();
    return error;
}

int64_t call_futex_wait(const struct call *call)
{
    uint64_t addr = call->args[0];
    ward_u32_in word = ward_u32_in_at(addr);
    uint32_t now;
    int64_t error = 0;

    if (addr % sizeof now != 0)
        return -EINVAL;
    lock_take(&lock);
    while (read_word(word, &now)) {
        lock_drop(&lock);
        error = ward_u32_in_populate(WARD_HERE, word, 1, NULL);
        if (error || is_killed())
            return error ? error : -EINTR;
        lock_take(&lock);
    }
    if (now != (uint32_t)call->args[1])
        error = -EAGAIN;
    else if (!sched_sleep(call->process->vm, addr, &lock))
        error = -EINTR;
    lock_drop(&lock);
    return error;
}

/* The word itself does not matter to who wakes; its address does. */
int64_t call_futex_wake(const struct call *call)
{
    uint64_t addr = call->args[0];
    unsigned woken;

    if (addr % sizeof(uint32_t) != 0)
        return -EINVAL;
    if (addr >= USER_END)
        return -EFAULT;
    lock_take(&lock);
    woken = sched_wake(call->process->vm, addr, (unsigned)call->args[1]);
    lock_drop(&lock);
    return woken;
}
