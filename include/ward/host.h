/* SPDX-License-Identifier: MIT */
/*
 * ward/host.h: everything ward asks of its surroundings.
 *
 * This page is the contract with the operating system, the guide for porting, and the list of
 * undefined symbols a freestanding build may have (besides memcpy, memmove, memset and memcmp).
 * src/host/host_linux.c answers with raw system calls; a kernel or firmware answers for itself.
 *
 * For all functions: addresses and lengths are multiples of the page size, lengths are not 0
 * unless said otherwise, ranges lie in mappings the caller made. They return 0 or a negative
 * error number and never touch errno; on error nothing changed. They may be called from any
 * thread and from signal handlers. What a host cannot do answers -ENOTSUP, and ward goes on
 * without it.
 */
#ifndef WARD_HOST_H
#define WARD_HOST_H

#include <ward/base.h>
#include <ward/prot.h>

/* What kind of memory to map. */
enum ward_host_memory {
    WARD_HOST_ANON,   /* private, zeroed on first touch */
    WARD_HOST_HUGE,   /* the same from the pool of huge pages; length a multiple of huge_bytes */
    WARD_HOST_SECRET, /* not readable through the kernel (memfd_secret); shared across fork */
};

/* Advice about a mapped range. */
enum ward_host_advice {
    WARD_HOST_RELEASE = 1,    /* drop the pages; they read as zero; also on locked ranges */
    WARD_HOST_GUARD,          /* no access from now on, without a mapping of its own; drops pages */
    WARD_HOST_UNGUARD,        /* takes that back; the pages read as zero */
    WARD_HOST_POPULATE,       /* fault all pages in, writable */
    WARD_HOST_HUGE_ON,        /* transparent huge pages wanted */
    WARD_HOST_HUGE_OFF,       /* not wanted */
    WARD_HOST_NO_DUMP,        /* leave it out of core dumps */
    WARD_HOST_WIPE_ON_FORK,   /* a child sees zeroes */
    WARD_HOST_ABSENT_ON_FORK, /* a child sees nothing: access faults */
    WARD_HOST_LOCK,           /* keep in memory, faulted in */
    WARD_HOST_UNLOCK,
    WARD_HOST_SEAL, /* refuse unmap, protect and the like for ever; length 0: only, can you? */
};

struct ward_space;

WARD_EXTERN_C_BEGIN

/* The page size: a power of two, the same for the whole run. */
WARD_API size_t ward_host_page_size(void);

/* Maps len bytes of a kind of memory with the given protection (ward_prot). *at comes in as NULL:
 * at an address of the host's choice; else exactly there, where nothing may be mapped (-EBUSY; it
 * never replaces). *at is NULL on failure. huge_bytes: the size of a huge page, a power of two,
 * for WARD_HOST_HUGE, and *at comes aligned to it if not NULL; else 0. -ENOMEM: no room, beyond a
 * limit, or (huge) an empty pool. */
WARD_API WARD_CHECKED int ward_host_map(void **at, size_t len, enum ward_host_memory kind,
                                        unsigned prot, size_t huge_bytes);

/* Returns [at, at + len), part of one mapping or all of it. -EPERM: sealed. */
WARD_API WARD_CHECKED int ward_host_unmap(void *at, size_t len);

/* Moves the pages of [at, at + len), with what they hold, to [to, to + to_len), where the caller
 * has mapped anonymous memory with WARD_RW, and which does not overlap. len <= to_len; what is
 * behind reads as zero. Nothing is mapped from at to at + len afterwards. Touches no page.
 *
 * On error [at, at + len) is as it was. So is [to, to + to_len), or it reads as zero; but for
 * -EBUSY: then something else may be mapped there by now, and it is not the caller's any more.
 * -EFAULT: at is not one mapping, as its pages differ in what they allow. -EPERM: sealed. -ENOMEM:
 * beyond a limit. */
WARD_API WARD_CHECKED int ward_host_move(void *at, size_t len, void *to, size_t to_len);

/* For ward_host_protect alone, beside the others and not with WARD_KEYED: the range keeps the key
 * it has, or has none. This needs no more of the system than protecting does without keys: a filter
 * of system calls that was set after the keys were cannot forbid it. */
#define WARD_HOST_KEEP_KEY 64u

/* Sets the protection. WARD_KEYED adds the process's key (see ward_host_key), without it the
 * range has none. -EPERM: sealed. */
WARD_API WARD_CHECKED int ward_host_protect(void *at, size_t len, unsigned prot);

WARD_API WARD_CHECKED int ward_host_advise(void *at, size_t len, enum ward_host_advice advice);

/* How many more mappings ward may cost by splitting: a share of the host's limit, for guards that
 * have to be made with protect. Constant for the run. */
WARD_API size_t ward_host_split_budget(void);

/* len bytes that nobody can predict. Waits until there are some; fails only if there is no source
 * at all, and then a caller must not go on. A source that a program can take from itself (a filter
 * of system calls) does not count as gone: from the first call of ward_host_fork_epoch on such a
 * host keeps a seed, and answers from that. Then processes of one descent can predict each other's
 * bytes, and nobody else can. */
WARD_API WARD_CHECKED int ward_host_random(void *bytes, size_t len);

/* The process's one protection key for ward's metadata, allocated at the first call: >= 0, or
 * -ENOTSUP (no hardware, no system support), -ENOSPC (all keys are taken; asked again next
 * time). */
WARD_API WARD_CHECKED int ward_host_key(void);

/* A word whose value differs in a forked child from the value any of its ancestors ever saw, and
 * never is 0 after ward_host_fork_epoch was called. Read it to notice a fork: it may read 0 in a
 * child until that child calls ward_host_fork_epoch. The pointer is the same for the whole run.
 * Where the host cannot wipe memory on fork, the word changes in a child's first call of
 * ward_host_fork_epoch, not before. */
WARD_API const volatile uint64_t *ward_host_fork_word(void);

/* The value of that word, made new first if this process was forked. Never 0. */
WARD_API uint64_t ward_host_fork_epoch(void);

/* What the gates keep of each thread (a kernel: of each task): all zero at its start, the same
 * object at every call of that thread, never moved. Whoever switches threads need not save more. */
struct ward_host_thread_state {
    unsigned accessing; /* how deep inside operations of a space */
    unsigned nofault;   /* how many nested no-fault scopes */
    uint64_t scopes;    /* a bit for each access scope, the innermost lowest; 1: by table */
    void *current;      /* the space its system-call code works on; NULL: ward_host_space() */
};

WARD_API struct ward_host_thread_state *ward_host_thread(void);

/* The space of system-call code in a thread that has set none (ward/space.h): the process's own
 * memory; in a kernel, the memory of the task that runs. Never NULL. */
WARD_API struct ward_space *ward_host_space(void);

/* Sleeps while *word is value, until somebody calls ward_host_wake for the word. May return early,
 * at any time and for no reason: a host without threads returns at once. */
WARD_API void ward_host_wait(const uint32_t *word, uint32_t value);

/* Wakes one of those who sleep on the word, if there is one. */
WARD_API void ward_host_wake(const uint32_t *word);

/* Writes text to where reports go. Best effort: where there are signals none is handled meanwhile,
 * and none comes of it. */
WARD_API void ward_host_write(const char *text, size_t len);

/* Writes text, which may be empty, to where reports go, and ends the process abnormally (SIGABRT
 * where there are signals). No handler of the program's runs from the first byte on: it could jump
 * away, and the bug would have been reported for nothing. */
WARD_API __attribute__((noreturn)) void ward_host_die(const char *text, size_t len);

WARD_EXTERN_C_END

#endif
