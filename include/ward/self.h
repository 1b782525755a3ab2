/* SPDX-License-Identifier: MIT */
/*
 * ward/self.h: the process's own memory as a space, for pointers that may be bad.
 *
 * There are two ways to it. Each is a space of its own, so that the way is chosen once and never
 * changes during an access:
 *
 *   by table    Direct: ordinary loads and stores, recovered by the handler that
 *               ward_recover_install() installed. The MMU decides what may be accessed. A fault
 *               costs a signal. In a thread that blocks SIGSEGV or SIGBUS, or after the handler was
 *               replaced, an access that faults ends the process; it never gives a wrong answer.
 *   by calls    The system copies (process_vm_readv and _writev on this process), and answers
 *               -EFAULT without a signal. This works with SIGSEGV blocked, in signal handlers of
 *               other code, and under valgrind. It costs some 300 ns, has no atomics, and may tear
 *               words (other threads may see half of one; what was read is still fetched once). The
 *               kind of a fault is WARD_FAULT_DENIED. The system cannot tell the caller's buffer
 *               from the user's: where ours is bad, the answer may be -EFAULT too. Nor does it look
 *               at protection keys: what only a key closes (WARD_LOCK_META) is open to it. Where a
 *               seccomp filter forbids the calls, the answer is what the filter says: -EPERM, or
 *               -ENOTSUP for ENOSYS.
 *
 * ward_space_self() is the right one for most programs: it works at once, and becomes fast with
 * ward_recover_install().
 *
 * These are for pointers that may be bad. A pointer from an attacker must also be kept away from
 * all memory that is not his: see ward_within.
 */
#ifndef WARD_SELF_H
#define WARD_SELF_H

#include <ward/region.h>
#include <ward/space.h>

/* The addresses of self. The first 64 KiB are left out: they are null pointers with an offset. So
 * is the upper half, which belongs to the kernel. */
#define WARD_SELF_FIRST ((uint64_t)65536)
#define WARD_SELF_LAST  ((uint64_t)INT64_MAX)

/* The memory of given regions, and nothing else: every other address, those of ward's own metadata
 * included, is outside. An access must lie within one region. It borrows the regions and their
 * array, which outlive it; their pages may be protected or released meanwhile. A single region
 * whose base and size are multiples of WARD_SPACE_GRAIN is direct if `by` is, and clamped if its
 * size is a power of two (ward/space.h). Several are searched in order at each access. */
struct ward_within {
    struct ward_space space;
    struct ward_space *by;
    const struct ward_region *const *regions;
    size_t count;
};

WARD_EXTERN_C_BEGIN

/* By table if this process has called ward_recover_install(), else by calls. Ask again after
 * installing. Never NULL; lives as long as the process. */
WARD_API struct ward_space *ward_space_self(void);

/* Each way by its name. Before ward_recover_install() a fault by table ends the process, unless the
 * program has a handler of its own that calls ward_recover_try. */
WARD_API struct ward_space *ward_space_self_by_table(void);
WARD_API struct ward_space *ward_space_self_by_calls(void);

/* Goes the way of the thread's innermost access scope (below), and by calls outside of any. It is
 * not direct: who can, uses the space that ward_access_begin() returned. */
WARD_API struct ward_space *ward_space_self_auto(void);

/* An access scope: begin asks which way serves this thread now, and returns that space, to be used
 * until the matching end. It is by table if ward's handler stands for both signals, the thread
 * blocks neither, and the program does not run under valgrind; else by calls. begin makes three
 * system calls; one that a seccomp filter refuses to answer means no. Scopes nest, and each asks
 * anew, so that a signal handler may begin one wherever it interrupts.
 *
 * The answer holds until the end if nobody blocks the signals or replaces the handler in between.
 * If somebody does, a fault ends the process. So does a fault, or any other signal, under a filter
 * that forbids rt_sigreturn: that cannot be tried without dying of it. */
WARD_API struct ward_space *ward_access_begin(void);
WARD_API void ward_access_end(void);

/* The memory of `count` regions, reached through `by`: one of the spaces above, NULL for
 * ward_space_self(). -EINVAL: no regions, or one that is not initialised; then *within is all
 * zero. */
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
