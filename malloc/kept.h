/* SPDX-License-Identifier: MIT */
/*
 * Pages that spans without a block keep for the next one: zero or as the last block left them, as
 * the policy says.
 *
 * How much that is in all is bounded three ways: by a fixed amount; by age, of a second; and by
 * what the process had in use before, so that its peak does not grow by what nobody uses. A span
 * that keeps pages stands in a stack of its own (pool.h), and who pops it from there has it to
 * itself. All threads change the sum, an atomic; there is no lock.
 *
 *   sum == span->kept of all spans in that stack or in the long quarantine, and of those on the way
 */
#ifndef WARD_MALLOC_KEPT_H
#define WARD_MALLOC_KEPT_H

#include "span.h"

/* As much as all spans together may keep, whatever else bounds it. */
enum { KEEP_BYTES = 32 << 20 };

/* Gives the pages of a span without a block back, which are in the sum only if they were added. All
 * of it is zero from now on. It faults, too, where there are markers, or the block was opened for
 * itself; one with many slots only where freed memory is cleared. */
void ward_kept_drop_(struct span *span);

/* Before slots are issued that were not since: the whole pages [from, to) of a span can be touched
 * again. False: they still fault. */
bool ward_kept_reopen_(const struct span *span, size_t from, size_t to);

/* A span without a block may keep `len` bytes of its pages for the next, if all together do not
 * keep too much; false: give them back. What was kept for more than a second is given back by
 * whoever calls this then: there is no thread that would do it in a process that frees nothing. */
bool ward_kept_add_(struct span *span, size_t len);

/* So many bytes are not kept any more: they are in use, or given back. */
void ward_kept_sub_(size_t len);

/* In a forked child, before its spans are gone through: none is in the sum. A fork may have cut off
 * a thread between a span and the sum, so both are made anew. Then, of each span that goes back to
 * its stack with the pages it keeps: it is in the sum, whatever its bound. */
void ward_kept_inherit_(void);
void ward_kept_inherit_span_(const struct span *span);

/* Counts so many bytes more as in use, and gives back what is kept above a bound: what the process
 * had in use before, and a little. More would be so much more at its peak. A process that is small
 * keeps all. */
void ward_kept_use_(size_t bytes);

/* Gives those pages back, but for about `leave` bytes of them. False: there were none to give. */
bool ward_kept_trim_(size_t leave);

#endif
