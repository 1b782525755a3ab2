/* SPDX-License-Identifier: MIT */
/* What is said of a bug that was caught. These return only where a handler contains bugs. */
#ifndef WARD_MALLOC_REPORT_H
#define WARD_MALLOC_REPORT_H

#include <ward/bug.h>

#include "span.h"

/* place: of the slot concerned; NULL: none. */
WARD_COLD void ward_report_(enum ward_bug_kind kind, const void *addr, const struct place *place,
                            const char *message);

/* addr lies in a span, and is not the start of a slot. */
WARD_COLD void ward_report_interior_(const unsigned char *addr, const struct place *place);

/* The canary behind a block of size bytes is broken. */
WARD_COLD void ward_report_overflow_(const unsigned char *block, size_t size, size_t slack);

/* A live block of size bytes was freed with another size. */
WARD_COLD void ward_report_size_(const void *block, size_t size);

#endif
