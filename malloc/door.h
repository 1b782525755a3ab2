/* SPDX-License-Identifier: MIT */
/*
 * The door to the malloc's records: a protection key, on a machine that has them.
 *
 * Records behind the key cannot be read or written by any instruction, but for those of a thread
 * that opened the door; no other thread gets in with it, nor a signal handler, for which the kernel
 * sets the rights of a new thread. What is behind it is a choice of the policy:
 *
 *   POLICY_KEYS   cold records: stacks, guarded slots, the table of the largest blocks. They are
 *                 used by functions that make system calls anyway; these open the door themselves
 *   POLICY_LOCK   hot ones, too: owners and their hands, spans with the states of slots, long
 *                 quarantines, pools, the secrets. Every function that the program, its loader or
 *                 its C library can call opens the door as it comes in
 *
 * The root is outside, for its policy says whether there is a door; nobody can write it.
 *
 * Doors nest: who finds it open leaves it open. It is closed before anything of the program's is
 * called (a handler of bugs, another malloc; a new-handler is called from where it is closed
 * already), so that a function that never returns does not leave it open. Other keys, which the
 * program may have, stay as they are.
 *
 * Rights are the thread's: a new one has those of a thread that never opened anything. A fork
 * keeps them. The key is put on all of a reservation at the start, before it is sealed, and pages
 * that are opened later have it: no filter of system calls can take it away then.
 *
 * Costs: opening and closing is two instructions of some 25 ns; a door that is open costs one of a
 * nanosecond or two. What the policy leaves open costs a test where records are cold, and nothing
 * in the two usual instances of allocating and freeing.
 */
#ifndef WARD_MALLOC_DOOR_H
#define WARD_MALLOC_DOOR_H

#include "key.h"
#include "options.h"
#include "root.h"

/* Puts records behind the key, as asked for and as far as the machine can, when everything is laid
 * out and before the root is read-only. What cannot be is said on standard error, unless nobody
 * asked for it by name and the machine just has no keys. */
void ward_door_start_(const struct options *options);

/* What of the malloc's own lies there, as the message of a report; NULL: nothing. */
const char *ward_door_names_(const void *addr);

/* policy: POLICY_KEYS or POLICY_LOCK, for cold or for hot records. Returns what door_close wants.
 */
WARD_INLINE bool door_open(unsigned policy)
{
    if (WARD_LIKELY(!(ward_root_.policy & policy)) || ward_key_is_open_(ward_root_.key))
        return false;
    (void)ward_key_open_(ward_root_.key);
    return true;
}

WARD_INLINE void door_close(bool opened)
{
    if (WARD_UNLIKELY(opened))
        (void)ward_key_close_(ward_root_.key);
}

/* Shuts it, whoever opened it, while something of the program's is called. Returns what
 * door_reopen wants. */
WARD_INLINE bool door_shut(void)
{
    if (WARD_LIKELY(!(ward_root_.policy & POLICY_KEYS)) || !ward_key_is_open_(ward_root_.key))
        return false;
    (void)ward_key_close_(ward_root_.key);
    return true;
}

WARD_INLINE void door_reopen(bool shut)
{
    if (WARD_UNLIKELY(shut))
        (void)ward_key_open_(ward_root_.key);
}

#endif
