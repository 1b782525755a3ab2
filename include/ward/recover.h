/* SPDX-License-Identifier: MIT */
/*
 * ward/recover.h: what becomes of an access that faults.
 *
 * Every instruction of ward that may fault has an entry in an *exception table*: the address of the
 * instruction, the address of its fixup, where execution continues instead, and the register that
 * receives the fault's kind. Nothing is set up before an access and nothing is undone after it; a
 * fault costs a signal. The handler for SIGSEGV and SIGBUS looks up the program counter first,
 * without thread-local storage, locks or errno, and leaves by returning. A signal of an
 * instruction that is in no table, or that was sent by kill, goes to the handler that was there
 * before, whatever its form.
 *
 * Nothing is installed behind the program's back: ward_recover_install() is the one call. Before it
 * everything works by system calls (ward/self.h).
 *
 * Tables: accesses fold into the code that uses them, so every program and shared object has a
 * table of its own. Including any header that can make an access registers it when the object is
 * loaded, and unregisters it when the object is unloaded. Code generated at run time, and
 * freestanding programs, register theirs themselves.
 */
#ifndef WARD_RECOVER_H
#define WARD_RECOVER_H

#include <ward/base.h>

/* One instruction that may fault. Position independent; the section `ward_extable` is an array of
 * these. */
struct ward_recover_entry {
    int32_t insn;  /* address of the instruction, relative to this field */
    int32_t fixup; /* where to go on, relative to this field */
    uint32_t what; /* the register that gets the kind (the machine's number), | WARD_RECOVER_... */
};

enum {
    WARD_RECOVER_REGISTER = 0xff, /* mask */
    WARD_RECOVER_CARRY = 0x100,   /* and carry is set, zero is clear (x86-64) */
};

/* The exception table of one program, shared object or piece of generated code. It is the caller's
 * storage until it is unregistered. Before registering, all but begin and end is zero. */
struct ward_recover_table {
    const struct ward_recover_entry *begin, *end;
    uintptr_t first, last; /* the lowest and the highest instruction */
    const uint32_t
        *order;         /* begin's indices sorted by instruction; NULL: not needed, or no memory */
    size_t order_bytes; /* mapped for `order` */
    bool sorted;        /* the entries already are in order */
    bool registered;
};

enum { WARD_RECOVER_TABLES = 256 }; /* at most so many are registered at a time */

WARD_EXTERN_C_BEGIN

/* Installs the handler for SIGSEGV and SIGBUS, once per process: SA_SIGINFO, SA_ONSTACK, and
 * SA_RESTART and SA_NODEFER if the previous handler had them. It runs with all signals blocked; the
 * previous handler, when called, finds the mask it asked for. A second call does nothing and
 * returns 0. -ENOTSUP: this machine or host has no recovery. Else what sigaction answers; then
 * nothing is installed. */
WARD_API WARD_CHECKED int ward_recover_install(void);

/* True if ward_recover_install() has succeeded in this process or an ancestor. */
WARD_API bool ward_recover_is_installed(void);

/* For programs with a handler of their own, which passes on its three arguments. True: the signal
 * is the fault of one of ward's accesses, and the context was changed; now return from the handler.
 * False: the signal is about something else, and nothing was changed. Safe in any handler. */
WARD_API bool ward_recover_try(int sig, void *siginfo, void *ucontext);

/* True while this thread is inside an operation of a space or its fault hook. */
WARD_API bool ward_recover_active(void);

/* Puts a table, whose begin and end are set, to use. Its code must stay until it is unregistered.
 * If the entries are not sorted, read-only pages with their order are mapped; without memory for
 * these the table is searched entry by entry. Registering twice is 0. -EINVAL: end is before begin.
 * -ENOSPC: too many tables. Not for signal handlers. */
WARD_API WARD_CHECKED int ward_recover_register(struct ward_recover_table *table);

/* Takes a table out of use, and returns when no handler looks at it any more: then its memory and
 * code may go. -EINVAL: it is not registered. While a process exits that called
 * ward_recover_install() this does nothing, since other threads may still be running. Not for
 * signal handlers. */
WARD_API int ward_recover_unregister(struct ward_recover_table *table);

/* For page-fault handlers (a kernel's): the entry of the instruction at pc, or NULL. It stays valid
 * until its table is unregistered. Takes no lock. */
WARD_API const struct ward_recover_entry *ward_recover_find(uintptr_t pc);

/* Where execution continues. */
WARD_INLINE uintptr_t ward_recover_fixup(const struct ward_recover_entry *entry);

WARD_EXTERN_C_END

/* ------------------------------------------------------------------------------------------- */

#include <ward/inline/recover.h>

WARD_INLINE uintptr_t ward_recover_fixup(const struct ward_recover_entry *entry)
{
    return (uintptr_t)&entry->fixup + (uintptr_t)(intptr_t)entry->fixup;
}

#endif
