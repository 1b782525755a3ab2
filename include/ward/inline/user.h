/* SPDX-License-Identifier: MIT */
/*
 * What WARD_USER_DEFINE declares: typed one-line functions over the untyped ones. The three
 * directions keep their address under different names, so that a cast cannot change direction
 * unseen.
 */
#ifndef WARD_INLINE_USER_H
#define WARD_INLINE_USER_H

#include <ward/inline/untyped.h>

/* --- one direction's type --------------------------------------------------------------------- */

#define WARD_USER_TYPE_(NAME, DIRECTION, VIEW, ACCESS)                                             \
    typedef struct {                                                                               \
        ward_user_word_ DIRECTION##_addr;                                                          \
    } NAME##_##DIRECTION;                                                                          \
    typedef VIEW *NAME##_##DIRECTION##_view;                                                       \
    WARD_INLINE NAME##_##DIRECTION NAME##_##DIRECTION##_at(uint64_t addr)                          \
    {                                                                                              \
        NAME##_##DIRECTION user = { (WARD_FORCE_ ward_user_word_)addr };                           \
        return user;                                                                               \
    }                                                                                              \
    WARD_INLINE uint64_t NAME##_##DIRECTION##_addr(NAME##_##DIRECTION user)                        \
    {                                                                                              \
        return (WARD_FORCE_ uint64_t)user.DIRECTION##_addr;                                        \
    }                                                                                              \
    WARD_INLINE bool NAME##_##DIRECTION##_is_null(NAME##_##DIRECTION user)                         \
    {                                                                                              \
        return NAME##_##DIRECTION##_addr(user) == 0;                                               \
    }                                                                                              \
    WARD_INLINE NAME##_##DIRECTION##_view NAME##_##DIRECTION##_to_view(NAME##_##DIRECTION user)    \
    {                                                                                              \
        return (WARD_FORCE_ NAME##_##DIRECTION##_view)(uintptr_t)NAME##_##DIRECTION##_addr(user);  \
    }                                                                                              \
    WARD_INLINE NAME##_##DIRECTION NAME##_##DIRECTION##_of_view(NAME##_##DIRECTION##_view view)    \
    {                                                                                              \
        return NAME##_##DIRECTION##_at((WARD_FORCE_ uintptr_t)view);                               \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_##DIRECTION##_offset(NAME##_##DIRECTION user, ptrdiff_t n, \
                                                             NAME##_##DIRECTION *to)               \
    {                                                                                              \
        uint64_t addr;                                                                             \
        int error =                                                                                \
            ward_user_offset_(NAME##_##DIRECTION##_addr(user), n, sizeof(NAME##_type), &addr);     \
        *to = NAME##_##DIRECTION##_at(addr);                                                       \
        return error;                                                                              \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_##DIRECTION##_check(                                       \
        struct ward_space *space, NAME##_##DIRECTION user, size_t n, struct ward_fault *why)       \
    {                                                                                              \
        return ward_user_check_(space, NAME##_##DIRECTION##_addr(user), n, &NAME##_known_, ACCESS, \
                                why);                                                              \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_##DIRECTION##_populate(                                    \
        struct ward_space *space, NAME##_##DIRECTION user, size_t n, struct ward_fault *why)       \
    {                                                                                              \
        return ward_user_populate_(space, NAME##_##DIRECTION##_addr(user), n, &NAME##_known_,      \
                                   ACCESS, why);                                                   \
    }

/* --- in --------------------------------------------------------------------------------------- */

#define WARD_USER_IN_(NAME, T, VALID)                                                              \
    typedef T NAME##_type;                                                                         \
    static const struct ward_user_type_ NAME##_known_                                              \
        __attribute__((unused)) = { sizeof(T), WARD_ALIGNOF(T), VALID };                           \
    WARD_USER_TYPE_(NAME, in, const struct NAME##_there WARD_FOREIGN_, WARD_READ)                  \
    WARD_CHECKED WARD_INLINE int NAME##_read(struct ward_space *space, NAME##_in from, T *dst,     \
                                             struct ward_fault *why)                               \
    {                                                                                              \
        return ward_user_read_(space, NAME##_in_addr(from), dst, &NAME##_known_, why);             \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_unaligned(struct ward_space *space, NAME##_in from,   \
                                                       T *dst, struct ward_fault *why)             \
    {                                                                                              \
        return ward_user_read_any_(space, NAME##_in_addr(from), dst, &NAME##_known_, 1, why);      \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_or_null(struct ward_space *space, NAME##_in from,     \
                                                     T *dst, bool *there, struct ward_fault *why)  \
    {                                                                                              \
        return ward_user_read_or_null_(space, NAME##_in_addr(from), dst, there, &NAME##_known_,    \
                                       why);                                                       \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_array(struct ward_space *space, NAME##_in from,       \
                                                   T *dst, size_t n, struct ward_fault *why)       \
    {                                                                                              \
        return ward_user_read_array_(space, NAME##_in_addr(from), dst, n, &NAME##_known_,          \
                                     WARD_ALIGNOF(T), why);                                        \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_array_unaligned(                                      \
        struct ward_space *space, NAME##_in from, T *dst, size_t n, struct ward_fault *why)        \
    {                                                                                              \
        return ward_user_read_array_(space, NAME##_in_addr(from), dst, n, &NAME##_known_, 1, why); \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE ptrdiff_t NAME##_read_until(struct ward_space *space, NAME##_in from, \
                                                         T *dst, size_t cap, const T *sentinel,    \
                                                         struct ward_fault *why)                   \
    {                                                                                              \
        return ward_user_read_until_(space, NAME##_in_addr(from), dst, cap, sentinel,              \
                                     &NAME##_known_, why);                                         \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_read_versioned(                                            \
        struct ward_space *space, NAME##_in from, size_t given, T *dst, struct ward_fault *why)    \
    {                                                                                              \
        return ward_user_read_versioned_(space, NAME##_in_addr(from), given, dst, &NAME##_known_,  \
                                         why);                                                     \
    }

/* --- out, and both ---------------------------------------------------------------------------- */

#define WARD_USER_OUT_(NAME, T)                                                                    \
    WARD_USER_TYPE_(NAME, out, struct NAME##_there WARD_FOREIGN_, WARD_WRITE)                      \
    WARD_USER_TYPE_(NAME, inout, struct NAME##_there WARD_FOREIGN_, WARD_RW)                       \
    WARD_INLINE NAME##_in NAME##_in_of(NAME##_inout user)                                          \
    {                                                                                              \
        return NAME##_in_at(NAME##_inout_addr(user));                                              \
    }                                                                                              \
    WARD_INLINE NAME##_out NAME##_out_of(NAME##_inout user)                                        \
    {                                                                                              \
        return NAME##_out_at(NAME##_inout_addr(user));                                             \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write(struct ward_space *space, NAME##_out to,             \
                                              const T *src, struct ward_fault *why)                \
    {                                                                                              \
        return ward_user_write_(space, NAME##_out_addr(to), src, &NAME##_known_, why);             \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_unaligned(struct ward_space *space, NAME##_out to,   \
                                                        const T *src, struct ward_fault *why)      \
    {                                                                                              \
        return ward_space_write(space, NAME##_out_addr(to), src, sizeof(T), why);                  \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_or_null(struct ward_space *space, NAME##_out to,     \
                                                      const T *src, struct ward_fault *why)        \
    {                                                                                              \
        if (!NAME##_out_is_null(to))                                                               \
            return NAME##_write(space, to, src, why);                                              \
        ward_fault_clear_(why);                                                                    \
        return 0;                                                                                  \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_array(                                               \
        struct ward_space *space, NAME##_out to, const T *src, size_t n, struct ward_fault *why)   \
    {                                                                                              \
        return ward_user_write_array_(space, NAME##_out_addr(to), src, n, &NAME##_known_,          \
                                      WARD_ALIGNOF(T), why);                                       \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_array_unaligned(                                     \
        struct ward_space *space, NAME##_out to, const T *src, size_t n, struct ward_fault *why)   \
    {                                                                                              \
        return ward_user_write_array_(space, NAME##_out_addr(to), src, n, &NAME##_known_, 1, why); \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_fill(struct ward_space *space, NAME##_out to,              \
                                             unsigned char byte, size_t n, struct ward_fault *why) \
    {                                                                                              \
        return ward_user_fill_(space, NAME##_out_addr(to), byte, n, &NAME##_known_, why);          \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_write_versioned(struct ward_space *space, NAME##_out to,   \
                                                        size_t given, const T *src,                \
                                                        struct ward_fault *why)                    \
    {                                                                                              \
        return ward_user_write_versioned_(space, NAME##_out_addr(to), given, src, &NAME##_known_,  \
                                          why);                                                    \
    }

/* --- atomics ---------------------------------------------------------------------------------- */

#define WARD_USER_ATOMIC_ONE_(NAME, T, VERB, OP)                                                   \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_##VERB(struct ward_space *space, NAME##_inout user, \
                                                      T value, T *was, struct ward_fault *why)     \
    {                                                                                              \
        struct ward_atomic op = { OP, (unsigned)sizeof(T), (uint64_t)value, 0, 0 };                \
        uint64_t before;                                                                           \
        int error = ward_user_atomic_(space, NAME##_inout_addr(user), op, &before, why);           \
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
        struct ward_atomic op = { WARD_ATOMIC_LOAD, (unsigned)sizeof(T), 0, 0, 0 };                \
        uint64_t before;                                                                           \
        int error = ward_user_atomic_(space, NAME##_inout_addr(user), op, &before, why);           \
        *was = (T)before;                                                                          \
        return error;                                                                              \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_store(struct ward_space *space, NAME##_inout user,  \
                                                     T value, struct ward_fault *why)              \
    {                                                                                              \
        struct ward_atomic op = { WARD_ATOMIC_STORE, (unsigned)sizeof(T), (uint64_t)value, 0, 0 }; \
        return ward_space_atomic(space, NAME##_inout_addr(user), &op, why);                        \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int NAME##_atomic_compare_exchange(                                   \
        struct ward_space *space, NAME##_inout user, T expected, T value, T *was,                  \
        struct ward_fault *why)                                                                    \
    {                                                                                              \
        struct ward_atomic op = { WARD_ATOMIC_COMPARE_EXCHANGE, (unsigned)sizeof(T),               \
                                  (uint64_t)value, (uint64_t)expected, 0 };                        \
        uint64_t before;                                                                           \
        int error = ward_user_atomic_(space, NAME##_inout_addr(user), op, &before, why);           \
        *was = (T)before;                                                                          \
        return error;                                                                              \
    }

#endif
