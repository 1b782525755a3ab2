/* SPDX-License-Identifier: MIT */
/*
 * Copies by process_vm_readv and process_vm_writev, exact to the byte: shared by the spaces that
 * reach memory by asking the system.
 */
#ifndef WARD_ACCESS_REMOTE_H
#define WARD_ACCESS_REMOTE_H

#include <ward/space.h>

/* Bytes of a process that no other program has: those that the system drew at random when it
 * started the program. Read by the same call as what is wanted, they vouch for it: a call reaches
 * one memory. at == 0: there are none. */
struct ward_witness_ {
    uint64_t at;
    unsigned char bytes[16];
};

/* Copies n bytes from address a of the process (or thread) with this number. Bytes done; fewer
 * than n: why->addr and why->kind are set. */
size_t ward_remote_read_(int pid, uint64_t a, void *dst, size_t n, struct ward_fault *why);
size_t ward_remote_write_(int pid, uint64_t a, const void *src, size_t n, struct ward_fault *why);

/* The same with a witness. False: it could not be read, or has changed, and nothing counts. */
bool ward_remote_read_vouched_(int pid, const struct ward_witness_ *witness, uint64_t a, void *dst,
                               size_t n, size_t *done, struct ward_fault *why);

/* Are these calls to be had at all? Tried on ourselves, who are always allowed. */
bool ward_remote_works_(void);

#endif
