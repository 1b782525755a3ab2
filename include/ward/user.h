/* SPDX-License-Identifier: MIT */
/*
 * ward/user.h: user pointers: typed addresses in a space, which only the space's functions can
 * follow.
 *
 *     struct point { int32_t x, y; };
 *     WARD_USER_DEFINE(upoint, struct point, WARD_FIELDS(struct point, x, y));
 *
 * declares three types of one word each, passed by value: upoint_in (we read it), upoint_out (we
 * write it) and upoint_inout (both). They are made from an integer, as system-call arguments come.
 * They cannot be dereferenced, compared with a pointer, or converted, except by name. Reading
 * through an _out, writing through an _in, or passing one type for another does not compile.
 *
 * Which types may cross the boundary:
 *
 *   out  A type without padding, which would carry our memory out. Its members are named, and must
 *        cover it.
 *   in   A type of which every pattern of bits is a value: integers, floating-point numbers,
 *        arrays of them, and members of types that are declared themselves. For members that are
 *        bool, enumerations or pointers see WARD_USER_DEFINE_CHECKED. (C cannot tell an
 *        enumeration from an integer. C++ can, and refuses it.)
 *
 * Members that overlap are seen once: of a union, one that is as large as all of it is named, and
 * what the others are is for a validator. An anonymous union inside a structure is not noticed.
 *
 * The functions, for NAME and its type T. D stands for in, out and inout:
 *
 *   NAME_D_at(addr), NAME_D_addr(u), NAME_D_is_null(u)
 *   NAME_in_of(inout), NAME_out_of(inout)
 *   NAME_D_offset(u, n, &to)            n elements further; n may be negative. -EOVERFLOW: no such
 *                                       address, and `to` is null
 *   NAME_D_check(space, u, n, why)      ward_space_check and _populate of n elements,
 *   NAME_D_populate(space, u, n, why)   for the access that the direction stands for
 *   NAME_D_to_view(u), NAME_D_of_view(v)    see "Views" below
 *
 *   NAME_read(space, in, &value, why)               value is all zero after a failure
 *   NAME_read_or_null(space, in, &value, &there, why)    null: 0, value is zero, there is false
 *   NAME_read_array(space, in, values, n, why)
 *   NAME_read_until(space, in, values, cap, &sentinel, why)    ward_space_read_until; sentinel
 *                                                   may be NULL: an element of zeroes
 *   NAME_read_versioned(space, in, given, &value, why)   ward_space_read_versioned; known is
 *                                                   sizeof(T)
 *   NAME_write(space, out, &value, why)
 *   NAME_write_or_null(space, out, &value, why)     null: 0, and nothing is written
 *   NAME_write_array(space, out, values, n, why)
 *   NAME_write_versioned(space, out, given, &value, why)
 *   NAME_fill(space, out, byte, n, why)             sets all bytes of n elements
 *
 *   NAME_read_unaligned, NAME_read_array_unaligned, NAME_write_unaligned,
 *   NAME_write_array_unaligned                      the same at any address
 *
 * The results are those of the function of ward/space.h that does the work. Errors come in this
 * order: -EINVAL (the address is misaligned for T; kind WARD_FAULT_ALIGN), -EOVERFLOW (n elements
 * are longer than a length can be; the fault record is all zero), -EFAULT (outside the space), then
 * what the memory answers. No elements, or a structure given with 0 bytes, are a success at any
 * address, also at a misaligned one, and nothing is touched.
 *
 * What a validator refuses is -EINVAL with a fault record that is all zero. It sees the copy, never
 * the original, and the elements before a sentinel, not the sentinel. Where a type has a validator,
 * all of the destination is zero after any failure: no part stays that was not approved of.
 *
 * An aligned scalar is one access that folds into the caller; it is never torn where the space is
 * direct.
 *
 * Views: a view is the address as a pointer to a type that has no definition, for structures and
 * interfaces that keep addresses as pointers. No compiler can dereference it. For clang and sparse
 * it also points into another address space (noderef, address_space(1)): they then refuse to
 * pass it as a void * too, to memcpy for example. gcc has no such attribute and does not.
 *
 * Cost: nothing; all of it folds. An address is a uint64_t everywhere, also where a pointer of the
 * space has 32 bits. Threads and signal handlers: as ward/space.h.
 */
#ifndef WARD_USER_H
#define WARD_USER_H

#include <ward/space.h>

#include <ward/inline/fields.h>
#include <ward/inline/user.h>

/* The members of T that are named, 1 to 32 of them, each of which may hold any bits. Such sums are
 * added with +, so a structure with more members takes two. An array of arrays is named row by row:
 * m[0], m[1]. Each member must be named once: with any one left out, or one named in place of
 * another, the sum does not come to all of T. T has less than 64 KiB. */
#define WARD_FIELDS(T, ...) (WARD_FIELDS_(WARD_FIELD_PLAIN_, T, __VA_ARGS__))

/* A member that is a structure, or an array of structures, that user pointers NAME were defined
 * for. If NAME has a validator, T needs one too, which calls it. */
#define WARD_FIELD_OF(NAME, T, MEMBER) (WARD_FIELD_OF_(NAME, T, MEMBER))

/* Members that need a validator. */
#define WARD_FIELDS_CHECKED(T, ...) (WARD_FIELDS_(WARD_FIELD_CHECKED_, T, __VA_ARGS__))

/* In place of members, for a T that is an integer or a floating-point number, or that needs a
 * validator and is a bool, an enumeration or a pointer. */
#define WARD_SCALAR(T)         (WARD_SCALAR_(T))
#define WARD_SCALAR_CHECKED(T) (WARD_SCALAR_CHECKED_(T))

/* User pointers to T under the name NAME, in all three directions. */
#define WARD_USER_DEFINE(NAME, T, FIELDS)                                                          \
    WARD_STATIC_ASSERT(!WARD_IS_UNION_(T), #NAME ": a union needs WARD_USER_DEFINE_CHECKED");      \
    WARD_STATIC_ASSERT((FIELDS) < WARD_FIELD_NEEDS_CHECK_,                                         \
                       #NAME ": a bool, enumeration or pointer needs WARD_USER_DEFINE_CHECKED");   \
    WARD_FIELDS_COVER_(NAME, T, FIELDS)                                                            \
    enum { NAME##_is_checked_ = 0 };                                                               \
    WARD_USER_IN_(NAME, T, NULL)                                                                   \
    WARD_USER_OUT_(NAME, T)                                                                        \
    WARD_STATIC_ASSERT(sizeof(T) >= WARD_ALIGNOF(T), #NAME ": nothing to point at")

/* The same with a validator, bool VALID(const T *copy): -EINVAL, and an all zero value, if it says
 * no. It looks at members of doubtful kind by their bytes (ward_user_is_bool). */
#define WARD_USER_DEFINE_CHECKED(NAME, T, FIELDS, VALID)                                           \
    WARD_FIELDS_COVER_(NAME, T, (FIELDS) % WARD_FIELD_NEEDS_CHECK_)                                \
    WARD_INLINE bool NAME##_valid_(const void *copy)                                               \
    {                                                                                              \
        return VALID((const T *)copy);                                                             \
    }                                                                                              \
    enum { NAME##_is_checked_ = 1 };                                                               \
    WARD_USER_IN_(NAME, T, NAME##_valid_)                                                          \
    WARD_USER_OUT_(NAME, T)                                                                        \
    WARD_STATIC_ASSERT(sizeof(T) >= WARD_ALIGNOF(T), #NAME ": nothing to point at")

/* Only NAME_in, for a T that is never copied out. Padding does not matter; any bits may come. */
#define WARD_USER_IN_DEFINE(NAME, T)                                                               \
    WARD_USER_IN_(NAME, T, NULL)                                                                   \
    WARD_STATIC_ASSERT(sizeof(T) >= WARD_ALIGNOF(T), #NAME ": nothing to point at")

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

/* The pointer to another type at the same address, of the same direction:
 * WARD_USER_CAST_IN(ward_u8, u). */
#define WARD_USER_CAST_IN(NAME, U)    (NAME##_in_at((WARD_FORCE_ uint64_t)(U).in_addr))
#define WARD_USER_CAST_OUT(NAME, U)   (NAME##_out_at((WARD_FORCE_ uint64_t)(U).out_addr))
#define WARD_USER_CAST_INOUT(NAME, U) (NAME##_inout_at((WARD_FORCE_ uint64_t)(U).inout_addr))

/* The space of this thread's system-call code (ward/space.h), so that it need not name one:
 *
 *     error = upoint_read(WARD_HERE, from, &point, NULL);
 *
 * It is looked up each time. Who makes many accesses keeps it in a variable. */
#define WARD_HERE (ward_space_current_get())

/* For validators: does the member hold a value its type has? By its bytes, so that looking at it is
 * defined whatever it holds. */
WARD_INLINE bool ward_user_is_bool(const void *member);

/* ------------------------------------------------------------------------------------------- */

WARD_INLINE bool ward_user_is_bool(const void *member)
{
    return *(const unsigned char *)member <= 1;
}

/* --- declared in advance ---------------------------------------------------------------------- */

WARD_USER_DEFINE(ward_u8, uint8_t, WARD_SCALAR(uint8_t));
WARD_USER_DEFINE(ward_u16, uint16_t, WARD_SCALAR(uint16_t));
WARD_USER_DEFINE(ward_u32, uint32_t, WARD_SCALAR(uint32_t));
WARD_USER_DEFINE(ward_u64, uint64_t, WARD_SCALAR(uint64_t));
WARD_USER_DEFINE(ward_i8, int8_t, WARD_SCALAR(int8_t));
WARD_USER_DEFINE(ward_i16, int16_t, WARD_SCALAR(int16_t));
WARD_USER_DEFINE(ward_i32, int32_t, WARD_SCALAR(int32_t));
WARD_USER_DEFINE(ward_i64, int64_t, WARD_SCALAR(int64_t));
WARD_USER_DEFINE(ward_f32, float, WARD_SCALAR(float));
WARD_USER_DEFINE(ward_f64, double, WARD_SCALAR(double));
WARD_USER_DEFINE(ward_char, char, WARD_SCALAR(char));
WARD_USER_DEFINE_CHECKED(ward_bool, bool, WARD_SCALAR_CHECKED(bool), ward_user_is_bool);

WARD_USER_ATOMIC_DEFINE(ward_u8, uint8_t);
WARD_USER_ATOMIC_DEFINE(ward_u16, uint16_t);
WARD_USER_ATOMIC_DEFINE(ward_u32, uint32_t);
WARD_USER_ATOMIC_DEFINE(ward_u64, uint64_t);
WARD_USER_ATOMIC_DEFINE(ward_i8, int8_t);
WARD_USER_ATOMIC_DEFINE(ward_i16, int16_t);
WARD_USER_ATOMIC_DEFINE(ward_i32, int32_t);
WARD_USER_ATOMIC_DEFINE(ward_i64, int64_t);

/* Bytes of no type: a pointer to uint8_t says where. */
WARD_CHECKED WARD_INLINE int ward_user_read(struct ward_space *space, ward_u8_in from, void *dst,
                                            size_t n, struct ward_fault *why)
{
    return ward_space_read(space, ward_u8_in_addr(from), dst, n, why);
}

WARD_CHECKED WARD_INLINE int ward_user_write(struct ward_space *space, ward_u8_out to,
                                             const void *src, size_t n, struct ward_fault *why)
{
    return ward_space_write(space, ward_u8_out_addr(to), src, n, why);
}

/* Strings, and text in UTF-8, as ward_space_read_str and _utf8. */
WARD_CHECKED WARD_INLINE ptrdiff_t ward_char_read_str(struct ward_space *space, ward_char_in from,
                                                      char *dst, size_t cap, struct ward_fault *why)
{
    return ward_space_read_str(space, ward_char_in_addr(from), dst, cap, why);
}

WARD_CHECKED WARD_INLINE ptrdiff_t ward_char_read_utf8(struct ward_space *space, ward_char_in from,
                                                       char *dst, size_t cap,
                                                       struct ward_fault *why)
{
    return ward_space_read_utf8(space, ward_char_in_addr(from), dst, cap, why);
}

#endif
