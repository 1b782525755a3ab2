/* SPDX-License-Identifier: MIT */
/*
 * What was asked for: options of the form name=value. The later of these wins:
 *
 *   1. what was compiled in (WARD_MALLOC_OPTIONS of the build)
 *   2. the program's own: const char *ward_options, where it exports that
 *   3. /etc/ward.conf
 *   4. /etc/ward.d/PROGRAM.conf, PROGRAM being the name of the executable
 *   5. WARD_OPTIONS in the environment, unless the program has other rights than who started it
 *
 * A file has one in a line, and # begins a comment; elsewhere they are separated by : or , . What
 * is not understood is said once on standard error, and ignored. Nothing is allocated: this runs
 * before the first block, and so before any constructor.
 *
 *   profile=fast|balanced|strict|pages     the checks that are made (docs/malloc.md)
 *   sample=on|off                 one block now and then at a guard page: on where the profile
 *                                 says so, off nowhere
 *   stacks=all|sample             where and when each block was allocated and freed is recorded, or
 *                                 only of those at guard pages; all not in fast
 *   align=16|1                    1: in pages all blocks end right at their guard, and malloc's are
 *                                 aligned no better than their size
 *   foreign=abort|pass            the free of an address that no block ever had is a bug, or passed
 *                                 on to the next malloc of the process (foreign.h)
 *   stats=all|PID|no              statistics on standard error at the end of every process, or of
 *                                 one
 *   report=text|json|FILE         reports of bugs on standard error, as lines or as one of JSON; or
 *                                 at the end of a file, whose name begins with /, and where %p is
 *                                 the number of the process: as JSON if it ends in .json
 *   lock=all|cold|off             records behind a protection key, where the machine has them: all
 *                                 of them, which costs some 50 ns for each call; those seldom used,
 *                                 as in strict; none. In fast none
 *   faults=on|off                 on: an access that a guard stops is explained; off: no handler
 *                                 is installed for that
 */
#ifndef WARD_MALLOC_OPTIONS_H
#define WARD_MALLOC_OPTIONS_H

#include "output.h"

enum options_lock { LOCK_BY_PROFILE, LOCK_OFF, LOCK_COLD, LOCK_ALL };

struct options {
    unsigned policy;     /* of the profile */
    const char *profile; /* its name */
    unsigned stats;      /* the process whose statistics are printed at its end; 0: of none */
    bool no_sample;      /* no guarded slots for a sample */
    bool exact;          /* align=1 */
    bool no_faults;      /* faults=off */
    bool moments;        /* stacks=all */
    bool passes_foreign; /* foreign=pass */
    enum options_lock lock;
    struct output output;
};

#define STATS_ALL UINT32_MAX

/* How a text is cut into options. */
enum options_syntax {
    OPTIONS_IN_A_ROW, /* : or , between them */
    OPTIONS_BY_LINE,  /* one in a line, and comments */
};

/* Takes over what len bytes of text say. source: where they are from, for what is not understood.
 */
void ward_options_take_(struct options *options, const char *text, size_t len,
                        enum options_syntax syntax, const char *source);

/* The same of a file; nothing if there is none. */
void ward_options_take_file_(struct options *options, const char *path);

/* From all of these sources. */
struct options ward_options_get_(void);

#endif
