/* SPDX-License-Identifier: MIT */
/*
 * ward/self.h: the process's own memory as a space, for pointers that may be bad.
 *
 * Two ways lead to it, and each is a space of its own, so that a mode is chosen and never changes
 * under an access:
 *
 *   by table    direct: ordinary loads and stores, recovered by the handler that
 *               ward_recover_install() installed. What may be accessed is what the MMU says.
 *               A fault costs a signal. Who blocks SIGSEGV or SIGBUS, or takes the handler away,
 *               dies of an access that faults: it is never answered wrongly.
 *   by calls    the system copies (process_vm_readv and _writev on ourselves), and answers
 *               -EFAULT without any signal: works with SIGSEGV blocked, in other people's handlers,
 *               under valgrind. Some 300 ns each; no atomics, words may be torn, and a
 *               fault's kind is WARD_FAULT_DENIED.
 *
 * ward_space_self() is what most programs want: it works at once, and gets fast by
 * ward_recover_install().
 *
 * Pointers that are not merely
 * bad but hostile must be kept off everything but what is theirs: ward_within.
 */
#ifndef WARD_SELF_H
#define WARD_SELF_H

#include <ward/region.h>
#include <ward/space.h>

/* The addresses of self: not the first 64 KiB, which are null pointers with something added, and
 * not the upper half, which is the kernel's. */
#define WARD_SELF_FIRST ((uint64_t)65536)
#define WARD_SELF_LAST  ((uint64_t)INT64_MAX)

/* The process's memory within given regions, and nothing else: all other addresses, ward's own
 * metadata among them, are outside. Borrows the regions (and their array), which outlive it and
 * whose pages may be protected or released meanwhile. An access must lie within one of them. One
 * region whose base and size are multiples of WARD_SPACE_GRAIN is reached directly where `by` is;
 * several are told apart at each access, in order. */
struct ward_within {
    struct ward_space space;
    struct ward_space *by;
    const struct ward_region *const *regions;
    size_t count;
};

WARD_EXTERN_C_BEGIN

/* By table if this process has called ward_recover_install(), by system calls otherwise. Ask
 * again after installing. Never NULL; lives for ever. */
WARD_API struct ward_space *ward_space_self(void);

/* The two themselves. By table before ward_recover_install() a fault is fatal, unless the owner of
 * the handler calls ward_recover_try. */
WARD_API struct ward_space *ward_space_self_by_table(void);
WARD_API struct ward_space *ward_space_self_by_calls(void);

/* A space that follows the thread's access scope (below), and goes by calls outside of any. */
WARD_API struct ward_space *ward_space_self_auto(void);

/* A scope within which self is reached as this thread's circumstances allow now: by table if ward's
 * handler stands for both signals, neither is blocked in this thread, and the program does not
 * run under valgrind; by system calls otherwise. begin asks (four system calls) and returns the
 * space for this thread to use until the matching end; they nest, an inner scope has the choice of
 * the outer. Blocking the signals or replacing the handler inside is a breach of contract, and a
 * fault is then fatal. */
WARD_API struct ward_space *ward_access_begin(void);
WARD_API void ward_access_end(void);

/* The memory of `count` regions, reached by one of the two spaces above (NULL: ward_space_self()).
 * -EINVAL: no region, or one that is not initialised; then *within is all zero. */
WARD_API WARD_CHECKED int ward_within_init(struct ward_within *within, struct ward_space *by,
                                           const struct ward_region *const *regions, size_t count);

WARD_EXTERN_C_END

/* ward_space_read_u64 and _write_u64 on self by table, known when compiled: the tests of range and
 * alignment have constants. */
WARD_CHECKED WARD_INLINE int ward_self_read_u64(uint64_t a, uint64_t *value,
                                                struct ward_fault *why);
WARD_CHECKED WARD_INLINE int ward_self_write_u64(uint64_t a, uint64_t value,
                                                 struct ward_fault *why);

/* ------------------------------------------------------------------------------------------- */

#include <ward/inline/self.h>

#endif
