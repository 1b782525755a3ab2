/* SPDX-License-Identifier: MIT */
/*
 * What kernel and user programs agree on. A call's number and up to six words go in, one word comes
 * out: a result >= 0, or a negative error number. Structures have no padding, and user pointers are
 * words.
 */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#include <ward/base.h>

#define ENOENT 2
#define EINTR  4
#define EBADF  9
#define ECHILD 10
#define EEXIST 17
#define EMFILE 24
#define EPIPE  32

/* All calls. The first word of those ON_FILE is a file's number, which stands for the file. */
#define SYSTEM_CALLS(CALL, ON_FILE)                                                                \
    ON_FILE(WRITE, write)       /* fd, bytes, n -> bytes written */                                \
    ON_FILE(WRITEV, writev)     /* fd, ranges (struct ward_iov), count -> bytes written */         \
    ON_FILE(READ, read)         /* fd, bytes, n -> bytes read, 0 at the end */                     \
    CALL(OPEN, open)            /* path -> fd: "console", ".", or a program's name */              \
    CALL(CLOSE, close)          /* fd */                                                           \
    ON_FILE(DUP, dup)           /* fd -> fd */                                                     \
    CALL(PIPE, pipe)            /* int32_t fds[2]: read end, write end */                          \
    ON_FILE(GETDENTS, getdents) /* fd of ".", entries, how many fit -> how many came */            \
    CALL(BRK, brk)              /* new end, or 0 -> the end */                                     \
    CALL(MAP, map)              /* at or 0, n, ward_prot -> address; zeroed pages */               \
    CALL(UNMAP, unmap)          /* at, n */                                                        \
    CALL(PROTECT, protect)      /* at, n, ward_prot */                                             \
    CALL(FORK, fork)            /* -> pid, in the child 0 */                                       \
    CALL(EXEC, exec)            /* path, argv, envp: arrays of strings, ended by a null */         \
    CALL(WAIT, wait)            /* int32_t *status or null -> pid */                               \
    CALL(EXIT, exit)            /* status */                                                       \
    CALL(KILL, kill)            /* pid; nobody kills the first process */                          \
    CALL(GETPID, getpid)        /* -> pid */                                                       \
    CALL(YIELD, yield)                                                                             \
    CALL(CLOCK, clock)                 /* uint64_t *nanoseconds */                                 \
    CALL(THREAD_CREATE, thread_create) /* struct thread_args *, its size */                        \
    CALL(THREAD_EXIT, thread_exit)                                                                 \
    CALL(FUTEX_WAIT, futex_wait) /* uint32_t *word, value: sleeps while *word is value */          \
    CALL(FUTEX_WAKE, futex_wake) /* uint32_t *word, how many -> how many */                        \
    CALL(INFO, info)             /* struct info *, its size */                                     \
    CALL(PIN, pin)     /* at, n, access, int32_t *number: keeps some of a page in place */         \
    CALL(UNPIN, unpin) /* number */                                                                \
    CALL(PEEK, peek)   /* pid, from, to, n: another's memory; n <= 4096 */                         \
    CALL(POKE, poke)   /* pid, to, from, n */                                                      \
    CALL(TEST, test)   /* of enum test: -> what the test answers */

#define CALL_NUMBER(NUMBER, NAME) CALL_##NUMBER,
enum call_number { SYSTEM_CALLS(CALL_NUMBER, CALL_NUMBER) CALL_COUNT };

/* Both ends know a first version of these and may know more: ward_space_read_versioned. */
struct thread_args {
    uint64_t entry, stack, argument;
    uint64_t reserved; /* since version 2; must be 0 */
};

struct info {
    uint64_t frames; /* in use, but for those of the kernel's heap */
    uint64_t blocks; /* of the kernel's heap in use */
    uint64_t processes, threads;
    uint64_t shootdowns; /* since the start */
    uint64_t ticks;
    uint64_t samples;     /* of user stacks, taken by the timer */
    uint64_t window_hits; /* ticks that struck during an access to user memory */
    uint64_t written;     /* bytes that calls wrote to files */
};

struct dirent {
    uint64_t bytes;
    char name[24];
};

/* Beyond what exit can say. PANIC: of a test that makes the kernel fault; STACK: run out of its
 * stack.
 */
enum { STATUS_KILLED = 256, STATUS_FAULT = 257, STATUS_PANIC = 258, STATUS_STACK = 259 };

/* Tests that need the kernel's hand. */
enum test {
    TEST_HEAP_ATTACKS, /* -> how many of the heap's bugs were reported */
    TEST_NOFAULT,      /* address: an access as from an interrupt -> its error, or the byte */
    TEST_SHOOTDOWN,    /* 0: do without shootdowns from now on; 1: with */
    TEST_STRAY,        /* address: a plain load by the kernel; ends the process by STATUS_PANIC */
    TEST_EXECUTE,      /* address: a jump by the kernel; the same */
    TEST_BENCH, /* address of a page: prints what accesses cost; -ENOSYS: not in this image */
    TEST_KERNEL_ADDRESS, /* -> some address of the kernel's data */
    TEST_STACK,          /* the kernel recurses without end; ends the process by STATUS_STACK */
    TEST_DEADLOCK,       /* the kernel takes a lock twice; ends the process by STATUS_PANIC */
    TEST_NO_FRAMES,      /* the kernel's heap grows when no frame is left -> 0: it cannot */
};

#endif
