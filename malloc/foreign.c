/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "foreign.h"
#include "guarded.h"
#include "mapped.h"

/* Weak: a static program without a dynamic linker is not to get one for this. */
#pragma weak dlsym

struct foreign ward_foreign_find_(void)
{
    struct foreign found = { NULL, NULL, NULL };
    void *functions[3];

    if (!dlsym)
        return found;
    functions[0] = dlsym(RTLD_NEXT, "free");
    functions[1] = dlsym(RTLD_NEXT, "realloc");
    functions[2] = dlsym(RTLD_NEXT, "malloc_usable_size");
    if (functions[0] && functions[1] && functions[2])
        memcpy(&found, functions, sizeof found);
    return found;
}

static bool is_in_range(const void *at)
{
    return guarded_has(at) || (uintptr_t)at - (uintptr_t)ward_root_.base < ward_root_.bytes ||
           (uintptr_t)at - (uintptr_t)ward_root_.shared.base < ward_root_.shared.bytes;
}

bool ward_foreign_has_(const void *at)
{
    return ward_root_.foreign.free && ((uintptr_t)at & (CLASS_STEP - 1)) == 0 && !is_in_range(at) &&
           !ward_mapped_knows_(at);
}
