/* SPDX-License-Identifier: MIT */
/*
 * ward/user.h: user pointers: typed addresses in a space, which only the space's functions can
 * follow.
 *
 *     struct point { int32_t x, y; };
 *     WARD_USER_DEFINE(upoint, struct point, WARD_FIELDS(struct point, x, y));
 *
 * makes three types of one word each, passed by value: upoint_in (we read it), upoint_out (we write
 * it), upoint_inout (both). They are made from an integer, as system-call arguments come; they
 * cannot be dereferenced, compared with or turned into a pointer or each other, except by name.
 * Reading through an _out, writing through an _in, or giving one type for another does not
 * compile.
 *
 * What a type must be, so that it may cross the boundary:
 *
 *   out  no padding, which would carry our memory out: its members are named, and their sizes add
 * up to its size in   every pattern of bits is a value: integers, floating point, arrays and
 * declared structures of them. Members that are bool, enumerations or pointers must be named with
 *        WARD_FIELDS_CHECKED and need WARD_USER_DEFINE_CHECKED, with a function that looks at the
 *        copied bytes. (C cannot tell an enumeration from an integer; C++ can, and refuses it.)
 *
 * NAME_in etc. are given by value to functions of the form
 *
 *   NAME_in_at(addr), NAME_in_addr(u), NAME_in_is_null(u)      and for _out, _inout
 *   NAME_in_offset(u, n, &to)        n elements on, n may be negative: -EOVERFLOW leaves a null
 *   NAME_in_of(inout), NAME_out_of(inout)
 *   NAME_in_check(space, u, n, why)  advice about n elements, for the direction's access
 *   NAME_read(space, in, &value, why)             aligned (-EINVAL); value all zero on failure
 *   NAME_read_unaligned(space, in, &value, why)
 *   NAME_read_array(space, in, values, n, why)    aligned; -EOVERFLOW: n elements are no length
 *   NAME_read_or_null(space, in, &value, &there, why)   null: 0, and there is false
 *   NAME_write..., as NAME_read, for out; NAME_write_or_null writes nothing to null
 *
 * with the space first and an optional fault record last (ward/space.h); results are those of
 * ward_space_read and _write. A scalar that is aligned is one access, never torn, and folds into
 * the caller. After -EINVAL of a validator the fault record is all zero.
 *
 * Cost: nothing; all of it folds. An address is a uint64_t everywhere, also where a pointer of the
 * space has 32 bits.
 */
#ifndef WARD_USER_H
#define WARD_USER_H

#include <ward/arith.h>
#include <ward/space.h>

#include <ward/inline/fields.h>
#include <ward/inline/user.h>

/* The sum of the sizes of T's members named (1 to 16), each of which may hold any bits. A member
 * that is a structure is named by WARD_FIELD_OF, with the user pointer type declared for it. */
#define WARD_FIELDS(T, ...)            (WARD_FIELDS_(WARD_FIELD_PLAIN_, T, __VA_ARGS__))
#define WARD_FIELD_OF(NAME, T, MEMBER) (WARD_FIELD_OF_(NAME, T, MEMBER))

/* The same for members that need a validator. The sums are added with +. */
#define WARD_FIELDS_CHECKED(T, ...) (WARD_FIELDS_(WARD_FIELD_CHECKED_, T, __VA_ARGS__))

/* User pointers to T under the name NAME, in all three directions. */
#define WARD_USER_DEFINE(NAME, T, FIELDS)                                                          \
    WARD_STATIC_ASSERT((FIELDS) < WARD_FIELD_NEEDS_CHECK_,                                         \
                       #NAME ": a bool, enumeration or pointer needs WARD_USER_DEFINE_CHECKED");   \
    WARD_STATIC_ASSERT((FIELDS) == sizeof(T),                                                      \
                       #NAME ": members not named, or padding, which would carry our bytes out");  \
    WARD_USER_IN_(NAME, T, ward_user_any_)                                                         \
    WARD_USER_OUT_(NAME, T)                                                                        \
    WARD_STATIC_ASSERT(sizeof(T) > 0, #NAME ": nothing to point at")

/* The same with a validator, bool VALID(const T *copy): -EINVAL, and an all zero value, if it says
 * no. It looks at the copy, and at members of doubtful kind by their bytes (ward_user_is_bool). */
#define WARD_USER_DEFINE_CHECKED(NAME, T, FIELDS, VALID)                                           \
    WARD_STATIC_ASSERT((FIELDS) % WARD_FIELD_NEEDS_CHECK_ == sizeof(T),                            \
                       #NAME ": members not named, or padding, which would carry our bytes out");  \
    WARD_INLINE bool NAME##_valid_(const void *copy)                                               \
    {                                                                                              \
        return VALID((const T *)copy);                                                             \
    }                                                                                              \
    WARD_USER_IN_(NAME, T, NAME##_valid_)                                                          \
    WARD_USER_OUT_(NAME, T)                                                                        \
    WARD_STATIC_ASSERT(sizeof(T) > 0, #NAME ": nothing to point at")

/* Only NAME_in, for a T that is never copied out: padding does not matter, any bits may come. */
#define WARD_USER_IN_DEFINE(NAME, T)                                                               \
    WARD_USER_IN_(NAME, T, ward_user_any_)                                                         \
    WARD_STATIC_ASSERT(sizeof(T) > 0, #NAME ": nothing to point at")

/* Atomic operations for a NAME whose T is an integer of 1, 2, 4 or 8 bytes, through NAME_inout:
 *
 *   NAME_atomic_load(space, u, &was, why)              NAME_atomic_store(space, u, value, why)
 *   NAME_atomic_exchange(space, u, value, &was, why)   and _add, _and, _or, _xor
 *   NAME_atomic_compare_exchange(space, u, expected, value, &was, why)
 *
 * as ward_space_atomic. */
#define WARD_USER_ATOMIC_DEFINE(NAME, T)                                                           \
    WARD_STATIC_ASSERT(sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8,       \
                       #NAME ": atomics have 1, 2, 4 or 8 bytes");                                 \
    WARD_USER_ATOMIC_(NAME, T)                                                                     \
    WARD_STATIC_ASSERT((T)0.5 == (T)0, #NAME ": atomics are for integers")

/* The pointer to another type at the same address, direction kept: WARD_USER_CAST_IN(ward_u8, u).
 */
#define WARD_USER_CAST_IN(NAME, U)    (NAME##_in_at((U).in_addr))
#define WARD_USER_CAST_OUT(NAME, U)   (NAME##_out_at((U).out_addr))
#define WARD_USER_CAST_INOUT(NAME, U) (NAME##_inout_at((U).inout_addr))

/* For validators: does the member hold a value its type has? By its bytes, so that looking at it is
 * defined whatever it holds. */
WARD_INLINE bool ward_user_is_bool(const void *member);

/* ------------------------------------------------------------------------------------------- */

WARD_INLINE bool ward_user_is_bool(const void *member)
{
    return *(const unsigned char *)member <= 1;
}

#define WARD_USER_SCALAR_(NAME, T) WARD_USER_DEFINE(NAME, T, sizeof(T))

WARD_USER_SCALAR_(ward_u8, uint8_t);
WARD_USER_SCALAR_(ward_u16, uint16_t);
WARD_USER_SCALAR_(ward_u32, uint32_t);
WARD_USER_SCALAR_(ward_u64, uint64_t);
WARD_USER_SCALAR_(ward_i8, int8_t);
WARD_USER_SCALAR_(ward_i16, int16_t);
WARD_USER_SCALAR_(ward_i32, int32_t);
WARD_USER_SCALAR_(ward_i64, int64_t);

WARD_USER_ATOMIC_DEFINE(ward_u8, uint8_t);
WARD_USER_ATOMIC_DEFINE(ward_u16, uint16_t);
WARD_USER_ATOMIC_DEFINE(ward_u32, uint32_t);
WARD_USER_ATOMIC_DEFINE(ward_u64, uint64_t);

/* Bytes of no type, and strings of them: pointers to uint8_t say where. */
WARD_CHECKED WARD_INLINE int ward_user_read(struct ward_space *space, ward_u8_in from, void *dst,
                                            size_t n, struct ward_fault *why)
{
    return ward_space_read(space, from.in_addr, dst, n, why);
}

WARD_CHECKED WARD_INLINE int ward_user_write(struct ward_space *space, ward_u8_out to,
                                             const void *src, size_t n, struct ward_fault *why)
{
    return ward_space_write(space, to.out_addr, src, n, why);
}

WARD_CHECKED WARD_INLINE ptrdiff_t ward_user_read_str(struct ward_space *space, ward_u8_in from,
                                                      char *dst, size_t cap, struct ward_fault *why)
{
    return ward_space_read_str(space, from.in_addr, dst, cap, why);
}

#endif
