/* SPDX-License-Identifier: MIT */
/*
 * Memory that no block needs goes back to the system: when somebody asks for it, and spans of ended
 * threads when what others freed of them is as much as there is.
 *
 * What waits in a quarantine goes on waiting, and keeps its span.
 */
#ifndef WARD_MALLOC_TRIM_H
#define WARD_MALLOC_TRIM_H

#include "span.h"

/* malloc_trim: gives pages back of the owner's spans and of nobody's, and all that are kept but for
 * about `leave` bytes. Other threads keep theirs. False: there was nothing to give. */
bool ward_trim_(struct owner *owner, size_t leave);

/* Somebody freed a block of a class in a span that is nobody's. Now and then all such spans are
 * looked at: as often as half of their slots were freed, so that it costs little each time. */
void ward_trim_orphan_(unsigned class);

#endif
