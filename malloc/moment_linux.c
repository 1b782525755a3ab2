/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "moment.h"
#include "syscall.h"

uint64_t ward_moment_clock_(void)
{
    struct timespec now = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it cannot fail */
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct moment ward_moment_now_(void)
{
    return (struct moment){
        .at = ward_moment_clock_(),
        .thread = (uint32_t)ward_syscall_(SYS_gettid, 0, 0, 0, 0, 0, 0),
    };
}

bool ward_moment_is_gone_(uint32_t process, uint32_t thread)
{
    return ward_syscall_(SYS_tgkill, (long)process, (long)thread, 0, 0, 0, 0) == -ESRCH;
}

size_t ward_moment_memory_(void)
{
    struct sysinfo info = { 0 };

    return ward_syscall_(SYS_sysinfo, (long)&info, 0, 0, 0, 0, 0) == 0
               ? (size_t)info.totalram * info.mem_unit
               : 0;
}
