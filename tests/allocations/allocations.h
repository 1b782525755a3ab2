/* SPDX-License-Identifier: MIT */
/*
 * How often the library asked for memory, of libc or of the host. The linker puts counting
 * functions in front (ld --wrap), in programs that include this header.
 */
#ifndef WARD_TESTS_ALLOCATIONS_H
#define WARD_TESTS_ALLOCATIONS_H

/* By all threads, since the program began; what the test itself asks for counts as well. */
unsigned long allocations(void);

#endif
