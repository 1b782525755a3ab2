/* SPDX-License-Identifier: MIT */
/*
 * ward/iov.h: I/O vectors: several ranges of a space, read or written as one.
 *
 * A vector lies in the space itself. It is imported once: fetched into the caller's storage,
 * checked and clamped there. Reads and writes then go through the copy, whatever happens to the
 * original. An imported list is a value: it may be copied, does not change by use, and holds no
 * resource.
 *
 * Threads, signal handlers, cost: as ward/space.h. Nothing is allocated.
 */
#ifndef WARD_IOV_H
#define WARD_IOV_H

#include <ward/space.h>
#include <ward/user.h>

/* One range, as 64-bit programs lay it out (struct iovec). */
struct ward_iov {
    uint64_t addr;
    uint64_t len; /* bytes */
};

/* User pointers to ranges, as system-call arguments come: ward_iovec_in. */
WARD_USER_DEFINE(ward_iovec, struct ward_iov, WARD_FIELDS(struct ward_iov, addr, len));

enum {
    WARD_IOV_COUNT = 1024,      /* at most so many ranges are imported */
    WARD_IOV_BYTES = 0x7ffff000 /* at most so many bytes in all; the rest is cut off */
};

/* total is the sum of the lengths, and at most WARD_IOV_BYTES. */
struct ward_iov_list {
    const struct ward_iov *vec; /* the caller's storage */
    size_t count;
    size_t total;
};

WARD_EXTERN_C_BEGIN

/* Imports the `count` ranges that lie at a (aligned to 8) into vec, which has room for cap of them
 * and outlives the list. Each range is checked for `access` (advice, as ward_space_check). The
 * total is cut to WARD_IOV_BYTES: later ranges get shorter, down to nothing. -EINVAL: a is
 * misaligned, count is more than cap or WARD_IOV_COUNT, or the lengths add up to more than a length
 * can be. -EFAULT: the vector cannot be read, or a range lies outside or does not allow the access.
 * No ranges are a success at any address. On failure *list is all zero. */
WARD_API WARD_CHECKED int ward_iov_import(struct ward_space *space, uint64_t a, size_t count,
                                          struct ward_iov *vec, size_t cap, unsigned access,
                                          struct ward_iov_list *list, struct ward_fault *why);

/* The same through a user pointer. */
WARD_CHECKED WARD_INLINE int ward_iovec_import(struct ward_space *space, ward_iovec_in from,
                                               size_t count, struct ward_iov *vec, size_t cap,
                                               unsigned access, struct ward_iov_list *list,
                                               struct ward_fault *why)
{
    return ward_iov_import(space, ward_iovec_in_addr(from), count, vec, cap, access, list, why);
}

/* Copies n bytes from the ranges (or to them), in order, beginning `off` bytes into them. Returns
 * how many bytes were copied: fewer than n only where the ranges end. After a fault why->done bytes
 * were copied in all, and after a read the rest of dst is zero. */
WARD_API WARD_CHECKED ptrdiff_t ward_iov_read(struct ward_space *space,
                                              const struct ward_iov_list *list, size_t off,
                                              void *dst, size_t n, struct ward_fault *why);
WARD_API WARD_CHECKED ptrdiff_t ward_iov_write(struct ward_space *space,
                                               const struct ward_iov_list *list, size_t off,
                                               const void *src, size_t n, struct ward_fault *why);

WARD_EXTERN_C_END

#endif
