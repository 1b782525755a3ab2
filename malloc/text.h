/* SPDX-License-Identifier: MIT */
/* What reports put into a text (core/text.h): what does not fit is cut. */
#ifndef WARD_MALLOC_TEXT_H
#define WARD_MALLOC_TEXT_H

#include "core/text.h"

void ward_text_put_(struct text *text, const char *string);

/* A name from outside: what is not printable becomes '?', so that a terminal obeys nobody. At most
 * `most` bytes of it. */
void ward_text_put_name_(struct text *text, const char *name, size_t most);

/* The same between quotes, as JSON has it. */
void ward_text_put_json_(struct text *text, const char *name, size_t most);

void ward_text_put_decimal_(struct text *text, uint64_t number);

/* With a sign if it is negative. */
void ward_text_put_signed_(struct text *text, int64_t number);

/* With 0x. */
void ward_text_put_hex_(struct text *text, uint64_t number);

/* Two digits for each byte, with `between` between them. */
void ward_text_put_bytes_(struct text *text, const unsigned char *bytes, size_t count,
                          const char *between);

#endif
