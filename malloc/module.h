/* SPDX-License-Identifier: MIT */
/*
 * Which object an address of code belongs to: the program, a library, the kernel's own page of
 * code. Asked in malloc and in signal handlers, so no lock of the dynamic linker's is taken:
 * _dl_find_object (glibc 2.35) takes none; where it is not, the linker's list for debuggers is
 * walked, and each step is checked.
 */
#ifndef WARD_MALLOC_MODULE_H
#define WARD_MALLOC_MODULE_H

#include <ward/base.h>

struct module {
    uintptr_t start, end;        /* of its addresses */
    uintptr_t bias;              /* an address minus the one that is in the file */
    const unsigned char *frames; /* its .eh_frame_hdr; NULL: it has none */
    const char *name;            /* its path; "" is the program. Static, or the linker's */
};

/* False: it is in none that is known; then *module is all zero. */
bool ward_module_find_(uintptr_t pc, struct module *module);

/* The same by the list alone. */
bool ward_module_find_listed_(uintptr_t pc, struct module *module);

/* The build id of an object, up to cap bytes of it. Returns how many; 0: it has none. */
size_t ward_module_id_(const struct module *module, unsigned char *id, size_t cap);

/* Are 8 bytes readable? Asked of the system, without a signal. */
bool ward_module_is_readable_(uintptr_t at);

#endif
