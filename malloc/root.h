/* SPDX-License-Identifier: MIT */
/*
 * What every path reads and nobody writes after the start: where everything lies, the policy, the
 * secrets. It has its pages to itself, and they are read-only before the first block is issued. On
 * pages behind them stands what is written to and belongs to all threads, how much of each range is
 * in use among it: records of spans that were never made cannot be read.
 *
 *   blocks    | - | class 0      | class 1      | ...            one reservation
 *                 ^ base         ^ base + 2^range_log2
 *   records   | - | owners | huge | records of class 0 | ...     another one, anywhere else
 *
 * A class has a range of addresses of its own, which no other class ever gets. It is cut into spans
 * of 2^pitch_log2 bytes: slots, then a guard. The record of a span lies in the other reservation,
 * at an address that follows from its number. Nothing the program can write holds a pointer that is
 * followed here.
 */
#ifndef WARD_MALLOC_ROOT_H
#define WARD_MALLOC_ROOT_H

#include <stdatomic.h>

#include "class.h"
#include "foreign.h"
#include "output.h"

/* What is done beyond the checks that are always made. */
enum policy {
    POLICY_SLACK = 1,      /* at least one byte behind each block, with a canary */
    POLICY_ZERO = 2,       /* freed memory is cleared, and still must be clear when issued again */
    POLICY_RANDOM = 4,     /* a random one of the next free slots */
    POLICY_QUARANTINE = 8, /* what was freed waits */
    POLICY_SAMPLE = 16,    /* one now and then goes to a guarded slot */
    POLICY_PAGES = 32,     /* all do */
    POLICY_LONG = 64,      /* what was freed waits in a long queue */
    POLICY_FAMILY = 128,   /* who frees must match who allocated */
    POLICY_MOMENTS = 256,  /* where and when each block was allocated and freed is recorded */
    POLICY_NARROW = 512,   /* small spans: a guard is near */
    POLICY_SEAL = 1024,    /* mappings of the metadata cannot be changed any more */
    POLICY_WHOLE = 2048,   /* free memory is checked whole, however large */
    POLICY_KEYS = 4096,    /* records seldom used are behind a protection key (door.h) */
    POLICY_LOCK = 8192,    /* all of them are, and the secrets */
    POLICY_CHECKS = POLICY_SLACK | POLICY_ZERO | POLICY_RANDOM | POLICY_QUARANTINE,
    POLICY_FAST = 0,
    POLICY_BALANCED = POLICY_CHECKS | POLICY_SAMPLE,
    POLICY_STRICT = POLICY_BALANCED | POLICY_LONG | POLICY_FAMILY | POLICY_NARROW | POLICY_SEAL |
                    POLICY_WHOLE | POLICY_KEYS,
    POLICY_RARE = POLICY_LOCK | POLICY_MOMENTS, /* allocating is more than finding a block */
};

/* Set with POLICY_LONG, _FAMILY, _MOMENTS and _LOCK, with which allocating and freeing is more than
 * the two usual instances do. One test of the sign tells, beside that for zero. */
#define POLICY_UNUSUAL (1u << 31)

enum {
    OWNERS = 1 << 16,     /* threads at a time */
    ROOT_ALIGN = 1 << 16, /* the largest page there is */
    GUARDED_CLASSES = 22, /* of guarded slots: of 2, 4, 8 ... pages */
};

struct WARD_ALIGNED(64) class_info {
    unsigned char *base;    /* of its range: of span 0 */
    unsigned char *records; /* of span 0 */
    uint64_t inverse;       /* of the odd part of bytes, for ward_slot_index_ */
    uint32_t bytes;         /* of a slot */
    uint32_t slots;         /* of a span */
    uint32_t record_bytes;
    uint32_t spans;      /* that fit in the range; 0: this class cannot be served here */
    uint32_t enough;     /* free slots for which a span is worth going back to */
    uint32_t words;      /* of a bitmap of slots */
    uint32_t seats;      /* of the quarantine that a block takes: 1 to QUARANTINE_SEATS */
    uint32_t pending;    /* where the bitmap is in a record, in bytes */
    uint32_t pitch_mask; /* 2^pitch_log2 - 1 */
    uint8_t shift, pitch_log2;
    bool committed; /* the range, as it is used; else each block for itself */
    uint8_t first;  /* the number of the first span that is made: see start.c */
};

/* How much of a range is in use. As far apart as the classes are: see limit_of. */
struct WARD_ALIGNED(64) class_limit {
    _Atomic size_t end; /* of the last span that was made, from the base of all ranges; 0: none */
};

/* What pool.c has of a class. */
enum pool_stack {
    POOL_KEPT,      /* spans without a block that keep pages */
    POOL_BARE,      /* spans without a block or pages */
    POOL_ABANDONED, /* spans with blocks and without an owner */
    POOL_STACKS
};

struct WARD_ALIGNED(64) pool {
    _Atomic uint32_t next;              /* numbers that were asked for, from info->first on */
    _Atomic uint32_t made;              /* spans that were made, likewise */
    _Atomic uint64_t tops[POOL_STACKS]; /* a tag, and 1 + the number of the top */
    _Atomic size_t blocks, records;     /* bytes committed; of blocks behind the first span */
    _Atomic uint32_t lent;              /* blocks that a larger class gave instead */
};

/* What guarded.c has of a class. */
struct guarded_pool {
    _Atomic uint32_t next;   /* the first number that was never taken */
    _Atomic uint32_t cursor; /* the next one that is looked at */
    _Atomic uint32_t issued;
    _Atomic size_t blocks, records; /* bytes committed */
    _Atomic size_t live, used, open;
};

/* What owner.c has. */
struct owner_pool {
    _Atomic uint64_t epoch;   /* of the process that the owners' threads live in */
    _Atomic uint32_t process; /* that they live in */
    _Atomic uint32_t late;    /* owners that threads have after their end */
    _Atomic size_t committed; /* bytes of ward_root_.owners */
    _Atomic uint32_t next;    /* the first that nobody ever had; 0: as 1 */
    _Atomic uint64_t idle;    /* stack of those that nobody has: a tag, and the number */
};

/* What shared.c has. */
struct shared_pool {
    _Atomic size_t next_unit, blocks, records; /* the first not taken; bytes committed */
};

/* Where guarded slots of one size lie, and their records. */
struct guarded_class {
    unsigned char *base;
    struct guarded *slots;
    uint32_t count; /* 0: none */
    uint32_t wait;  /* blocks to be issued before an address comes back */
    uint8_t pitch_log2;
    bool committed; /* guards are markers; else each slot is opened and closed as a mapping */
};

struct guarded_root {
    unsigned char *base;
    size_t bytes; /* of all ranges; 0: there are none */
    unsigned range_log2;
    bool exact;    /* blocks end at the guard, whatever their alignment */
    size_t memory; /* bytes of pages that may be open at a time */
    struct guarded_class classes[GUARDED_CLASSES];
};

/* One range for all classes, see malloc/shared.h. */
struct shared_root {
    unsigned char *base;
    size_t bytes; /* 0: each class has its own */
    size_t record_bytes;
    _Atomic uint8_t *units; /* of each its class, and 1; 0: none yet */
    unsigned unit_log2;
};

struct WARD_ALIGNED(ROOT_ALIGN) ward_root {
    struct class_info classes[CLASS_PLACES]; /* first: then a free has an addition less */
    unsigned char *base;
    size_t bytes; /* of all ranges; 0: there is one for all, or none yet */
    unsigned range_log2;
    unsigned policy;
    size_t range_mask; /* 2^range_log2 - 1 */
    size_t page;
    struct owner *owners;       /* [owners_most]; number 0 is nobody */
    struct huge *huge;          /* [huge_count] */
    struct trace_store *traces; /* stacks, see malloc/trace.h; NULL: no room */
    unsigned char *meta;        /* these three, and the records of spans */
    size_t meta_bytes;
    const volatile uint64_t *fork_word;          /* see ward_host_fork_word */
    uint8_t quick[CLASS_QUICK_MAX / CLASS_STEP]; /* the class of each step */
    struct guarded_root guarded;
    struct shared_root shared;
    uint32_t huge_count;    /* HUGE_LEAST, or more where smaller blocks are mappings, too */
    uint32_t owners_most;   /* OWNERS, or fewer where address space is short */
    const char *profile;    /* its name */
    struct output output;   /* of reports */
    bool explains_faults;   /* see malloc/fault.h */
    bool lines;             /* see ward_clear_has_lines_ */
    struct foreign foreign; /* where blocks of another malloc go; NULL: they are a bug */
    unsigned char *queues;  /* struct waiting [queues_most]: long quarantines; NULL: none */
    uint32_t queues_most;   /* owners_most, or fewer where address space is short */
    int key;                /* of the records, see malloc/door.h */

    /* From here on it can be locked. */
    WARD_ALIGNED(ROOT_ALIGN) uint64_t canary[2]; /* secret */

    /* From here on it is written to. */
    WARD_ALIGNED(ROOT_ALIGN) struct class_limit limits[CLASS_PLACES];
    struct pool pools[CLASS_COUNT];
    struct guarded_pool guarded_pools[GUARDED_CLASSES];
    struct owner_pool owner_pool;
    struct shared_pool shared_pool;
};

extern struct ward_root ward_root_;

/* By one addition. */
WARD_INLINE const struct class_limit *limit_of(const struct class_info *class)
{
    _Static_assert(sizeof(struct class_limit) == sizeof(struct class_info), "in step");

    return (const struct class_limit *)(const void *)((const unsigned char *)class +
                                                      offsetof(struct ward_root, limits) -
                                                      offsetof(struct ward_root, classes));
}

/* The class of bytes in [1, CLASS_MAX]. */
WARD_INLINE unsigned class_of(size_t bytes)
{
    if (WARD_LIKELY(bytes <= CLASS_QUICK_MAX))
        return ward_root_.quick[(bytes - 1) / CLASS_STEP];
    return class_computed(bytes);
}

WARD_INLINE size_t round_up(size_t bytes, size_t align)
{
    return (bytes + align - 1) & ~(align - 1);
}

#endif
