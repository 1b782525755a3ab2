/* SPDX-License-Identifier: MIT */
/*
 * Stacks, kept under a number.
 *
 * What is recorded of an allocation or a free is the number of the stack it was made with. Stacks
 * that call sites share are stored once: each is a path to the root of a tree, whose nodes are
 * return addresses. A node never moves nor goes, so that a number is good for the life of the
 * process, and for a forked child.
 *
 *   number -> | pc of malloc's caller | parent | -> | pc of its caller | parent | -> ... -> root
 *
 * There are two roots: one for stacks that were followed to the thread's start, one for those of
 * which the rest is not known.
 *
 * The tree lies in the metadata, where the process can spare that much of its address space, and
 * memory is touched as it grows. It never shrinks: when it is full, what is not in it already gets
 * no number.
 *
 * Any thread: nothing is allocated, and whoever is cut off (by a fork) loses a node at most. errno
 * stays. Storing a stack may open memory, which takes the malloc's one lock (ward_memory_commit_);
 * looking one up takes none, and signal handlers may.
 */
#ifndef WARD_MALLOC_TRACE_H
#define WARD_MALLOC_TRACE_H

#include <ward/base.h>

enum {
    TRACE_DEPTH = 32,      /* frames that are kept of a stack; what is further out is not */
    TRACE_NODES = 1 << 20, /* 16 bytes each */
    TRACE_HEADS_LOG2 = 14, /* of the table through which a node is found again */
    TRACE_RANGE_LOG2 = 30, /* with a smaller range for each class there is no room for stacks */
};

/* Bytes of the metadata. */
size_t ward_trace_bytes_(void);

/* Takes the stack of the caller, without its innermost `skip` frames, the caller being the first.
 * Frames of the malloc itself are best left in: who prints a stack leaves them out.
 * Returns its number; 0: none, there is no room. */
uint32_t ward_trace_take_(unsigned skip);

/* Stores count addresses, the innermost first; complete: the last is where the thread began. */
uint32_t ward_trace_put_(const uintptr_t *pcs, unsigned count, bool complete);

/* The addresses of a stack, the innermost first, up to max of them. Returns how many; 0 for what
 * is no number of a stack. *complete: these are all. */
unsigned ward_trace_get_(uint32_t number, uintptr_t *pcs, unsigned max, bool *complete);

#endif
