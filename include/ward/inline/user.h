/* SPDX-License-Identifier: MIT */
/*
 * What WARD_USER_DEFINE declares: typed one-line functions over the untyped ones below. The three
 * directions keep their address under different names, so that a cast cannot change direction
 * unseen.
 */
#ifndef WARD_INLINE_USER_H
#define WARD_INLINE_USER_H

#include <ward/arith.h>
#include <ward/space.h>

WARD_INLINE bool ward_user_any_(const void *copy)
{
    (void)copy;
    return true;
}

/* ---- untyped: sizes and alignments are constants wherever these are used -------------------- */

/* -EINVAL, as for a misaligned word. */
WARD_INLINE int ward_user_misaligned_(uint64_t a, unsigned access, struct ward_fault *why)
{
    if (why) {
        ward_fault_clear_(why);
        why->addr = a;
        why->access = access;
        why->kind = WARD_FAULT_ALIGN;
    }
    return -EINVAL;
}

/* A word of machine size is one access. */
WARD_INLINE bool ward_user_is_word_(size_t size, size_t align)
{
    return size == align && (size == 1 || size == 2 || size == 4 || size == 8);
}

WARD_INLINE unsigned ward_user_log2_(size_t size)
{
    return size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;
}

/* A value is whole or all zero. */
WARD_CHECKED WARD_INLINE int ward_user_read_(struct ward_space *space, uint64_t a, void *dst,
                                             size_t size, size_t align, struct ward_fault *why)
{
    int error = -EINVAL;

    if (ward_user_is_word_(size, align)) {
        uint64_t word = 0;

        error = ward_space_read_near_(space, a, ward_user_log2_(size), &word, why);
        __builtin_memcpy(dst, &word, size <= 8 ? size : 0);
        return error;
    }
    if (WARD_UNLIKELY(a % align != 0))
        error = ward_user_misaligned_(a, WARD_READ, why);
    else
        error = ward_space_read(space, a, dst, size, why);
    if (WARD_UNLIKELY(error))
        __builtin_memset(dst, 0, size);
    return error;
}

WARD_CHECKED WARD_INLINE int ward_user_write_(struct ward_space *space, uint64_t a, const void *src,
                                              size_t size, size_t align, struct ward_fault *why)
{
    uint64_t word = 0;

    if (ward_user_is_word_(size, align)) {
        __builtin_memcpy(&word, src, size <= 8 ? size : 0);
        return ward_space_write_near_(space, a, ward_user_log2_(size), word, why);
    }
    if (WARD_UNLIKELY(a % align != 0))
        return ward_user_misaligned_(a, WARD_WRITE, why);
    return ward_space_write(space, a, src, size, why);
}

/* The length of an array, or why there is none. */
WARD_CHECKED WARD_INLINE int ward_user_length_(uint64_t a, size_t n, size_t size, size_t align,
                                               unsigned access, size_t *bytes,
                                               struct ward_fault *why)
{
    *bytes = 0;
    if (n == 0)
        return 0;
    if (a % align != 0)
        return ward_user_misaligned_(a, access, why);
    if (ward_mul(n, size, bytes) && *bytes <= (size_t)PTRDIFF_MAX)
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

/* ---- one direction's type ------------------------------------------------------------------- */

#define WARD_USER_TYPE_(NAME, DIRECTION, SIZE, ACCESS)                                             \
    typedef struct {                                                                               \
        uint64_t DIRECTION##_addr;                                                                 \
    } NAME##_##DIRECTION;                                                                          \
    WARD_INLINE NAME##_##DIRECTION NAME##_##DIRECTION##_at(uint64_t addr)                          \
    {                                                                                              \
        NAME##_##DIRECTION user = { addr };                                                        \
        return user;                                                                               \
    }                                                                                              \
    WARD_INLINE uint64_t NAME##_##DIRECTION##_addr(NAME##_##DIRECTION user)                        \
    {                                                                                              \
        return user.DIRECTION##_addr;                                                              \
    }                                                                                              \
    WARD_INLINE bool NAME##_##DIRECTION##_is_null(NAME##_##DIRECTION user)                         \
    {                                                                                              \
        return user.DIRECTION##_addr == 0;                                                         \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_##DIRECTION##_offset(NAME##_##DIRECTION user, ptrdiff_t n, \
                                                             NAME##_##DIRECTION *to)               \
    {                                                                                              \
        return ward_user_offset_(user.DIRECTION##_addr, n, SIZE, &to->DIRECTION##_addr);           \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_##DIRECTION##_check(                                       \
        struct ward_space *space, NAME##_##DIRECTION user, size_t n, struct ward_fault *why)       \
    {                                                                                              \
        size_t bytes;                                                                              \
        int error =                                                                                \
            ward_user_length_(user.DIRECTION##_addr, n, SIZE, NAME##_align_, ACCESS, &bytes, why); \
        return error ? error : ward_space_check(space, user.DIRECTION##_addr, bytes, ACCESS, why); \
    }

/* ---- in ------------------------------------------------------------------------------------- */

#define WARD_USER_IN_(NAME, T, VALID)                                                              \
    typedef T NAME##_type;                                                                         \
    enum { NAME##_align_ = WARD_ALIGNOF(T) };                                                      \
    WARD_USER_TYPE_(NAME, in, sizeof(T), WARD_READ)                                                \
    WARD_INLINE void NAME##_clear_(T *values, size_t n)                                            \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            __builtin_memset((void *)(values + i), 0, sizeof(T));                                  \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_look_(int error, T *values, size_t n)                      \
    {                                                                                              \
        for (size_t i = 0; !error && i < n; i++)                                                   \
            if (!VALID(values + i))                                                                \
                error = -EINVAL, NAME##_clear_(values, n);                                         \
        return error;                                                                              \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read(struct ward_space *space, NAME##_in from, T *dst,     \
                                             struct ward_fault *why)                               \
    {                                                                                              \
        int error = ward_user_read_(space, from.in_addr, dst, sizeof(T), WARD_ALIGNOF(T), why);    \
        return NAME##_look_(error, dst, 1);                                                        \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_unaligned(struct ward_space *space, NAME##_in from,   \
                                                       T *dst, struct ward_fault *why)             \
    {                                                                                              \
        int error = ward_space_read(space, from.in_addr, dst, sizeof(T), why);                     \
        if (error)                                                                                 \
            __builtin_memset((void *)dst, 0, sizeof(T));                                           \
        return NAME##_look_(error, dst, 1);                                                        \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_or_null(struct ward_space *space, NAME##_in from,     \
                                                     T *dst, bool *there, struct ward_fault *why)  \
    {                                                                                              \
        *there = from.in_addr != 0;                                                                \
        if (*there)                                                                                \
            return NAME##_read(space, from, dst, why);                                             \
        ward_fault_clear_(why);                                                                    \
        __builtin_memset((void *)dst, 0, sizeof(T));                                               \
        return 0;                                                                                  \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_array(struct ward_space *space, NAME##_in from,       \
                                                   T *dst, size_t n, struct ward_fault *why)       \
    {                                                                                              \
        size_t bytes;                                                                              \
        int error = ward_user_length_(from.in_addr, n, sizeof(T), WARD_ALIGNOF(T), WARD_READ,      \
                                      &bytes, why);                                                \
        if (!error)                                                                                \
            error = ward_space_read(space, from.in_addr, dst, bytes, why);                         \
        else if (error == -EINVAL && n <= (size_t)PTRDIFF_MAX / sizeof(T))                         \
            NAME##_clear_(dst, n);                                                                 \
        return NAME##_look_(error, dst, n);                                                        \
    }

/* ---- out, and both -------------------------------------------------------------------------- */

#define WARD_USER_OUT_(NAME, T)                                                                    \
    WARD_USER_TYPE_(NAME, out, sizeof(T), WARD_WRITE)                                              \
    WARD_USER_TYPE_(NAME, inout, sizeof(T), WARD_RW)                                               \
    WARD_INLINE NAME##_in NAME##_in_of(NAME##_inout user)                                          \
    {                                                                                              \
        return NAME##_in_at(user.inout_addr);                                                      \
    }                                                                                              \
    WARD_INLINE NAME##_out NAME##_out_of(NAME##_inout user)                                        \
    {                                                                                              \
        return NAME##_out_at(user.inout_addr);                                                     \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write(struct ward_space *space, NAME##_out to,             \
                                              const T *src, struct ward_fault *why)                \
    {                                                                                              \
        return ward_user_write_(space, to.out_addr, src, sizeof(T), WARD_ALIGNOF(T), why);         \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_unaligned(struct ward_space *space, NAME##_out to,   \
                                                        const T *src, struct ward_fault *why)      \
    {                                                                                              \
        return ward_space_write(space, to.out_addr, src, sizeof(T), why);                          \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_or_null(struct ward_space *space, NAME##_out to,     \
                                                      const T *src, struct ward_fault *why)        \
    {                                                                                              \
        if (to.out_addr != 0)                                                                      \
            return NAME##_write(space, to, src, why);                                              \
        ward_fault_clear_(why);                                                                    \
        return 0;                                                                                  \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_array(                                               \
        struct ward_space *space, NAME##_out to, const T *src, size_t n, struct ward_fault *why)   \
    {                                                                                              \
        size_t bytes;                                                                              \
        int error = ward_user_length_(to.out_addr, n, sizeof(T), WARD_ALIGNOF(T), WARD_WRITE,      \
                                      &bytes, why);                                                \
        return error ? error : ward_space_write(space, to.out_addr, src, bytes, why);              \
    }

/* ---- atomics -------------------------------------------------------------------------------- */

WARD_CHECKED WARD_INLINE int ward_user_atomic_(struct ward_space *space, uint64_t a,
                                               enum ward_atomic_op which, unsigned width,
                                               uint64_t operand, uint64_t *was,
                                               struct ward_fault *why)
{
    struct ward_atomic op = { which, width, operand, 0, 0 };
    int error = ward_space_atomic(space, a, &op, why);

    *was = op.was;
    return error;
}

#define WARD_USER_ATOMIC_ONE_(NAME, T, VERB, OP)                                                   \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_##VERB(struct ward_space *space, NAME##_inout user, \
                                                      T value, T *was, struct ward_fault *why)     \
    {                                                                                              \
        uint64_t before;                                                                           \
        int error = ward_user_atomic_(space, user.inout_addr, OP, (unsigned)sizeof(T),             \
                                      (uint64_t)value, &before, why);                              \
        *was = (T)before;                                                                          \
        return error;                                                                              \
    }

#define WARD_USER_ATOMIC_(NAME, T)                                                                 \
    WARD_USER_ATOMIC_ONE_(NAME, T, exchange, WARD_ATOMIC_EXCHANGE)                                 \
    WARD_USER_ATOMIC_ONE_(NAME, T, add, WARD_ATOMIC_ADD)                                           \
    WARD_USER_ATOMIC_ONE_(NAME, T, and, WARD_ATOMIC_AND)                                           \
    WARD_USER_ATOMIC_ONE_(NAME, T, or, WARD_ATOMIC_OR)                                             \
    WARD_USER_ATOMIC_ONE_(NAME, T, xor, WARD_ATOMIC_XOR)                                           \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_load(struct ward_space *space, NAME##_inout user,   \
                                                    T *was, struct ward_fault *why)                \
    {                                                                                              \
        uint64_t before;                                                                           \
        int error = ward_user_atomic_(space, user.inout_addr, WARD_ATOMIC_LOAD,                    \
                                      (unsigned)sizeof(T), 0, &before, why);                       \
        *was = (T)before;                                                                          \
        return error;                                                                              \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_store(struct ward_space *space, NAME##_inout user,  \
                                                     T value, struct ward_fault *why)              \
    {                                                                                              \
        uint64_t before;                                                                           \
        return ward_user_atomic_(space, user.inout_addr, WARD_ATOMIC_STORE, (unsigned)sizeof(T),   \
                                 (uint64_t)value, &before, why);                                   \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_compare_exchange(                                   \
        struct ward_space *space, NAME##_inout user, T expected, T value, T *was,                  \
        struct ward_fault *why)                                                                    \
    {                                                                                              \
        struct ward_atomic op = { WARD_ATOMIC_COMPARE_EXCHANGE, (unsigned)sizeof(T),               \
                                  (uint64_t)value, (uint64_t)expected, 0 };                        \
        int error = ward_space_atomic(space, user.inout_addr, &op, why);                           \
        *was = (T)op.was;                                                                          \
        return error;                                                                              \
    }

#endif
