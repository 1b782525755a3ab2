/* SPDX-License-Identifier: MIT */
#include "text.h"

static const char digits[] = "0123456789abcdef";

static void put_char(struct text *text, char c)
{
    put(text, (const char[]){ c, '\0' });
}

void ward_text_put_(struct text *text, const char *string)
{
    put(text, string);
}

void ward_text_put_name_(struct text *text, const char *name, size_t most)
{
    for (size_t i = 0; i < most && name[i]; i++)
        put_char(text, (char)(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?'));
}

/* Bytes beyond ASCII may be no UTF-8, which JSON wants: each becomes the character of its number.
 */
void ward_text_put_json_(struct text *text, const char *name, size_t most)
{
    put_char(text, '"');
    for (size_t i = 0; i < most && name[i]; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c < ' ' || c > '~') {
            ward_text_put_(text, "\\u00");
            put_char(text, digits[c >> 4]);
            put_char(text, digits[c & 15]);
        } else {
            if (c == '"' || c == '\\')
                put_char(text, '\\');
            put_char(text, (char)c);
        }
    }
    put_char(text, '"');
}

void ward_text_put_decimal_(struct text *text, uint64_t number)
{
    put_number(text, number, 10);
}

void ward_text_put_signed_(struct text *text, int64_t number)
{
    ward_text_put_(text, number < 0 ? "-" : "");
    put_number(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
}

void ward_text_put_hex_(struct text *text, uint64_t number)
{
    put_number(text, number, 16);
}

void ward_text_put_bytes_(struct text *text, const unsigned char *bytes, size_t count,
                          const char *between)
{
    for (size_t i = 0; i < count; i++) {
        ward_text_put_(text, i ? between : "");
        put_char(text, digits[bytes[i] >> 4]);
        put_char(text, digits[bytes[i] & 15]);
    }
}
