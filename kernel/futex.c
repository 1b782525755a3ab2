/* SPDX-License-Identifier: MIT */
/*
 * Waiting on a word of user memory. It is read under the lock that wakers take, and so without
 * faults: if it is not there, the lock is dropped, the page brought in, and all begins anew.
 */
#include "kernel.h"

static struct lock lock;

int64_t call_futex_wait(const struct call *call)
{
    uint64_t addr = call->args[0];
    uint32_t now = 0;
    int error;

    call_lock(&lock);
    do {
        error = ward_u32_read(WARD_HERE, ward_u32_in_at(addr), &now, NULL);
        error = call_retry(error, addr, WARD_READ, &lock);
    } while (error == -EAGAIN);
    if (!error && now != (uint32_t)call->args[1])
        error = -EAGAIN;
    if (!error && !sched_sleep(call->process->vm, addr, &lock))
        error = -EINTR;
    call_unlock(&lock);
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
