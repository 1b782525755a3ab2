/* SPDX-License-Identifier: MIT */
/* The start: reservations, classes, policy, secrets; then the root is read-only. */
#ifndef WARD_MALLOC_START_H
#define WARD_MALLOC_START_H

#include <ward/base.h>

/* Starts the allocator, once. False: there is no room for it in this process. */
bool ward_start_(void);

enum { RESERVE_ALIGN = 2 << 20 };

/* bytes, of whole pages, of addresses with fences on both sides; what it returns is aligned to
 * RESERVE_ALIGN. NULL: no room. */
unsigned char *ward_reserve_(size_t bytes, unsigned prot);
/* Gives all of them back. */
void ward_unreserve_(void *at, size_t bytes);

#endif
