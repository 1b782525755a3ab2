/* SPDX-License-Identifier: MIT */
/*
 * ward/layout.h: the size and alignment of a block, checked once.
 *
 * Invariant (ward_layout_ok): size > 0; align is a power of two; size <= PTRDIFF_MAX - (align - 1),
 * so rounding size up to align can never pass the largest object. Layouts are values; make them
 * with the functions here and every allocator may rely on the invariant.
 *
 * Pure, constant time, usable everywhere. The idea of a checked layout is that of Rust's
 * core::alloc::Layout.
 */
#ifndef WARD_LAYOUT_H
#define WARD_LAYOUT_H

#include <ward/arith.h>
#include <ward/base.h>

struct ward_layout {
    size_t size;  /* bytes, > 0 */
    size_t align; /* bytes, a power of two */
};

/* An initialiser: the layout of a type. True of every type there is. */
#define WARD_LAYOUT_OF(T)                                                                          \
    {                                                                                              \
        sizeof(T), WARD_ALIGNOF(T)                                                                 \
    }

WARD_EXTERN_C_BEGIN

/* Constant time: does the invariant hold? False for NULL. */
WARD_API bool ward_layout_ok(const struct ward_layout *layout);

/* *out = {size, align}. -EINVAL: size is 0, align is no power of two, size too large for align, or
 * out is NULL. On failure *out is all zero. */
WARD_API WARD_CHECKED int ward_layout_init(struct ward_layout *out, size_t size, size_t align);

/* *out = the layout of an array of count elements, each padded to its alignment.
 * -EINVAL: of breaks the invariant, count is 0, or out is NULL; -EOVERFLOW: the array is larger
 * than any object. On failure *out is all zero. */
WARD_API WARD_CHECKED int ward_layout_init_array(struct ward_layout *out, struct ward_layout of,
                                                 size_t count);

/* size rounded up to a multiple of align: the distance of neighbours in an array. Cannot overflow
 * for a layout that keeps the invariant; 0 for one that does not. */
WARD_API size_t ward_layout_stride(struct ward_layout layout);

WARD_EXTERN_C_END

#endif
