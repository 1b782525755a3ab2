/* SPDX-License-Identifier: MIT */
/*
 * ward/notif.h: the memory of a thread that waits in a system call, for a seccomp supervisor.
 *
 * A filter that answers SECCOMP_RET_USER_NOTIF stops the calling thread and sends its system call,
 * pointers and all, to a supervisor. Until the supervisor answers, or a signal ends the wait, the
 * notification is valid, and that is the invariant here:
 *
 *   a read succeeds only if, after the bytes were copied, the notification was still valid
 *
 * So they were bytes of that thread, at the time of that call: its number cannot have been given
 * away, and its process cannot have run another program. Else the answer is WARD_FAULT_GONE:
 * -ESRCH, and all of the destination is zero. Answers are checked in the same way by the system
 * itself.
 *
 * What is read is a copy, and the only thing to decide upon: other threads may change the bytes at
 * any time. That is why there is no function here that lets the call go on
 * (SECCOMP_USER_NOTIF_FLAG_CONTINUE): it would read its arguments again. The supervisor does what
 * was asked for, with its copy, and answers with the result, or with a descriptor that the system
 * puts in place in the same step (ward_notif_answer_fd).
 *
 *     struct ward_notif notif;
 *     char path[PATH_MAX];
 *
 *     if (ward_notif_init(&notif, listener, request) == 0 &&
 *         ward_space_read_str(&notif.process.space, request->data.args[1], path, PATH_MAX, NULL) >
 * 0)
 *             ... decide on path, open it, ward_notif_answer_fd ...
 *
 * The memory is read by process_vm_readv, with the page protections of the process (ward/process.h,
 * WARD_PROCESS_BY_CALLS). A write is made between two looks; its bytes are where they belong if the
 * notification was valid at the second.
 *
 * Nothing is held: the listener is borrowed, and there is nothing to close. Threads: as
 * ward/process.h. Nothing here allocates.
 */
#ifndef WARD_NOTIF_H
#define WARD_NOTIF_H

#include <ward/process.h>

struct seccomp_notif; /* <linux/seccomp.h> */

struct ward_notif {
    struct ward_process process; /* for its space, ward_process_read_pointers and _read_list */
    int listener;
    uint64_t id;
};

WARD_EXTERN_C_BEGIN

/* The notification that SECCOMP_IOCTL_NOTIF_RECV filled `request` with. The width of pointers is
 * that of the system call. *notif is all zero on failure. -EINVAL: a NULL, or no listener. -ESRCH:
 * not valid any more, or the thread has no number here (its pid namespace is not below ours).
 * -EBADF: no descriptor. */
WARD_API WARD_CHECKED int ward_notif_init(struct ward_notif *notif, int listener,
                                          const struct seccomp_notif *request);

/* 0: valid. -ESRCH: no more. For what was found out about the thread in other ways (/proc). */
WARD_API WARD_CHECKED int ward_notif_verify(const struct ward_notif *notif);

/* The system call returns value, or, if error > 0, fails with it. -ESRCH: nobody waits any more, or
 * it was answered already; whatever was done for the call may have to be undone. -EINVAL: error is
 * no error number. */
WARD_API WARD_CHECKED int ward_notif_answer(const struct ward_notif *notif, int64_t value,
                                            int error);

/* Gives the thread a copy of fd, closed on exec or not, and has its system call return the number:
 * in one step, so that none is left behind. Returns that number. -ESRCH: nobody waits any more, and
 * nothing was given. -EMFILE: beyond the process's limit, and -EBADF: fd is none; the call still
 * waits for an answer then. -ENOTSUP: Linux before 5.14. */
WARD_API WARD_CHECKED int ward_notif_answer_fd(const struct ward_notif *notif, int fd,
                                               bool close_on_exec);

WARD_EXTERN_C_END

#endif
