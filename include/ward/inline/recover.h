/* SPDX-License-Identifier: MIT */
/*
 * The exception table of the program or shared object this is compiled into. The section's bounds
 * and the record are hidden: one of each per linked object, whatever number of files include this.
 * Each file brings its own constructor, and all but the first find the work done.
 */
#ifndef WARD_INLINE_RECOVER_H
#define WARD_INLINE_RECOVER_H

#include <ward/recover.h>

/* A function that runs when its program or shared object is loaded, or unloaded. Where there is no
 * such thing (freestanding), it is an ordinary function, and somebody has to call it. */
#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#define WARD_AT_LOAD   __attribute__((constructor, used))
#define WARD_AT_UNLOAD __attribute__((destructor, used))
#else
#define WARD_AT_LOAD   __attribute__((unused))
#define WARD_AT_UNLOAD __attribute__((unused))
#endif

WARD_EXTERN_C_BEGIN

#define WARD_HERE_ __attribute__((weak, visibility("hidden")))

/* The linker's names for the section's bounds; null where nothing here accesses anything. */
extern const struct ward_recover_entry ward_recover_begin_[] __asm__("__start_ward_extable")
    WARD_HERE_;
extern const struct ward_recover_entry ward_recover_end_[] __asm__("__stop_ward_extable")
    WARD_HERE_;

extern struct ward_recover_table ward_recover_here_ WARD_HERE_;
struct ward_recover_table ward_recover_here_ = { 0, 0, 0, 0, 0, 0, false, false };

/* Too many tables: what faults in this object is not recovered, and dies as any other fault. */
WARD_AT_LOAD static void ward_recover_load_(void)
{
    if (ward_recover_here_.registered || !ward_recover_begin_)
        return;
    ward_recover_here_.begin = ward_recover_begin_;
    ward_recover_here_.end = ward_recover_end_;
    if (ward_recover_register(&ward_recover_here_))
        ward_recover_here_.begin = ward_recover_here_.end = 0;
}

WARD_AT_UNLOAD static void ward_recover_unload_(void)
{
    if (ward_recover_here_.registered)
        (void)ward_recover_unregister(&ward_recover_here_);
}

WARD_EXTERN_C_END

#endif
