/* SPDX-License-Identifier: MIT */
/*
 * Accesses that a guard stops are explained: which block was missed, by how much, who allocated and
 * freed it. Then the process ends as it would have ended without: the disposition of the signal is
 * the default again, and the instruction runs once more, so that it is the same signal, and a core
 * dump of the same place.
 *
 * The handlers of SIGSEGV and SIGBUS are installed only where the dispositions are the default at
 * the first allocation. A program that installs its own later has them; `ward stat` says so. The
 * handlers that `ward_recover_install` puts before these pass on what is not theirs.
 *
 * They run on the alternate stack of a thread that has one, else on its own. When that is used up
 * there is no place for a handler: the kernel ends the process, with the same signal and without a
 * report. No stack is made for that, because a program may tell by it whether it has one.
 */
#ifndef WARD_MALLOC_FAULT_H
#define WARD_MALLOC_FAULT_H

#include "report.h"

/* Installs them, where that is due. To be called when malloc can be: it may be called here. */
void ward_fault_start_(void);

/* What an address is to the malloc. False: nothing, so that a fault there is none of its affairs.
 * known: without a place, but when *bug is of it. */
bool ward_fault_explain_(const void *addr, struct ward_bug *bug, struct report_known *known,
                         struct place *place);

#endif
