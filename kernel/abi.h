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

enum call {
    CALL_WRITE,    /* fd, bytes, n -> bytes written */
    CALL_WRITEV,   /* fd, ranges (struct ward_iov), count -> bytes written */
    CALL_READ,     /* fd, bytes, n -> bytes read, 0 at the end */
    CALL_OPEN,     /* path -> fd: "console", ".", or a program of the archive */
    CALL_CLOSE,    /* fd */
    CALL_DUP,      /* fd -> fd */
    CALL_PIPE,     /* int32_t fds[2]: read end, write end */
    CALL_GETDENTS, /* fd of ".", entries, how many fit -> how many were written */
    CALL_BRK,      /* new end, or 0 -> the end */
    CALL_MAP,      /* at or 0, n, protection (ward_prot) -> address; zeroed pages */
    CALL_UNMAP,    /* at, n */
    CALL_PROTECT,  /* at, n, protection */
    CALL_FORK,     /* -> pid, in the child 0 */
    CALL_EXEC,     /* path, argv, envp: arrays of strings, ended by a null */
    CALL_WAIT,     /* int32_t *status or null -> pid */
    CALL_EXIT,     /* status */
    CALL_KILL,     /* pid */
    CALL_GETPID,   /* -> pid */
    CALL_YIELD,
    CALL_CLOCK,         /* uint64_t *nanoseconds */
    CALL_THREAD_CREATE, /* struct thread_args *, its size -> thread number */
    CALL_THREAD_EXIT,
    CALL_FUTEX_WAIT, /* uint32_t *word, value: sleeps while *word is value */
    CALL_FUTEX_WAKE, /* uint32_t *word, how many -> how many */
    CALL_INFO,       /* struct info *, its size */
    CALL_PIN,        /* at, n, access, int32_t *number: keeps memory in place */
    CALL_UNPIN,      /* number */
    CALL_PEEK,       /* pid, from, to, n: memory of another process; n <= 4096 */
    CALL_POKE,       /* pid, to, from, n */
    CALL_TEST,       /* of enum test: -> what the test answers */
    CALL_COUNT
};

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
};

struct dirent {
    uint64_t bytes;
    char name[24];
};

/* Beyond what exit can say. PANIC: of a test that makes the kernel fault. */
enum { STATUS_KILLED = 256, STATUS_FAULT = 257, STATUS_PANIC = 258 };

/* Tests that need the kernel's hand. */
enum test {
    TEST_HEAP_ATTACKS, /* -> how many of the heap's bugs were reported */
    TEST_NOFAULT,      /* address: an access as from an interrupt -> its error, or the byte */
    TEST_SHOOTDOWN,    /* 0: do without shootdowns from now on; 1: with */
    TEST_STRAY,        /* address: a plain load by the kernel; ends the process by STATUS_PANIC */
    TEST_EXECUTE,      /* address: a jump by the kernel; the same */
    TEST_BENCH, /* address of a page: prints what accesses cost; -ENOSYS: not in this image */
    TEST_KERNEL_ADDRESS, /* -> some address of the kernel's data */
};

#endif
