/* SPDX-License-Identifier: MIT */
/*
 * ward/bug.h: the report of a caught bug or attack. Never an ordinary error.
 *
 * Who finds a bug fills a struct ward_bug and calls ward_bug_raise. By default the report is
 * printed to standard error, in one write and without allocating, and the process aborts. A program
 * may install a handler that decides otherwise: WARD_CONTAIN counts the bug and goes on: a wrong
 * call had no effect, and a damaged block is leaked and never handed out again. Debug and release
 * builds behave the same.
 *
 * The codes (WARD-DOUBLE-FREE) and their CWE numbers are stable: tools may rely on them.
 */
#ifndef WARD_BUG_H
#define WARD_BUG_H

#include <ward/base.h>

struct ward_region;

/* What was found. Append only: the numbers are part of the ABI. */
enum ward_bug_kind {
    WARD_BUG_DOUBLE_FREE = 1,  /* freed while free: CWE-415 */
    WARD_BUG_WILD_FREE,        /* an address this allocator never gave out: CWE-590 */
    WARD_BUG_INTERIOR_FREE,    /* an address inside a slot, not its start: CWE-761 */
    WARD_BUG_WRONG_SIZE,       /* freed with another size than requested: CWE-763 */
    WARD_BUG_OVERFLOW,         /* bytes behind the block were written: CWE-787 */
    WARD_BUG_UNDERFLOW,        /* bytes before the first block were written: CWE-124 */
    WARD_BUG_WRITE_AFTER_FREE, /* a free block was written: CWE-416 */
    WARD_BUG_STALE_HANDLE,     /* a handle outlived its block: CWE-825 */
    WARD_BUG_METADATA,         /* the allocator's own records are damaged: CWE-1284 */
    WARD_BUG_FORKED,           /* memory that does not survive fork was used in a child: CWE-666 */
    WARD_BUG_OUT_OF_BOUNDS,    /* an access beyond a block met a guard: CWE-119 */
    WARD_BUG_USE_AFTER_FREE,   /* an access met the guard of a freed block: CWE-416 */
    WARD_BUG_MISMATCH,         /* freed by another function than fits its allocation: CWE-762 */
    WARD_BUG_KIND_END_         /* not a kind: one past the last */
};

/* What a handler answers. */
enum ward_verdict {
    WARD_ABORT,   /* die now (the report is printed first) */
    WARD_CONTAIN, /* leak the block, count the bug, go on */
};

struct ward_bug {
    enum ward_bug_kind kind;
    const void *addr;                 /* what the caller passed, or the damaged byte */
    const void *block;                /* the block concerned, NULL if there is none */
    size_t size;                      /* its requested size in bytes; 0 if unknown, too */
    const struct ward_region *region; /* where it lies, NULL if nowhere */
    const char *message;              /* a static sentence: no format, no user bytes; not NULL */
};

/* Decides what becomes of a bug. Runs in the context of the caller that misused ward, possibly in a
 * signal handler; it must not use the object the bug was found in. It may siglongjmp out: the
 * object is consistent and the block concerned is leaked. */
typedef enum ward_verdict ward_bug_handler(const struct ward_bug *bug, void *arg);

WARD_EXTERN_C_BEGIN

/* "WARD-DOUBLE-FREE"; "WARD-UNKNOWN" for what is no kind. Never NULL, static storage. */
WARD_API const char *ward_bug_code(enum ward_bug_kind kind);

/* The number in the Common Weakness Enumeration, 0 for what is no kind. */
WARD_API unsigned ward_bug_cwe(enum ward_bug_kind kind);

/* Installs the process's handler; NULL: print and abort, as at the start. Set it once, before there
 * are threads. */
WARD_API void ward_bug_handle(ward_bug_handler *handler, void *arg);

/* Reports a bug: asks the handler, prints and aborts unless it answers WARD_CONTAIN. Returns only
 * when contained. Allocates nothing, takes no lock, safe in signal handlers. */
WARD_API void ward_bug_raise(const struct ward_bug *bug);

/* Writes the report as it would be printed into text (cap bytes, always terminated if cap > 0).
 * Returns its length without the terminator, cut to cap - 1. For handlers that log elsewhere. */
WARD_API size_t ward_bug_print(const struct ward_bug *bug, char *text, size_t cap);

WARD_EXTERN_C_END

#endif
