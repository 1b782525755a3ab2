/* SPDX-License-Identifier: MIT */
/*
 * ward/locked.h: regions for secrets: locked memory, and memory the kernel itself cannot read.
 *
 * *Locked* memory stays out of swap (mlock) and core dumps, and a forked child sees zeroes.
 * *Secret* memory (memfd_secret) is in addition not readable through the kernel, by ptrace or
 * another process; a forked child sees nothing there. Both fail closed: if any part of the
 * promise cannot be kept, init fails and nothing stays mapped. Both are faulted in from the start,
 * and cleared before they are given back.
 *
 * Guards lie outside the locked range, made by protection: the system refuses guard markers in
 * locked and secret memory. protect with WARD_GUARD inside the region therefore is -ENOTSUP.
 * release clears the bytes, then (locked) drops the pages and takes fresh ones, or (secret) keeps
 * them: secret memory knows no dropping. What cannot be written cannot be cleared: once protect
 * took WARD_WRITE from a part, release is -EPERM until protect gives it back to the whole region
 * at once. With WARD_KEYED, who releases has opened the key.
 *
 * Limited by RLIMIT_MEMLOCK unless privileged. After fork a child must not use what is built on
 * these: allocators notice and report (WARD-FORKED). A secret region is not there in a child:
 * release and protect answer -EFAULT, and fini forgets it and touches nothing (something else may
 * lie there by then; the two guards stay taken).
 */
#ifndef WARD_LOCKED_H
#define WARD_LOCKED_H

#include <ward/region.h>

struct ward_locked {
    struct ward_region region; /* facts: WARD_IS_SECRET tells secret from locked */
    unsigned char *origin;     /* first byte of the mapping, the front guard's */
    size_t reserved;           /* bytes of it */
    bool altered;              /* not all of it is WARD_RW */
    bool unwritable;           /* protect took WARD_WRITE from some of it */
    uint64_t epoch;            /* of the process it was made in (ward_host_fork_epoch) */
};

WARD_EXTERN_C_BEGIN

/* size bytes of locked memory, rounded up to pages. -EINVAL: locked is NULL, size is 0 or too
 * large; -ENOMEM or -EPERM: beyond the limit for locked memory; -ENOTSUP: the system cannot. On
 * failure *locked is all zero and nothing is mapped. */
WARD_API WARD_CHECKED int ward_locked_init(struct ward_locked *locked, size_t size);

/* size bytes of secret memory; where the system has none, of locked memory. Which it is, is told
 * by region.facts. Errors as above. */
WARD_API WARD_CHECKED int ward_secret_init(struct ward_locked *locked, size_t size);

WARD_EXTERN_C_END

#endif
