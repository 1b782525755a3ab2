/* SPDX-License-Identifier: MIT */
/*
 * Blocks of another malloc in the same process: of the C library's own, where a program calls that
 * by another name; of a copy of it in another namespace (dlmopen(3)); of a library that brings one.
 * To free one is a bug, as with any address that is no block. With the option foreign=pass it is
 * passed on to who would have got it without this malloc: the next free() in the order of lookup.
 *
 * Passed on is only what is not ours for certain: the address lies in no range of blocks, no block
 * with a mapping of its own is or was there, and it is aligned as every malloc's blocks are. What
 * the next malloc makes of it is that one's affair. Where there is none (a static program), it is a
 * bug as ever.
 *
 * The functions are looked up once, while there is one thread, and stand in the read-only root.
 */
#ifndef WARD_MALLOC_FOREIGN_H
#define WARD_MALLOC_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Of the next malloc: all of them are there, or none. */
struct foreign {
    void (*free)(void *block);
    void *(*resize)(void *block, size_t size);
    size_t (*usable)(void *block);
};

/* Looks them up, for the root. Who interposes on the lookup may allocate: that fails. */
struct foreign ward_foreign_find_(void);

/* Is `at` for the next malloc to judge? False unless the option says so. */
bool ward_foreign_has_(const void *at);

#endif
