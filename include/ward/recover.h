/* SPDX-License-Identifier: MIT */
/*
 * ward/recover.h: what becomes of an access that faults.
 *
 * Every instruction of ward that may fault has an entry in an *exception table*: the address of the
 * instruction and of its fixup, where to go on instead, and the register that is told the fault's
 * kind. Nothing is set up before an access and nothing taken down after it; a fault costs a
 * signal. A handler for SIGSEGV and SIGBUS looks the program counter up first, touching no
 * thread-local storage, no lock and no errno, and leaves by returning. What is not in a table, and
 * what was sent by kill, goes to the handler that was there before, in whatever form.
 *
 * Nothing is installed behind the program's back: ward_recover_install() is the one call. Before it
 * everything works by system calls (ward/self.h).
 *
 * Tables: accesses fold into the code that uses them, so every program and shared object has a
 * table of its own. It is registered when the object is loaded, by including any header that can
 * access, and taken back when it is unloaded. Code made at run time, and freestanding programs,
 * register theirs themselves.
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

/* The exception table of one program, shared object or piece of generated code. The caller's
 * storage, all zero except for the first two, until it is unregistered. */
struct ward_recover_table {
    const struct ward_recover_entry *begin, *end;
    uintptr_t first, last; /* the lowest and the highest instruction */
    const uint32_t
        *order;         /* begin's indices sorted by instruction; NULL: not needed, or no memory */
    size_t order_bytes; /* mapped for them */
    bool sorted;        /* begin is sorted as it is */
    bool registered;
};

enum { WARD_RECOVER_TABLES = 256 }; /* at most so many are registered at a time */

WARD_EXTERN_C_BEGIN

/* Installs the handler for SIGSEGV and SIGBUS, once per process: SA_SIGINFO, SA_ONSTACK, and what
 * of SA_RESTART and SA_NODEFER the handler before it had. Its signal mask is the old handler's plus
 * whatever is needed; the old handler, when called, finds the mask it asked for. Again: 0, and
 * nothing happens. -ENOTSUP: this machine or host has no recovery; else what sigaction answers. */
WARD_API WARD_CHECKED int ward_recover_install(void);

/* True if ward_recover_install() has succeeded in this process or an ancestor. */
WARD_API bool ward_recover_is_installed(void);

/* For those who own the handler: if the signal (as an SA_SIGINFO handler gets it) is the fault of
 * an access of ward's, mends the context and returns true: return from the handler. False: not
 * ours, nothing was touched. Safe in any handler. */
WARD_API bool ward_recover_try(int sig, void *siginfo, void *ucontext);

/* True while this thread is inside an operation of a space or its fault hook. */
WARD_API bool ward_recover_active(void);

/* Makes a table count. begin and end are set, its code does not go away before it is unregistered.
 * Where the linker left it unsorted, a read-only page with its order is mapped; without memory for
 * that it is searched one by one. A registered table: 0. -EINVAL: end is before begin; -ENOSPC: too
 * many. Not in signal handlers. */
WARD_API WARD_CHECKED int ward_recover_register(struct ward_recover_table *table);

/* Takes it back, and returns when no handler looks at it any more: its memory and code may go.
 * -EINVAL: it is not registered. While the process exits nothing happens, as other threads may
 * still be at work. Not in signal handlers. */
WARD_API int ward_recover_unregister(struct ward_recover_table *table);

/* What a page-fault handler of one's own needs (a kernel's): the entry of the instruction at pc, or
 * NULL. The entry stays valid until its table is unregistered. Takes no lock. */
WARD_API const struct ward_recover_entry *ward_recover_find(uintptr_t pc);

/* Where an entry goes on. */
WARD_INLINE uintptr_t ward_recover_fixup(const struct ward_recover_entry *entry);

WARD_EXTERN_C_END

/* ------------------------------------------------------------------------------------------- */

#include <ward/inline/recover.h>

WARD_INLINE uintptr_t ward_recover_fixup(const struct ward_recover_entry *entry)
{
    return (uintptr_t)&entry->fixup + (uintptr_t)(intptr_t)entry->fixup;
}

#endif
