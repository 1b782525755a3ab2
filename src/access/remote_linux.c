/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/uio.h>

#include <ward/host.h>

#include "remote.h"
#include "syscall.h"

/* A copy under way. */
struct copy {
    long number; /* of the system call */
    int pid;
    const struct ward_witness_ *witness; /* NULL: none */
    bool vouched;
};

static long copy_once(struct copy *copy, void *ours, uint64_t a, size_t n)
{
    struct iovec local = { ours, n };
    struct iovec foreign = { (void *)(uintptr_t)a, n };

    return ward_syscall_(copy->number, copy->pid, (long)&local, 1, (long)&foreign, 1, 0);
}

/* The witness comes first, so that it is there also where the range is not. What is known of a
 * range of which no byte came is that it was refused. */
static long copy_vouched(struct copy *copy, void *ours, uint64_t a, size_t n)
{
    const struct ward_witness_ *witness = copy->witness;
    unsigned char seen[sizeof witness->bytes] = { 0 };
    struct iovec local[2] = { { seen, sizeof seen }, { ours, n } };
    struct iovec foreign[2] = { { (void *)(uintptr_t)witness->at, sizeof seen },
                                { (void *)(uintptr_t)a, n } };
    long got =
        ward_syscall_(copy->number, copy->pid, (long)local, 2, (long)foreign, n > 0 ? 2 : 1, 0);

    copy->vouched =
        got >= (long)sizeof seen && __builtin_memcmp(seen, witness->bytes, sizeof seen) == 0;
    if (!copy->vouched)
        return -ESRCH;
    return got > (long)sizeof seen ? got - (long)sizeof seen : -EFAULT;
}

static int own_pid(void)
{
    return (int)ward_syscall_(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

bool ward_remote_works_(void)
{
    struct copy copy = { .number = SYS_process_vm_readv, .pid = own_pid() };
    char byte = 1, other = 0;

    return copy_once(&copy, &other, (uintptr_t)&byte, 1) == 1;
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
static size_t copy_all(struct copy *copy, void *ours, uint64_t a, size_t n, struct ward_fault *why)
{
    bool by_page = false;
    size_t done = 0;

    while (done < n) {
        size_t page = ward_host_page_size(), in_page = page - (size_t)((a + done) % page);
        size_t left = n - done, want = by_page && in_page < left ? in_page : left;
        long got =
            (copy->witness ? copy_vouched : copy_once)(copy, (char *)ours + done, a + done, want);

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
    struct copy copy = { .number = SYS_process_vm_readv, .pid = pid };

    return copy_all(&copy, dst, a, n, why);
}

size_t ward_remote_write_(int pid, uint64_t a, const void *src, size_t n, struct ward_fault *why)
{
    union {
        const void *src;
        void *ours;
    } bytes = { src }; /* the system only reads them */
    struct copy copy = { .number = SYS_process_vm_writev, .pid = pid };

    return copy_all(&copy, bytes.ours, a, n, why);
}

bool ward_remote_read_vouched_(int pid, const struct ward_witness_ *witness, uint64_t a, void *dst,
                               size_t n, size_t *done, struct ward_fault *why)
{
    struct copy copy = { .number = SYS_process_vm_readv, .pid = pid, .witness = witness };

    *done = 0;
    if (witness->at == 0)
        return false;
    if (n == 0)
        (void)copy_vouched(&copy, dst, a, 0);
    else
        *done = copy_all(&copy, dst, a, n, why);
    if (!copy.vouched)
        why->kind = 0; /* that says nothing about the range */
    return copy.vouched;
}
