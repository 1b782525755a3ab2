/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <ward/notif.h>

#include "process.h"
#include "remote.h"
#include "syscall.h"

enum { ERROR_MAX = 4095 };

/* ENOENT: the notification is not valid any more. EINPROGRESS: it was answered, and the thread has
 * not come round to it yet. EINTR: a signal came while this thread waited for another supervisor,
 * and nothing was done. */
static int control(const struct ward_notif *notif, unsigned long request, void *with)
{
    long got = -EINTR;

    for (unsigned tries = 0; got == -EINTR && tries < WARD_SPACE_RETRIES; tries++)
        got = ward_syscall_(SYS_ioctl, notif->listener, (long)request, (long)with, 0, 0, 0);
    return got == -ENOENT || got == -EINPROGRESS ? -ESRCH : (int)got;
}

int ward_notif_verify(const struct ward_notif *notif)
{
    uint64_t id = notif->id;

    return control(notif, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

/* What cannot be asked counts as gone. */
static unsigned look(const struct ward_notif *notif)
{
    return ward_notif_verify(notif) ? WARD_FAULT_GONE : 0;
}

static size_t notif_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                         struct ward_fault *why)
{
    const struct ward_notif *notif = (const struct ward_notif *)space;
    size_t done = ward_remote_read_(notif->process.pid, a, dst, n, why);

    return ward_process_end_(look(notif), a, done, why);
}

static size_t notif_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                          struct ward_fault *why)
{
    const struct ward_notif *notif = (const struct ward_notif *)space;
    size_t done = 0;

    if (look(notif))
        return ward_process_end_(WARD_FAULT_GONE, a, done, why);
    done = ward_remote_write_(notif->process.pid, a, src, n, why);
    return ward_process_end_(look(notif), a, done, why);
}

static const struct ward_space_ops notif_ops = {
    .name = "notification",
    .read = notif_read,
    .write = notif_write,
};

/* x32, of which x86-64 says so in the number of the call, has short pointers. */
static unsigned pointer_bytes_of(const struct seccomp_data *data)
{
    const int x32 = 0x40000000;

    if ((data->arch & __AUDIT_ARCH_64BIT) == 0)
        return 4;
    return data->arch == AUDIT_ARCH_X86_64 && (data->nr & x32) != 0 ? 4 : 8;
}

int ward_notif_init(struct ward_notif *notif, int listener, const struct seccomp_notif *request)
{
    struct ward_process *process;
    int error;

    if (!notif)
        return -EINVAL;
    *notif = (struct ward_notif){ 0 };
    if (!request)
        return -EINVAL;
    notif->listener = listener;
    notif->id = request->id;
    process = &notif->process;
    process->pid = (int)request->pid;
    process->pidfd = process->mem = process->stat = -1;
    process->rung = WARD_PROCESS_BY_CALLS;
    process->pointer_bytes = pointer_bytes_of(&request->data);
    process->space.ops = &notif_ops;
    process->space.last = ward_process_last_(process->pointer_bytes);
    error = process->pid > 0 ? ward_notif_verify(notif) : -ESRCH;
    if (error)
        *notif = (struct ward_notif){ 0 };
    return error == -ENOTTY ? -EINVAL : error;
}

int ward_notif_answer(const struct ward_notif *notif, int64_t value, int error)
{
    struct seccomp_notif_resp answer = { .id = notif->id };

    if (error < 0 || error > ERROR_MAX)
        return -EINVAL;
    answer.val = error ? 0 : value;
    answer.error = -error;
    return control(notif, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

int ward_notif_answer_fd(const struct ward_notif *notif, int fd, bool close_on_exec)
{
    struct seccomp_notif_addfd answer = {
        .id = notif->id,
        .flags = SECCOMP_ADDFD_FLAG_SEND,
        .srcfd = (unsigned)fd,
        .newfd_flags = close_on_exec ? O_CLOEXEC : 0,
    };
    int got = control(notif, SECCOMP_IOCTL_NOTIF_ADDFD, &answer);

    return got == -EINVAL || got == -ENOTTY ? -ENOTSUP : got;
}
