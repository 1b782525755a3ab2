/* SPDX-License-Identifier: MIT */
/*
 * The types that memory is shown and given in: bytes, str, ptr, and i, u, x (hexadecimal) of 8 to
 * 64 bits, f32 and f64.
 */
#ifndef WARD_CLI_VALUE_H
#define WARD_CLI_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind { BYTES, STRING, SIGNED, UNSIGNED, HEXADECIMAL, FLOATING };

struct value_type {
    enum value_kind kind;
    unsigned size; /* bytes; 1 for BYTES and STRING */
};

/* The type of that name; pointer_bytes is the width of "ptr" (0: not known, and then it is none).
 * False: there is none. */
bool value_type_find(const char *name, unsigned pointer_bytes, struct value_type *type);

/* Prints the value at bytes, in a line of its own. Not for BYTES and STRING. */
void value_print(const struct value_type *type, const unsigned char *bytes);

/* Puts what text says into bytes, type->size of them. False: it says no such value. Not for BYTES
 * and STRING. */
bool value_parse(const struct value_type *type, const char *text, unsigned char *bytes);

/* How `ward help` lists them. */
#define VALUE_TYPES                                                                                \
    "TYPE is one of\n"                                                                             \
    "    bytes                    bytes, in hexadecimal\n"                                         \
    "    str                      a string that ends with a zero byte\n"                           \
    "    i8 i16 i32 i64           signed integers\n"                                               \
    "    u8 u16 u32 u64           unsigned integers\n"                                             \
    "    x8 x16 x32 x64           the same in hexadecimal\n"                                       \
    "    f32 f64                  floating-point numbers\n"                                        \
    "    ptr                      pointers, as wide as those of the process\n"

#endif
