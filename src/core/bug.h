/* SPDX-License-Identifier: MIT */
/* The parts of a report, for who makes a longer one of them (the malloc). */
#ifndef WARD_CORE_BUG_H
#define WARD_CORE_BUG_H

#include <ward/bug.h>

#define WARD_BUG_BLAME_ "A bug in the program that used this memory, or an attack on it."

/* What happened, in a few words. Never NULL, static storage. */
const char *ward_bug_title_(enum ward_bug_kind kind);

/* Is bug->size the size of the block, even if it is 0? */
bool ward_bug_knows_size_(const struct ward_bug *bug);

/* As ward_bug_print, without the last line. */
size_t ward_bug_print_facts_(const struct ward_bug *bug, char *out, size_t cap);

/* Asks the process's handler, if there is one. */
bool ward_bug_is_contained_(const struct ward_bug *bug);

#endif
