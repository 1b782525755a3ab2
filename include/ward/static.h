/* SPDX-License-Identifier: MIT */
/*
 * ward/static.h: a region over bytes the caller has: a static buffer, a part of the stack, or
 * bytes inside an object of one's own.
 *
 * Grain 1; always committed; release clears the bytes; protect is -ENOTSUP (the buffer's
 * neighbours share its pages). No guards. Needs nothing from the host: this is the backing of
 * freestanding code.
 */
#ifndef WARD_STATIC_H
#define WARD_STATIC_H

#include <ward/region.h>

struct ward_static {
    struct ward_region region;
};

WARD_EXTERN_C_BEGIN

/* A region over size bytes at bytes, which stay the caller's and outlive the region. The contents
 * are left alone. -EINVAL: a NULL, size 0, or a range that wraps. On failure *region is all
 * zero. */
WARD_API WARD_CHECKED int ward_static_init(struct ward_static *region, void *bytes, size_t size);

WARD_EXTERN_C_END

/* A type `struct NAME` with BYTES bytes of its own inside, aligned to 16, and
 * `int NAME_init(struct NAME *)`, which makes .in.region the region over them. The object must
 * stay where it was initialised. */
#define WARD_INLINE_REGION_DEFINE(NAME, BYTES)                                                     \
    struct NAME {                                                                                  \
        struct ward_static in;                                                                     \
        WARD_ALIGNED(16) unsigned char bytes[BYTES];                                               \
    };                                                                                             \
    WARD_CHECKED WARD_INLINE int NAME##_init(struct NAME *object)                                  \
    {                                                                                              \
        return object ? ward_static_init(&object->in, object->bytes, sizeof object->bytes)         \
                      : -EINVAL;                                                                   \
    }                                                                                              \
    WARD_STATIC_ASSERT((BYTES) > 0, #NAME " needs at least one byte")

#endif
