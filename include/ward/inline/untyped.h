/* SPDX-License-Identifier: MIT */
/*
 * What the functions of user pointers come to once the type is known to be a size, an alignment
 * and a validator: all three are constants wherever these are used, and fold.
 */
#ifndef WARD_INLINE_UNTYPED_H
#define WARD_INLINE_UNTYPED_H

#include <ward/arith.h>
#include <ward/space.h>

/* Marks for addresses of another space, where the compiler or sparse has such: a pointer that leads
 * there, an address that is a number, and a conversion between them and ours that is meant. */
#if defined(__CHECKER__)
#define WARD_FOREIGN_ __attribute__((noderef, address_space(1)))
#define WARD_NUMBER_  __attribute__((bitwise))
#define WARD_FORCE_   __attribute__((force))
#elif defined(__clang__)
#define WARD_FOREIGN_ __attribute__((noderef, address_space(1)))
#define WARD_NUMBER_
#define WARD_FORCE_
#else
#define WARD_FOREIGN_
#define WARD_NUMBER_
#define WARD_FORCE_
#endif

typedef uint64_t WARD_NUMBER_ ward_user_word_;

/* A type that user pointers were defined for. */
struct ward_user_type_ {
    size_t size, align;
    bool (*valid)(const void *copy); /* NULL: every pattern of bits is a value */
};

/* --- before an access ------------------------------------------------------------------------- */

/* -EINVAL, as for a misaligned word. */
WARD_INLINE int ward_user_misaligned_(uint64_t a, unsigned access, struct ward_fault *why)
{
    ward_fault_clear_(why);
    if (why) {
        why->addr = a;
        why->access = access;
        why->kind = WARD_FAULT_ALIGN;
    }
    return -EINVAL;
}

/* The bytes of n elements (0: that is no length), and the errors that come before any access:
 * misaligned, then too long. No element is aligned at any address. */
WARD_CHECKED WARD_INLINE int ward_user_length_(uint64_t a, size_t n, size_t size, size_t align,
                                               unsigned access, size_t *bytes,
                                               struct ward_fault *why)
{
    bool fits = ward_mul(n, size, bytes) && *bytes <= (size_t)PTRDIFF_MAX;

    if (!fits)
        *bytes = 0;
    if (n > 0 && a % align != 0)
        return ward_user_misaligned_(a, access, why);
    if (fits)
        return 0;
    ward_fault_clear_(why);
    return -EOVERFLOW;
}

/* The address n elements on; 0 and -EOVERFLOW if there is none. */
WARD_CHECKED WARD_INLINE int ward_user_offset_(uint64_t a, ptrdiff_t n, size_t size, uint64_t *to)
{
    int64_t bytes = 0;
    bool fits = !__builtin_mul_overflow((int64_t)n, (int64_t)size, &bytes);

    if (bytes < 0)
        fits = fits && a >= (uint64_t)0 - (uint64_t)bytes;
    else
        fits = fits && a <= UINT64_MAX - (uint64_t)bytes;
    *to = fits ? a + (uint64_t)bytes : 0;
    return fits ? 0 : -EOVERFLOW;
}

WARD_CHECKED WARD_INLINE int ward_user_check_(struct ward_space *space, uint64_t a, size_t n,
                                              const struct ward_user_type_ *type, unsigned access,
                                              struct ward_fault *why)
{
    size_t bytes;
    int error = ward_user_length_(a, n, type->size, type->align, access, &bytes, why);

    return error ? error : ward_space_check(space, a, bytes, access, why);
}

WARD_CHECKED WARD_INLINE int ward_user_populate_(struct ward_space *space, uint64_t a, size_t n,
                                                 const struct ward_user_type_ *type,
                                                 unsigned access, struct ward_fault *why)
{
    size_t bytes;
    int error = ward_user_length_(a, n, type->size, type->align, access, &bytes, why);

    return error ? error : ward_space_populate(space, a, bytes, access, why);
}

/* --- after a copy in -------------------------------------------------------------------------- */

WARD_INLINE void ward_user_zero_(void *dst, size_t bytes)
{
    if (bytes > 0)
        __builtin_memset(dst, 0, bytes);
}

WARD_INLINE bool ward_user_are_valid_(const void *dst, size_t n, const struct ward_user_type_ *type)
{
    for (size_t i = 0; i < n; i++)
        if (!type->valid((const char *)dst + i * type->size))
            return false;
    return true;
}

/* The end of every copy in: `result` is its error, or 0 and more, and the first n elements are new.
 * Where a type has a validator, what it did not approve of does not stay in dst. */
WARD_CHECKED WARD_INLINE ptrdiff_t ward_user_admit_(ptrdiff_t result, void *dst, size_t bytes,
                                                    size_t n, const struct ward_user_type_ *type)
{
    if (!type->valid || (result >= 0 && ward_user_are_valid_(dst, n, type)))
        return result;
    ward_user_zero_(dst, bytes);
    return result < 0 ? result : -EINVAL;
}

/* --- one value -------------------------------------------------------------------------------- */

/* A word of machine size is one access. */
WARD_INLINE bool ward_user_is_word_(const struct ward_user_type_ *type)
{
    return type->size == type->align &&
           (type->size == 1 || type->size == 2 || type->size == 4 || type->size == 8);
}

WARD_INLINE unsigned ward_user_log2_(size_t size)
{
    return size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;
}

WARD_CHECKED WARD_INLINE int ward_user_read_word_(struct ward_space *space, uint64_t a, void *dst,
                                                  size_t size, struct ward_fault *why)
{
    uint64_t word = 0;
    int error = ward_space_read_near_(space, a, ward_user_log2_(size), &word, why);

    __builtin_memcpy(dst, &word, size <= 8 ? size : 0);
    return error;
}

WARD_CHECKED WARD_INLINE int ward_user_write_word_(struct ward_space *space, uint64_t a,
                                                   const void *src, size_t size,
                                                   struct ward_fault *why)
{
    uint64_t word = 0;

    __builtin_memcpy(&word, src, size <= 8 ? size : 0);
    return ward_space_write_near_(space, a, ward_user_log2_(size), word, why);
}

/* A value is whole or all zero. */
WARD_CHECKED WARD_INLINE int ward_user_read_any_(struct ward_space *space, uint64_t a, void *dst,
                                                 const struct ward_user_type_ *type, size_t align,
                                                 struct ward_fault *why)
{
    int error;

    if (WARD_UNLIKELY(a % align != 0))
        error = ward_user_misaligned_(a, WARD_READ, why);
    else
        error = ward_space_read(space, a, dst, type->size, why);
    if (WARD_UNLIKELY(error))
        ward_user_zero_(dst, type->size);
    return (int)ward_user_admit_(error, dst, type->size, 1, type);
}

WARD_CHECKED WARD_INLINE int ward_user_read_(struct ward_space *space, uint64_t a, void *dst,
                                             const struct ward_user_type_ *type,
                                             struct ward_fault *why)
{
    int error;

    if (!ward_user_is_word_(type))
        return ward_user_read_any_(space, a, dst, type, type->align, why);
    error = ward_user_read_word_(space, a, dst, type->size, why);
    return (int)ward_user_admit_(error, dst, type->size, 1, type);
}

WARD_CHECKED WARD_INLINE int ward_user_read_or_null_(struct ward_space *space, uint64_t a,
                                                     void *dst, bool *there,
                                                     const struct ward_user_type_ *type,
                                                     struct ward_fault *why)
{
    *there = a != 0;
    if (*there)
        return ward_user_read_(space, a, dst, type, why);
    ward_fault_clear_(why);
    ward_user_zero_(dst, type->size);
    return 0;
}

WARD_CHECKED WARD_INLINE int ward_user_write_(struct ward_space *space, uint64_t a, const void *src,
                                              const struct ward_user_type_ *type,
                                              struct ward_fault *why)
{
    if (ward_user_is_word_(type))
        return ward_user_write_word_(space, a, src, type->size, why);
    if (WARD_UNLIKELY(a % type->align != 0))
        return ward_user_misaligned_(a, WARD_WRITE, why);
    return ward_space_write(space, a, src, type->size, why);
}

/* --- several ---------------------------------------------------------------------------------- */

WARD_CHECKED WARD_INLINE int ward_user_read_array_(struct ward_space *space, uint64_t a, void *dst,
                                                   size_t n, const struct ward_user_type_ *type,
                                                   size_t align, struct ward_fault *why)
{
    size_t bytes;
    int error = ward_user_length_(a, n, type->size, align, WARD_READ, &bytes, why);

    if (error)
        ward_user_zero_(dst, bytes);
    else
        error = ward_space_read(space, a, dst, bytes, why);
    return (int)ward_user_admit_(error, dst, bytes, n, type);
}

WARD_CHECKED WARD_INLINE int ward_user_write_array_(struct ward_space *space, uint64_t a,
                                                    const void *src, size_t n,
                                                    const struct ward_user_type_ *type,
                                                    size_t align, struct ward_fault *why)
{
    size_t bytes;
    int error = ward_user_length_(a, n, type->size, align, WARD_WRITE, &bytes, why);

    return error ? error : ward_space_write(space, a, src, bytes, why);
}

WARD_CHECKED WARD_INLINE int ward_user_fill_(struct ward_space *space, uint64_t a,
                                             unsigned char byte, size_t n,
                                             const struct ward_user_type_ *type,
                                             struct ward_fault *why)
{
    size_t bytes;
    int error = ward_user_length_(a, n, type->size, type->align, WARD_WRITE, &bytes, why);

    return error ? error : ward_space_fill(space, a, byte, bytes, why);
}

WARD_CHECKED WARD_INLINE ptrdiff_t ward_user_read_until_(struct ward_space *space, uint64_t a,
                                                         void *dst, size_t cap,
                                                         const void *sentinel,
                                                         const struct ward_user_type_ *type,
                                                         struct ward_fault *why)
{
    size_t bytes;
    ptrdiff_t length = ward_user_length_(a, cap, type->size, type->align, WARD_READ, &bytes, why);

    if (length)
        ward_user_zero_(dst, bytes);
    else
        length = ward_space_read_until(space, a, dst, type->size, cap, sentinel, why);
    return ward_user_admit_(length, dst, bytes, length < 0 ? 0 : (size_t)length, type);
}

/* --- structures that grow --------------------------------------------------------------------- */

WARD_CHECKED WARD_INLINE int ward_user_read_versioned_(struct ward_space *space, uint64_t a,
                                                       size_t given, void *dst,
                                                       const struct ward_user_type_ *type,
                                                       struct ward_fault *why)
{
    int error;

    if (given > 0 && a % type->align != 0) {
        error = ward_user_misaligned_(a, WARD_READ, why);
        ward_user_zero_(dst, type->size);
    } else {
        error = ward_space_read_versioned(space, a, given, dst, type->size, why);
    }
    return (int)ward_user_admit_(error, dst, type->size, 1, type);
}

WARD_CHECKED WARD_INLINE int ward_user_write_versioned_(struct ward_space *space, uint64_t a,
                                                        size_t given, const void *src,
                                                        const struct ward_user_type_ *type,
                                                        struct ward_fault *why)
{
    if (given > 0 && a % type->align != 0)
        return ward_user_misaligned_(a, WARD_WRITE, why);
    return ward_space_write_versioned(space, a, given, src, type->size, why);
}

/* --- atomics ---------------------------------------------------------------------------------- */

WARD_CHECKED WARD_INLINE int ward_user_atomic_(struct ward_space *space, uint64_t a,
                                               struct ward_atomic op, uint64_t *was,
                                               struct ward_fault *why)
{
    int error = ward_space_atomic(space, a, &op, why);

    *was = op.was;
    return error;
}

#endif
