/* SPDX-License-Identifier: MIT */
/*
 * The signals of a thread, while it writes a report. A handler of the program's could jump away
 * from there, and the bug would have been reported for nothing; and a pipe that nobody reads ends
 * the process by SIGPIPE before it can end as it should.
 *
 * Raw calls of the system, as libc keeps two signals from being blocked. From any thread, also in
 * signal handlers.
 */
#ifndef WARD_HOST_SIGNALS_H
#define WARD_HOST_SIGNALS_H

#include <ward/base.h>

/* Blocks all signals. Returns those that were blocked. */
uint64_t ward_signals_block_(void);

/* Makes them as they were. `failed`: something could not be written, and the signal that this sent
 * is taken away first. */
void ward_signals_restore_(uint64_t were, bool failed);

/* Writes all of text to a descriptor, while the caller has them blocked. A file that takes no more
 * at once, as it is not to block, gets a second each time. False: not all. */
bool ward_signals_write_(long fd, const char *text, size_t len);

#endif
