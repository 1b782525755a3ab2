/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

static const struct {
    const char *name;
    struct value_type type;
} types[] = {
    { "bytes", { BYTES, 1 } },     { "str", { STRING, 1 } },      { "i8", { SIGNED, 1 } },
    { "i16", { SIGNED, 2 } },      { "i32", { SIGNED, 4 } },      { "i64", { SIGNED, 8 } },
    { "u8", { UNSIGNED, 1 } },     { "u16", { UNSIGNED, 2 } },    { "u32", { UNSIGNED, 4 } },
    { "u64", { UNSIGNED, 8 } },    { "x8", { HEXADECIMAL, 1 } },  { "x16", { HEXADECIMAL, 2 } },
    { "x32", { HEXADECIMAL, 4 } }, { "x64", { HEXADECIMAL, 8 } }, { "f32", { FLOATING, 4 } },
    { "f64", { FLOATING, 8 } },
};

bool value_type_find(const char *name, unsigned pointer_bytes, struct value_type *type)
{
    if (strcmp(name, "ptr") == 0) {
        *type = (struct value_type){ HEXADECIMAL, pointer_bytes };
        return pointer_bytes > 0;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(name, types[i].name) == 0) {
            *type = types[i].type;
            return true;
        }
    return false;
}

/* All machines that ward knows keep the low byte first. */
static uint64_t word_at(const unsigned char *bytes, unsigned size)
{
    uint64_t word = 0;

    memcpy(&word, bytes, size);
    return word;
}

static void print_floating(const unsigned char *bytes, unsigned size)
{
    double wide;
    float narrow;

    if (size == 4) {
        memcpy(&narrow, bytes, sizeof narrow);
        printf("%.9g\n", (double)narrow);
    } else {
        memcpy(&wide, bytes, sizeof wide);
        printf("%.17g\n", wide);
    }
}

void value_print(const struct value_type *type, const unsigned char *bytes)
{
    uint64_t word = word_at(bytes, type->size);
    unsigned unused = 64 - 8 * type->size; /* bits above the value */

    if (type->kind == FLOATING)
        print_floating(bytes, type->size);
    else if (type->kind == SIGNED)
        printf("%lld\n", (long long)(int64_t)(word << unused) >> unused);
    else if (type->kind == UNSIGNED)
        printf("%llu\n", (unsigned long long)word);
    else
        printf("0x%0*llx\n", (int)(2 * type->size), (unsigned long long)word);
}

/* Integers of all three kinds: negative ones only where signed, hexadecimal ones as bit patterns.
 */
static bool parse_integer(const struct value_type *type, const char *text, uint64_t *word)
{
    bool negative = type->kind == SIGNED && text[0] == '-';
    bool pattern = type->kind != SIGNED || (text[0] == '0' && (text[1] | ' ') == 'x');
    uint64_t most = UINT64_MAX >> (64 - 8 * type->size), magnitude;

    if (!parse_number(text + negative, &magnitude))
        return false;
    if (negative ? magnitude > most / 2 + 1 : magnitude > (pattern ? most : most / 2))
        return false;
    *word = negative ? 0 - magnitude : magnitude;
    return true;
}

/* One that is finite and not zero stays so: what is too large or too small does not fit. */
static bool parse_floating(const struct value_type *type, const char *text, unsigned char *bytes)
{
    bool is_narrow = type->size == sizeof(float);
    char *end;
    double wide;
    float narrow;

    errno = 0;
    wide = is_narrow ? (double)strtof(text, &end) : strtod(text, &end);
    narrow = (float)wide;
    if (end == text || *end || isspace((unsigned char)*text))
        return false;
    if (errno == ERANGE && (isinf(wide) || wide == 0))
        return false;
    if (is_narrow)
        memcpy(bytes, &narrow, sizeof narrow);
    else
        memcpy(bytes, &wide, sizeof wide);
    return true;
}

bool value_parse(const struct value_type *type, const char *text, unsigned char *bytes)
{
    uint64_t word;

    if (type->kind == FLOATING)
        return parse_floating(type, text, bytes);
    if (!parse_integer(type, text, &word))
        return false;
    memcpy(bytes, &word, type->size);
    return true;
}
