/* SPDX-License-Identifier: MIT */
/* The start: reservations, classes, policy, secrets; then the root is read-only. */
#ifndef WARD_MALLOC_START_H
#define WARD_MALLOC_START_H

#include <ward/base.h>

/* Starts the allocator, once. False: there is no room for it in this process. */
bool ward_start_(void);

#endif
