/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "failing.h"

#include <errno.h>
#include <unistd.h>

#include "host_calls.h"

_Atomic bool failing;
_Atomic unsigned long failed;

static bool fails(void)
{
    static _Atomic uint64_t calls;
    uint64_t call, draw;

    if (!failing)
        return false;
    call = atomic_fetch_add(&calls, 1);
    draw = call * UINT64_C(0x9e3779b97f4a7c15) >> 40;
    switch (call / 256 % 4) {
    case 0: return false;
    case 1: draw %= 16; break;
    case 2: draw %= 2; break;
    default: draw = 0;
    }
    if (draw == 0)
        atomic_fetch_add(&failed, 1);
    return draw == 0;
}

int __wrap_ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                         size_t huge_bytes)
{
    if (!fails())
        return __real_ward_host_map(at, len, kind, prot, huge_bytes);
    *at = NULL;
    return -ENOMEM;
}

int __wrap_ward_host_unmap(void *at, size_t len)
{
    return fails() ? -ENOMEM : __real_ward_host_unmap(at, len);
}

int __wrap_ward_host_protect(void *at, size_t len, unsigned prot)
{
    return fails() ? -ENOMEM : __real_ward_host_protect(at, len, prot);
}

int __wrap_ward_host_advise(void *at, size_t len, enum ward_host_advice advice)
{
    return fails() ? -ENOMEM : __real_ward_host_advise(at, len, advice);
}

int __wrap_ward_host_move(void *at, size_t len, void *to, size_t to_len)
{
    return fails() ? -ENOMEM : __real_ward_host_move(at, len, to, to_len);
}

int __wrap_ward_host_random(void *bytes, size_t len)
{
    static _Atomic pid_t first;
    pid_t nobody = 0, self = getpid();

    /* In a forked child nothing can go on without. */
    if (!atomic_compare_exchange_strong(&first, &nobody, self) && nobody != self)
        return __real_ward_host_random(bytes, len);
    return fails() ? -ENOSYS : __real_ward_host_random(bytes, len);
}

int __wrap_ward_host_key(void)
{
    return fails() ? -ENOSPC : __real_ward_host_key();
}
