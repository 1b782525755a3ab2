/* SPDX-License-Identifier: MIT */
/*
 * ward/space.h: address spaces: the only way to memory that must not be trusted.
 *
 * A user address is a number in a space. Nothing here dereferences it without protection. An access
 * is checked and made; if it fails, the answer is a negative error number and a *fault*, which
 * names the first byte that failed. No access crashes, none passes off a half-filled buffer as a
 * whole one, and none looks twice at bytes that it has copied: a value is fetched once.
 *
 *        0        first                                                last
 *        |          |  byte a lies at base + ((a - first) & mask)       |
 *
 * Most spaces are direct: all of [first, last] is reached by ordinary loads and stores that have an
 * entry in an exception table (ward/recover.h). Such an access is a handful of instructions, which
 * fold into the caller. The table of operations is the slow path: it serves spaces that are not
 * direct, and decides what is done about a fault.
 *
 * Clamping: in a space whose size is a power of two, mask may be the size minus one. The address of
 * every direct access is formed through it, so that an address formed ahead of time, after a
 * mispredicted range test, does not lie outside either. (A copy that runs on meets the guards
 * behind the space.) In all other spaces mask is all ones.
 *
 * Errors of every access come in this order: misaligned (-EINVAL), outside the space (-EFAULT),
 * then what the memory itself answers. The fault's kind decides the number (ward_fault_error). A
 * range that reaches outside the space is refused as a whole, before any byte is touched. (What
 * ends at a terminator has no range in advance: it is refused where it reaches outside.)
 *
 * Length 0 succeeds and touches nothing, at any address, aligned or not. When a read of bytes
 * fails, the first `done` bytes of the destination hold what was read and the rest is zero; a
 * single value is all zero. When a write fails, exactly the first `done` bytes were written.
 *
 * Checking in advance gives advice only: mappings may change at any time, and no access relies on
 * it.
 *
 * Threads: all functions may run in parallel on one space, with each other and with whatever
 * changes the memory. Signal handlers may call them where the space's operations allow it (self
 * does). Nothing here allocates, takes a lock or touches errno.
 *
 * The caller's own buffers are trusted: a bad one is a bug of the program and crashes as always.
 */
#ifndef WARD_SPACE_H
#define WARD_SPACE_H

#include <ward/base.h>
#include <ward/prot.h>

/* --- faults ----------------------------------------------------------------------------------- */

/* Why an access failed. Append only. */
enum ward_fault_kind {
    WARD_FAULT_RANGE = 1, /* outside the space, or wrapping around its end */
    WARD_FAULT_ALIGN,     /* the address is not aligned as the access needs it: -EINVAL */
    WARD_FAULT_UNMAPPED,  /* nothing is there */
    WARD_FAULT_PROT,      /* something is there, but does not allow this access */
    WARD_FAULT_BUS,       /* mapped, but nothing behind it: a truncated file */
    WARD_FAULT_MEMORY,    /* the memory itself failed: a broken page */
    WARD_FAULT_DENIED,    /* one of the above; the system did not say which */
    WARD_FAULT_GONE,      /* the space no longer exists: -ESRCH */
    WARD_FAULT_FORBIDDEN, /* the system does not permit it: -EPERM */
    WARD_FAULT_CANNOT,    /* this space cannot do that: -ENOTSUP */
    WARD_FAULT_BUSY,      /* others changed the memory again and again: -EAGAIN */
    WARD_FAULT_NO_MEMORY, /* the access is allowed, but there is no page left for it */
    WARD_FAULT_PINS,      /* the page has as many pins as can be counted: -ENOSPC */
    WARD_FAULT_KIND_END_  /* not a kind: one past the last */
};

/* An access that did not succeed: a value, never an event. All zero after a success. */
struct ward_fault {
    uint64_t addr; /* the first byte that failed; of a range outside the space, the first outside */
    size_t done;   /* bytes before it that were read or written */
    unsigned access; /* WARD_READ or WARD_WRITE; both for an atomic that is no load */
    unsigned kind;   /* of ward_fault_kind */
};

/* --- spaces ----------------------------------------------------------------------------------- */

struct ward_space;
struct ward_pin; /* ward/pin.h */

/* What a fault hook answers. */
enum ward_answer {
    WARD_FAIL,  /* the access fails */
    WARD_RETRY, /* the cause is gone (the page was committed, say): try again */
    WARD_SERVE, /* go on with the space's read and write operations */
};

enum ward_atomic_op {
    WARD_ATOMIC_LOAD,
    WARD_ATOMIC_STORE,
    WARD_ATOMIC_EXCHANGE,
    WARD_ATOMIC_COMPARE_EXCHANGE, /* stores operand if the value is expected */
    WARD_ATOMIC_ADD,
    WARD_ATOMIC_AND,
    WARD_ATOMIC_OR,
    WARD_ATOMIC_XOR,
};

/* One atomic operation, sequentially consistent. */
struct ward_atomic {
    enum ward_atomic_op op;
    unsigned width;             /* bytes: 1, 2, 4 or 8 */
    uint64_t operand, expected; /* bits beyond the width do not count */
    uint64_t was; /* out: the value before; 0 when the operation failed, and after a store */
};

/*
 * The raw operations. The ranges they get are not empty and lie in [first, last]. NULL means that
 * the space cannot do it (WARD_FAULT_CANNOT); a direct space needs none of them. An operation that
 * does not do everything fills *why, except for why->access. They are called with none of ward's
 * locks held and never from ward's signal handler. While they run, ward_recover_active() is true.
 */
struct ward_space_ops {
    const char *name; /* "self": for messages */
    /* Bytes done; fewer than n: why->addr, why->kind are set. */
    size_t (*read)(struct ward_space *, uint64_t a, void *dst, size_t n, struct ward_fault *why);
    size_t (*write)(struct ward_space *, uint64_t a, const void *src, size_t n,
                    struct ward_fault *why);
    /* true: done, and op->was is set. The address is aligned, and op checked. */
    bool (*atomic)(struct ward_space *, uint64_t a, struct ward_atomic *op, struct ward_fault *why);
    /* true: as far as is known, the whole range is there and allows the access. NULL: only the
     * bounds of the space are known. */
    bool (*check)(struct ward_space *, uint64_t a, size_t n, unsigned access,
                  struct ward_fault *why);
    /* true: all of it was brought in. */
    bool (*populate)(struct ward_space *, uint64_t a, size_t n, unsigned access,
                     struct ward_fault *why);
    /* Decides about a direct access that faulted. Runs in the caller's context, after the fault
     * was fixed up, never in ward's signal handler. With WARD_FAIL it may put a better kind into
     * fault->kind; the rest is read-only. NULL: WARD_FAIL. */
    enum ward_answer (*fault)(struct ward_space *, struct ward_fault *fault);
    /* Keeps pin->n bytes at pin->a mapped, so that they may be accessed as pin->access says, until
     * unpin. true: done, and pin->host is set. */
    bool (*pin)(struct ward_space *, struct ward_pin *pin, struct ward_fault *why);
    void (*unpin)(struct ward_space *, const struct ward_pin *pin);
};

/* Every concrete space has this as its first member. Initialised in place, never moved.
 *
 *   direct == 0, or first <= last and direct == last - first + 1
 *   first, last + 1 and base are multiples of WARD_SPACE_GRAIN where the space is direct
 *   mask is UINT64_MAX, or direct is a power of two and mask == direct - 1
 */
struct ward_space {
    const struct ward_space_ops *ops;
    uint64_t first, last; /* the addresses there can be */
    uint64_t direct;      /* how many bytes from first are reached directly: all or none */
    uint64_t base;        /* host address of byte `first` */
    uint64_t mask;        /* byte a lies at host address base + ((a - first) & mask) */
};

enum {
    WARD_SPACE_GRAIN = 64,
    WARD_SPACE_RETRIES = 64, /* faults in a row, without a byte of progress, that a hook may mend */
};

WARD_EXTERN_C_BEGIN

/* The error number of a kind: -EFAULT where nothing else is said above, and 0 for 0. */
WARD_API int ward_fault_error(unsigned kind);

/* The kind in a word or two, such as "unmapped"; "unknown" for other numbers. Static storage. */
WARD_API const char *ward_fault_name(unsigned kind);

/* Constant time: do the fields keep the invariants above? False for NULL. */
WARD_API bool ward_space_ok(const struct ward_space *space);

/*
 * All of the following return 0 (or a length), or the error number of the fault's kind: -EFAULT,
 * -EINVAL, -ESRCH, -EPERM, -ENOTSUP, -EAGAIN or -ENOSPC (ward_fault_error). why may be NULL. If it
 * is not, it is filled when the call fails, and all zero when it succeeds or the error is not about
 * an access.
 */

/* Advice: does [a, a + n) allow this access (WARD_READ, WARD_WRITE or both)? Touches nothing. Self
 * knows its bounds only. -EINVAL also for other access flags, or none. */
WARD_API WARD_CHECKED int ward_space_check(struct ward_space *space, uint64_t a, size_t n,
                                           unsigned access, struct ward_fault *why);

/* Brings [a, a + n) into memory, ready for this access. Contents do not change. Access flags as for
 * check. After a failure pages before why->addr may have been brought in. */
WARD_API WARD_CHECKED int ward_space_populate(struct ward_space *space, uint64_t a, size_t n,
                                              unsigned access, struct ward_fault *why);

/* Copies n bytes from the space, or to it. The address need not be aligned. */
WARD_API WARD_CHECKED int ward_space_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                                          struct ward_fault *why);
WARD_API WARD_CHECKED int ward_space_write(struct ward_space *space, uint64_t a, const void *src,
                                           size_t n, struct ward_fault *why);

/* Sets n bytes to value. */
WARD_API WARD_CHECKED int ward_space_fill(struct ward_space *space, uint64_t a, unsigned char value,
                                          size_t n, struct ward_fault *why);

/* One word of 1, 2, 4 or 8 bytes, aligned to its size (else -EINVAL). These fold into the caller.
 * Where the space is direct a word is one access, which is never torn; other spaces say in their
 * header what they promise. *value is 0 after a failed read. */
WARD_CHECKED WARD_INLINE int ward_space_read_u8(struct ward_space *space, uint64_t a,
                                                uint8_t *value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_read_u16(struct ward_space *space, uint64_t a,
                                                 uint16_t *value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_read_u32(struct ward_space *space, uint64_t a,
                                                 uint32_t *value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_read_u64(struct ward_space *space, uint64_t a,
                                                 uint64_t *value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_write_u8(struct ward_space *space, uint64_t a,
                                                 uint8_t value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_write_u16(struct ward_space *space, uint64_t a,
                                                  uint16_t value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_write_u32(struct ward_space *space, uint64_t a,
                                                  uint32_t value, struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_space_write_u64(struct ward_space *space, uint64_t a,
                                                  uint64_t value, struct ward_fault *why);

/* Does op->op on the op->width bytes at a, aligned to the width. A compare-exchange that finds
 * another value than expected succeeds: op->was tells. -EINVAL also for an unknown op or width.
 * -ENOTSUP: the space has no atomics. -EAGAIN: others changed the word so often that this call gave
 * up; it changed nothing. */
WARD_API WARD_CHECKED int ward_space_atomic(struct ward_space *space, uint64_t a,
                                            struct ward_atomic *op, struct ward_fault *why);

/* Copies a string in: the bytes up to and including the first zero, at most cap of them. Returns
 * the length without the zero. dst always ends up terminated (cap is at least 1, else -EINVAL);
 * bytes behind the terminator are 0 or unchanged. Nothing is read beyond the page in which the
 * string ends. -ENAMETOOLONG: none of the first cap bytes is zero; dst holds the first cap - 1 of
 * them. -EOVERFLOW: cap is too long for a length; dst is empty. After any other failure dst holds
 * why->done bytes, then zeroes. */
WARD_API WARD_CHECKED ptrdiff_t ward_space_read_str(struct ward_space *space, uint64_t a, char *dst,
                                                    size_t cap, struct ward_fault *why);

/* The same for text. -EILSEQ: the copy is not UTF-8 (overlong forms, surrogates and numbers beyond
 * U+10FFFF are not); then dst is all zero, and so is *why. */
WARD_API WARD_CHECKED ptrdiff_t ward_space_read_utf8(struct ward_space *space, uint64_t a,
                                                     char *dst, size_t cap, struct ward_fault *why);

/* Copies elements of `size` bytes in, up to and including the first that equals the one at
 * `sentinel` (NULL: an element of zeroes), at most cap of them. Returns their number without the
 * sentinel. Bytes of dst behind the sentinel are 0 or unchanged. -EINVAL: size or cap is 0.
 * -EOVERFLOW: size * cap is too long for a length. -ENAMETOOLONG: none of the first cap elements is
 * the sentinel; dst holds all cap. After any other failure dst holds why->done bytes, then zeroes.
 */
WARD_API WARD_CHECKED ptrdiff_t ward_space_read_until(struct ward_space *space, uint64_t a,
                                                      void *dst, size_t size, size_t cap,
                                                      const void *sentinel, struct ward_fault *why);

/* Structures that grew from version to version: the caller says that `given` bytes are at a, and
 * this side knows `known` bytes. Reading a smaller one fills it up with zeroes; in a larger one the
 * bytes we do not know must be zero, else -E2BIG. After any failure of a read *dst is all zero.
 * Writing to a smaller one writes what fits; in a larger one the rest is set to zero. All `given`
 * bytes are visited, so a caller who is not trusted gets a limit first. */
WARD_API WARD_CHECKED int ward_space_read_versioned(struct ward_space *space, uint64_t a,
                                                    size_t given, void *dst, size_t known,
                                                    struct ward_fault *why);
WARD_API WARD_CHECKED int ward_space_write_versioned(struct ward_space *space, uint64_t a,
                                                     size_t given, const void *src, size_t known,
                                                     struct ward_fault *why);

/* --- the thread's context --------------------------------------------------------------------- */

/* No-fault mode, for code that must not wait: until the matching end this thread asks no fault
 * hook, and an access that would need one fails at once. (The system still does what it does about
 * faults.) Nests. */
WARD_API void ward_nofault_begin(void);
WARD_API void ward_nofault_end(void);

/* The current space: the one that this thread's system-call code works on, so that code need not
 * name it (WARD_HERE in ward/user.h). Until a thread sets one it is ward_host_space(): the process
 * itself; in a kernel, the task that runs. get never returns NULL. set returns the one that was set
 * before, or NULL if none was: a later set puts it back. NULL unsets. The space must outlive its
 * being current. A signal handler may set one, if it puts back the other before it returns. */
WARD_API struct ward_space *ward_space_current_get(void);
WARD_API struct ward_space *ward_space_current_set(struct ward_space *space);

WARD_EXTERN_C_END

/* ------------------------------------------------------------------------------------------- */

#include <ward/inline/space.h>

#endif
