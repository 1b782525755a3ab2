/* SPDX-License-Identifier: MIT */
/*
 * Which form of the bulk accesses the gates use: the machine's choice unless a test forces one. The
 * linker puts these functions in place of the library's (ld --wrap), in programs that include this
 * header.
 */
#ifndef WARD_TESTS_FORCE_H
#define WARD_TESTS_FORCE_H

#include "core/bulk.h"

/* From now on. NULL: as the machine chooses. */
void force_form(const struct ward_bulk_form_ *form);

/* How many accesses went by a forced form so far. */
unsigned long force_count(void);

#endif
