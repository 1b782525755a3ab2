/* SPDX-License-Identifier: MIT */
/*
 * Bulk accesses that may fault, exact to the byte: what has been copied when one does is a prefix,
 * and its length is told.
 *
 * There are several forms of each. The general one uses general registers only and never straddles
 * pages with an access: kernels and freestanding programs have this one. A machine's vector forms
 * are in src/arch. All make their foreign accesses through the exception table, so that a fault of
 * a caller's own buffer stays what it is, a crash.
 *
 * When a wide access faults, nothing of it has been used; from the last byte that is known to be
 * done, the copy goes on byte by byte until it meets the fault itself, or the end.
 */
#ifndef WARD_CORE_BULK_H
#define WARD_CORE_BULK_H

#include <ward/base.h>

struct ward_bulk_ {
    size_t done;
    uint64_t kind; /* of the fault; 0: all was done */
};

struct ward_bulk_form_ {
    const char *name;
    bool (*usable)(void); /* here, now */
    /* Copies n bytes in from the foreign address `from`, or out to `to`. */
    struct ward_bulk_ (*in)(void *dst, uintptr_t from, size_t n);
    struct ward_bulk_ (*out)(uintptr_t to, const void *src, size_t n);
    struct ward_bulk_ (*fill)(uintptr_t to, unsigned char value, size_t n);
    /* Copies in up to and with the first zero byte, at most n bytes. done: the bytes before it; n
     * if there is none. Reads no further than the aligned 64 bytes in which it lies, and leaves
     * behind the zero only zeroes. */
    struct ward_bulk_ (*str)(char *dst, uintptr_t from, size_t n);
};

/* All forms of this machine, best first, the general one last. */
extern const struct ward_bulk_form_ *const ward_bulk_forms_[];
extern const size_t ward_bulk_form_count_;

/* Goes on where a copy of n bytes stopped; what it answers is the answer of the whole. */
typedef int ward_bulk_rest_(void *space, uintptr_t foreign, void *ours, size_t n, void *why,
                            struct ward_bulk_ got);
typedef ptrdiff_t ward_bulk_str_rest_(void *space, uintptr_t foreign, void *ours, size_t n,
                                      void *why, struct ward_bulk_ got);

/* By the best form there is. 0, or of a string the length; after a fault, and where a string does
 * not end, what rest answers. It is called last of all, with the arguments as they are, and they
 * stand in the order of ward_space_read's: the way without faults keeps and moves nothing. */
int ward_bulk_in_(void *space, uintptr_t from, void *dst, size_t n, void *why,
                  ward_bulk_rest_ *rest);
int ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,
                   ward_bulk_rest_ *rest);
ptrdiff_t ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,
                         ward_bulk_str_rest_ *rest);

/* The same, and all faults are the caller's. */
struct ward_bulk_ ward_bulk_try_in_(void *dst, uintptr_t from, size_t n);
struct ward_bulk_ ward_bulk_try_out_(uintptr_t to, const void *src, size_t n);
struct ward_bulk_ ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n);

/* What a machine with one form answers these with. */
int ward_bulk_in_by_(const struct ward_bulk_form_ *form, void *space, uintptr_t from, void *dst,
                     size_t n, void *why, ward_bulk_rest_ *rest);
int ward_bulk_out_by_(const struct ward_bulk_form_ *form, void *space, uintptr_t to,
                      const void *src, size_t n, void *why, ward_bulk_rest_ *rest);
ptrdiff_t ward_bulk_str_by_(const struct ward_bulk_form_ *form, void *space, uintptr_t from,
                            char *dst, size_t n, void *why, ward_bulk_str_rest_ *rest);

/* The general form, and its end: byte by byte, with `done` bytes done already. */
extern const struct ward_bulk_form_ ward_bulk_general_;
struct ward_bulk_ ward_bulk_general_in_(void *dst, uintptr_t from, size_t n);
struct ward_bulk_ ward_bulk_general_out_(uintptr_t to, const void *src, size_t n);
struct ward_bulk_ ward_bulk_general_fill_(uintptr_t to, unsigned char value, size_t n);
struct ward_bulk_ ward_bulk_general_str_(char *dst, uintptr_t from, size_t n);
struct ward_bulk_ ward_bulk_bytes_in_(void *dst, uintptr_t from, size_t n, size_t done);
struct ward_bulk_ ward_bulk_bytes_out_(uintptr_t to, const void *src, size_t n, size_t done);
struct ward_bulk_ ward_bulk_bytes_fill_(uintptr_t to, unsigned char value, size_t n, size_t done);

#endif
