/* SPDX-License-Identifier: MIT */
/*
 * ward/status.h: what the malloc of a running program says about itself.
 *
 * A program with libward-malloc has one `struct ward_status` in its memory. Whoever may read that
 * memory (another process, a debugger, the program itself at its end) copies it and sums up the
 * records that it points to. The program does nothing for that: there is no descriptor, no file and
 * no signal that it could lose by close, fork or exec, and its fast paths count nothing. What they
 * did is told by what they left behind:
 *
 *   live         slots whose state says so
 *   allocations  free slots that threads took in hand, less those that are still there
 *   frees        allocations - live
 *
 * Where it lies says an ELF note of the object that holds it (name "ward", type WARD_STATUS_NOTE):
 * eight bytes, the address of the status minus that of these bytes.
 *
 * Nothing stands still meanwhile, so the numbers are of slightly different moments, and frees may
 * be a few too small. A forked child goes on with the numbers of its parent.
 *
 * What is read may be of a hostile process: nothing in it is believed without a test, and the worst
 * it can do is to tell lies, or keep a reader busy.
 *
 * Threads and signal handlers: all of this may be called anywhere. Nothing allocates.
 */
#ifndef WARD_STATUS_H
#define WARD_STATUS_H

#include <ward/base.h>

enum {
    WARD_STATUS_NOTE = 1,
    WARD_STATUS_VERSION = 1, /* of this layout, and of what a slot's state means */
    WARD_STATUS_CLASSES = 128,
};

/* What is counted where it happens, all of it off the fast paths. */
enum ward_status_counter {
    WARD_STATUS_USED,           /* bytes set apart: slots issued before, in spans with blocks */
    WARD_STATUS_PEAK,           /* the most there ever were */
    WARD_STATUS_BIG_ALLOCS,     /* blocks with a span or a mapping to themselves */
    WARD_STATUS_GUARDS_MARKED,  /* guards by a marker in the page table */
    WARD_STATUS_GUARDS_MAPPED,  /* by protection, which costs two mappings */
    WARD_STATUS_GUARDS_MISSING, /* neither was to be had */
    WARD_STATUS_NO_MEMORY,      /* times the system gave no memory */
    WARD_STATUS_NO_RELEASE,     /* times it did not take any back */
    WARD_STATUS_GUARDED,        /* blocks at a guard page of their own, by chance or all of them */
    WARD_STATUS_GUARDED_LIVE,   /* of these, not freed yet */
    WARD_STATUS_GUARDED_BYTES,  /* of those, requested */
    WARD_STATUS_BUGS,           /* reported */
    WARD_STATUS_FOREIGN,        /* frees that were passed on to another malloc */
    WARD_STATUS_SEALED,         /* ranges of records that nobody can map over any more */
    WARD_STATUS_NOT_SEALED,     /* ranges that the system did not seal */
    WARD_STATUS_COUNTERS
};

/* Who is asked when an access faults, as of the last time that a span or a guarded block was made.
 */
enum ward_status_segv {
    WARD_STATUS_SEGV_NONE,  /* the malloc installed no handler */
    WARD_STATUS_SEGV_OURS,  /* its handler explains the fault */
    WARD_STATUS_SEGV_OTHER, /* the program installed another one since */
};

/* What records are behind a protection key. */
enum ward_status_locked {
    WARD_STATUS_LOCKED_NONE,
    WARD_STATUS_LOCKED_COLD,
    WARD_STATUS_LOCKED_ALL
};

/* The spans of a class. A record holds a 16-bit state for each slot: 0 and 1 free, 2 and 3 freed
 * and waiting, 4 retired, 5 live with a size of its own (6: it is being changed), 16 + n live with
 * n bytes behind the block.
 */
struct ward_status_class {
    uint64_t records; /* address of that of span 0 */
    uint64_t made;    /* address of the number of spans, 32 bits */
    uint32_t spans;   /* at most */
    uint32_t record_bytes;
    uint32_t states; /* offset in a record: of the state of slot 0 */
    uint32_t slots;  /* of a span */
    uint32_t bytes;  /* of a slot */
    uint32_t unused;
};

/* All addresses and offsets are of the process whose status it is. */
struct ward_status {
    uint64_t magic; /* WARD_STATUS_MAGIC; 0: nothing was allocated yet */
    uint32_t version, bytes;
    char profile[16];
    uint64_t range_bytes, range_wanted; /* address space of each class: got, and asked for first */
    uint32_t page_bytes, policy;
    uint32_t segv; /* ward_status_segv */
    uint32_t classes;
    /* offsets in a record: 32 bits of slots that were issued before; 64 bits of the size of a
     * block with a span of its own; 64 bits of pages kept without a block */
    uint32_t fresh, size, kept;
    /* offsets in an owner: 32 bits, not 0 if a thread has it; a hand for each class, with 64 bits
     * of the slots in it at hand_bits, and 64 at hand_next that are not 0 if there is one more; a
     * 64-bit number for each class, of slots ever taken */
    uint32_t taken, hands, hand_bytes, hand_next, hand_bits, held;
    uint32_t owner_bytes, owners_most, hand_classes;
    uint64_t owners;      /* address of owner 0, who is nobody */
    uint64_t owners_made; /* address of their number, 32 bits */
    /* blocks in mappings of their own: the low bit of 64 bits at 0 says that there is none */
    uint64_t huge;
    uint32_t huge_count, huge_bytes, huge_size;
    uint32_t locked;                              /* ward_status_locked */
    uint64_t counters[WARD_STATUS_COUNTERS + 16]; /* those behind the known ones are 0 */
    struct ward_status_class class_of[WARD_STATUS_CLASSES];
};

#define WARD_STATUS_MAGIC UINT64_C(0x0073757461747377) /* "wstatus" */

struct ward_status_totals {
    uint64_t blocks, bytes; /* live; as requested */
    uint64_t slot_bytes;    /* what they take */
    uint64_t waiting, waiting_bytes;
    uint64_t free_slots;
    uint64_t kept_bytes;                   /* pages without a block, for the next one */
    uint64_t allocations, allocated_bytes; /* ever, and in slots; the latter without big blocks */
    uint64_t frees;
    uint64_t spans, threads; /* made; now */
    bool counted; /* what lies in spans: not where address space is short, and all classes share a
                   * range. Then all of this is 0 but allocations, allocated_bytes and threads. */
};

/* Copies len bytes of the process, from `at` on. 0, or a negative error number. */
typedef int ward_status_reader(void *arg, uint64_t at, void *to, size_t len);

WARD_EXTERN_C_BEGIN

/* Whether it is a status that this version understands, and makes sense. A status of a process that
 * has not allocated yet is none. */
WARD_API bool ward_status_ok(const struct ward_status *status);

/* Sums up the records. Cost: a read of two bytes for each slot that was ever issued, in pieces of
 * up to 4 KiB. Returns what `read` returned if that failed, or -EINVAL: the status is not ok. *sum
 * is all zero then. */
WARD_API WARD_CHECKED int ward_status_sum(const struct ward_status *status,
                                          ward_status_reader *read, void *arg,
                                          struct ward_status_totals *sum);

/* The name of a counter, such as "guards_marked"; "unknown" if there is none of that number. */
WARD_API const char *ward_status_name(enum ward_status_counter counter);

/* Writes all of it as a text of some twelve lines, each beginning with `indent`, and terminates it.
 * Returns its length. What does not fit in cap bytes is cut. */
WARD_API size_t ward_status_print(const struct ward_status *status,
                                  const struct ward_status_totals *sum, const char *indent,
                                  char *out, size_t cap);

WARD_EXTERN_C_END

#endif
