/* SPDX-License-Identifier: MIT */
/*
 * Where another process keeps its status (ward/status.h). It is found by a note in the memory of
 * the process itself, so neither the library's name nor its file matter, which may be gone.
 */
#ifndef WARD_CLI_FIND_H
#define WARD_CLI_FIND_H

#include <ward/process.h>
#include <ward/status.h>

/* Copies it. 0, or a negative error number: -ENOENT: the process has no malloc of ward's; -EAGAIN:
 * it has, and has not used it yet; -EPROTO: one that this version does not understand; -EACCES or
 * others: /proc/PID/maps cannot be read. */
int status_find(struct ward_process *process, struct ward_status *status);

/* For ward_status_sum. arg: a struct ward_process. */
int status_read(void *arg, uint64_t at, void *to, size_t len);

#endif
