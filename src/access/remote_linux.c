/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/uio.h>

#include <ward/host.h>

#include "remote.h"
#include "syscall.h"

static long copy_once(long number, int pid, void *ours, uint64_t a, size_t n)
{
    struct iovec local = { ours, n };
    struct iovec foreign = { (void *)(uintptr_t)a, n };

    return ward_syscall_(number, pid, (long)&local, 1, (long)&foreign, 1, 0);
}

static int own_pid(void)
{
    return (int)ward_syscall_(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

bool ward_remote_works_(void)
{
    char byte = 1, copy = 0;

    return copy_once(SYS_process_vm_readv, own_pid(), &copy, (uintptr_t)&byte, 1) == 1;
}

static unsigned kind_of(long error)
{
    if (error == -ESRCH)
        return WARD_FAULT_GONE;
    if (error == -ENOSYS)
        return WARD_FAULT_CANNOT;
    if (error == -EPERM || error == -EACCES)
        return WARD_FAULT_FORBIDDEN;
    return WARD_FAULT_DENIED;
}

/* One call copies up to the first page that cannot be accessed, or to a limit of the system's: what
 * is left is asked for again, and then there is an error, or progress. Some systems refuse a range
 * whole (the manual allows it): after a refusal it goes on page by page. */
static size_t copy(long number, int pid, void *ours, uint64_t a, size_t n, struct ward_fault *why)
{
    bool by_page = false;
    size_t done = 0;

    while (done < n) {
        size_t page = ward_host_page_size(), in_page = page - (size_t)((a + done) % page);
        size_t left = n - done, want = by_page && in_page < left ? in_page : left;
        long got = copy_once(number, pid, (char *)ours + done, a + done, want);

        if (got > 0) {
            done += (size_t)got;
        } else if (got == -EFAULT && want > in_page) {
            by_page = true;
        } else {
            why->addr = a + done;
            why->kind = got == 0 ? (unsigned)WARD_FAULT_DENIED : kind_of(got);
            break;
        }
    }
    return done;
}

size_t ward_remote_read_(int pid, uint64_t a, void *dst, size_t n, struct ward_fault *why)
{
    return copy(SYS_process_vm_readv, pid, dst, a, n, why);
}

size_t ward_remote_write_(int pid, uint64_t a, const void *src, size_t n, struct ward_fault *why)
{
    union {
        const void *src;
        void *ours;
    } bytes = { src }; /* the system only reads them */

    return copy(SYS_process_vm_writev, pid, bytes.ours, a, n, why);
}
