/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* A handle is told from a pointer, and from a number, by the compiler. */
#include <ward/ward.h>

void drop(struct ward_slab *slab, ward_handle handle, void *block);

void drop(struct ward_slab *slab, ward_handle handle, void *block)
{
    (void)handle, (void)block;
#ifdef CONTROL
    ward_slab_free_handle(slab, handle);
#else
    ward_slab_free_handle(slab, block);
#endif
}
