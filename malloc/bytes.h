/* SPDX-License-Identifier: MIT */
/* Numbers as .eh_frame encodes them, read up to an end that is never passed. */
#ifndef WARD_MALLOC_BYTES_H
#define WARD_MALLOC_BYTES_H

#include <string.h>

#include <ward/base.h>

struct bytes {
    const unsigned char *at, *end; /* at == NULL: there was less than was asked for */
};

WARD_INLINE bool bytes_skip(struct bytes *bytes, size_t len)
{
    if (!bytes->at || (size_t)(bytes->end - bytes->at) < len)
        bytes->at = NULL;
    else
        bytes->at += len;
    return bytes->at != NULL;
}

/* The next len <= 8 bytes, little-endian, or 0. */
WARD_INLINE uint64_t bytes_fixed(struct bytes *bytes, size_t len)
{
    const unsigned char *from = bytes->at;
    uint64_t value = 0;

    if (bytes_skip(bytes, len))
        memcpy(&value, from, len);
    return value;
}

/* The same, signed. */
WARD_INLINE int64_t bytes_signed(struct bytes *bytes, size_t len)
{
    unsigned unused = 64 - 8 * (unsigned)len;

    return (int64_t)(bytes_fixed(bytes, len) << unused) >> unused;
}

/* LEB128: seven bits in a byte, the lowest first. *last: the last byte; *shift: the bits there
 * were. */
WARD_INLINE uint64_t bytes_leb(struct bytes *bytes, unsigned *last, unsigned *shift)
{
    uint64_t value = 0;

    *shift = 0;
    do {
        *last = (unsigned)bytes_fixed(bytes, 1);
        if (*shift < 64)
            value |= (uint64_t)(*last & 127) << *shift;
        *shift += 7;
    } while (*last & 128);
    return value;
}

WARD_INLINE uint64_t bytes_uleb(struct bytes *bytes)
{
    unsigned last, shift;

    return bytes_leb(bytes, &last, &shift);
}

WARD_INLINE int64_t bytes_sleb(struct bytes *bytes)
{
    unsigned last, shift;
    uint64_t value = bytes_leb(bytes, &last, &shift);

    if (last & 64 && shift < 64)
        value |= ~UINT64_C(0) << shift;
    return (int64_t)value;
}

#endif
