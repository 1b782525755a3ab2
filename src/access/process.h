/* SPDX-License-Identifier: MIT */
/*
 * What process.h's spaces share with those that are held by something else than a pidfd.
 */
#ifndef WARD_ACCESS_PROCESS_H
#define WARD_ACCESS_PROCESS_H

#include <ward/process.h>

/* The last address a process of this pointer width (0: not known) can have. */
uint64_t ward_process_last_(unsigned pointer_bytes);

/* Ends an access of `done` bytes after the look at whether it was still the same process: looked is
 * 0, or the kind of fault that makes nothing of it count. Returns the bytes that do. */
size_t ward_process_end_(unsigned looked, uint64_t a, size_t done, struct ward_fault *why);

#endif
