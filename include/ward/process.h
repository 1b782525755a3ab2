/* SPDX-License-Identifier: MIT */
/*
 * ward/process.h: the memory of another process as a space.
 *
 * A space of this kind is never direct: each access is a copy by the system, followed by a look
 * whether the process is still the same. That look is the invariant:
 *
 *   a read succeeds only if, after the bytes were copied, the process was still the one opened,
 *   and still ran the program it ran then
 *
 * Else the answer is WARD_FAULT_GONE: -ESRCH, and all of the destination is zero. A pidfd, which
 * never comes to mean another process as a number may, says whether it lives. A witness says
 * whether it is the same program: 16 bytes in its memory that the system drew at random when it
 * started it (AT_RANDOM). The call that copies reads them along, so they are of the same memory.
 *
 * Who overwrites its witness, or has none that can be seen, is asked in a slower way:
 *
 *   /proc/PID/mem    does the memory still exist that it had when it was opened? (no: an exec)
 *   /proc/PID/stat   is the program where it was? The old memory may outlive an exec, as long as
 *                    anybody holds it: a process that shares it (vfork), or another reader. But
 *                    the system lays out each program at other places.
 *
 * Where none of these may be seen, an exec is not noticed, and ward_process_info says so.
 *
 * Cost: some 0.4 us more than the bare call, whatever the length; some 3 us the slower way.
 *
 * A write cannot be taken back. The process is looked at before and after; one that ends in
 * between, and whose number is given away at once, may have been mistaken for the next.
 *
 * There are two rungs, and which one is in use is told:
 *
 *   WARD_PROCESS_BY_CALLS   process_vm_readv and _writev. They respect the page protections of the
 *                           process: what it may not read itself is -EFAULT, with the fault's kind
 *                           WARD_FAULT_DENIED (ward_process_explain tells more).
 *   WARD_PROCESS_BY_FILE    /proc/PID/mem. It goes through protections: PROT_NONE is read, and
 *                           read-only pages are written (private ones are copied first). So it is
 *                           used only on request (WARD_PROCESS_FORCE): for what the calls refuse,
 *                           or for everything where there are no such calls.
 *
 * Who may open what is the system's decision (ptrace(2), "access mode checking").
 *
 * 32-bit processes have 4-byte pointers and addresses below 4 GiB; `pointer_bytes` is taken from
 * the auxiliary vector that the system made for the process.
 *
 * Atomics and populate are -ENOTSUP, and ward_space_check knows only the range. Strings, sentinels
 * and vectors work as in every space.
 *
 * Threads: one object may be used by many. Signal handlers: allowed. Nothing here allocates.
 * A forked child may use the object too.
 */
#ifndef WARD_PROCESS_H
#define WARD_PROCESS_H

#include <ward/space.h>

enum {
    WARD_PROCESS_FORCE = 1, /* go through page protections, by /proc/PID/mem */
};

enum ward_process_rung {
    WARD_PROCESS_BY_CALLS = 1,
    WARD_PROCESS_BY_FILE,
};

/* Set by open, then constant. */
struct ward_process {
    struct ward_space space;
    int pid;             /* as this process numbers it */
    int proc_pid;        /* as the mounted /proc does; 0: it does not show the process */
    int pidfd;           /* -1 where something else vouches for the process (ward/notif.h) */
    int mem, stat;       /* /proc/PID/mem and stat; negative: could not be opened */
    uint64_t layout;     /* what stat said at open; 0: nothing */
    uint64_t witness_at; /* where the witness lies; 0: there is none */
    unsigned char witness[16];
    unsigned flags;         /* WARD_PROCESS_FORCE */
    unsigned rung;          /* ward_process_rung */
    unsigned pointer_bytes; /* 4, 8, or 0: not known */
};

struct ward_process_info {
    int pid;
    unsigned rung;          /* ward_process_rung: what is tried first */
    bool forces;            /* what that refuses is reached through protections */
    bool notices_exec;      /* an exec makes the space go */
    unsigned pointer_bytes; /* 4, 8, or 0: not known */
};

WARD_EXTERN_C_BEGIN

/* Opens the process with this number. Holds three descriptors (closed on exec) until
 * ward_process_close. *process is all zero on failure.
 * -EINVAL: pid is not positive, or an unknown flag. -ESRCH: no such process, or it is ending, or
 * the number is that of a thread other than the first, or of a thread of the kernel. -EPERM: the
 * system does not let this process look (another user, Yama, not dumpable; with
 * WARD_PROCESS_FORCE also: /proc/PID/mem may not be opened). -ENOTSUP: there are no such calls
 * here: no pidfd_open (before Linux 5.3, or a seccomp filter), without which a number proves
 * nothing; or no process_vm_readv, and WARD_PROCESS_FORCE was not given. -EMFILE, -ENFILE, -ENOMEM:
 * no descriptor to be had. */
WARD_API WARD_CHECKED int ward_process_open(struct ward_process *process, int pid, unsigned flags);

/* Gives the descriptors back; *process is all zero then. Nothing happens to one that is all zero
 * already. The caller sees to it that no access is under way. */
WARD_API void ward_process_close(struct ward_process *process);

/* What was found at open. */
WARD_API void ward_process_info_get(const struct ward_process *process,
                                    struct ward_process_info *info);

/* 0: it is still the process that was opened, and runs the same program. -ESRCH: no more. -EPERM:
 * the system does not show it to this process any more. Every access asks by itself. */
WARD_API WARD_CHECKED int ward_process_verify(const struct ward_process *process);

/* Advice, for messages: replaces the kind WARD_FAULT_DENIED of a fault in this space by
 * WARD_FAULT_UNMAPPED or WARD_FAULT_PROT, as /proc/PID/maps has it now. It stays where that says
 * nothing, or may not be read. Slow: some microseconds, and more with many mappings. */
WARD_API void ward_process_explain(const struct ward_process *process, struct ward_fault *fault);

/* Reads count pointers of the process's own width, which lie in a row at a, widened to 64 bits.
 * As ward_space_read, except that dst is all zero after a failure; fault->done counts bytes of the
 * process. -ENOTSUP: the width is not known. -EOVERFLOW: that many are no length. */
WARD_API WARD_CHECKED int ward_process_read_pointers(struct ward_process *process, uint64_t a,
                                                     uint64_t *dst, size_t count,
                                                     struct ward_fault *why);

/* The same for a list that ends with a null pointer, as argv does: returns how many come before
 * it. The errors are also those of ward_space_read_until: -ENAMETOOLONG if none of the first cap
 * pointers is null, which are then all in dst. */
WARD_API WARD_CHECKED ptrdiff_t ward_process_read_list(struct ward_process *process, uint64_t a,
                                                       uint64_t *dst, size_t cap,
                                                       struct ward_fault *why);

WARD_EXTERN_C_END

#endif
