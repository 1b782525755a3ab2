/* SPDX-License-Identifier: MIT */
/* The rows of guest spaces: what is measured stands in guest.c. */
#ifndef WARD_BENCH_GUEST_H
#define WARD_BENCH_GUEST_H

#include <stddef.h>

/* Makes what the others need, once. */
void guest_prepare(void);

/* 8-byte reads of a page of a guest, and of the same bytes by self. */
void guest8(size_t count);
void guest8_by_self(size_t count);

/* ward_space_check of so many pages, and a loop over an array of bytes, one for each page. */
void check1(size_t count);
void check16(size_t count);
void check4096(size_t count);
void loop1(size_t count);
void loop16(size_t count);
void loop4096(size_t count);

/* 256 fresh pages: brought in by one call, and by a write to each. */
void populate256(size_t count);
void touch256(size_t count);

#endif
