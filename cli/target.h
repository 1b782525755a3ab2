/* SPDX-License-Identifier: MIT */
/*
 * The process that a command is about, and what is said about it when something fails.
 */
#ifndef WARD_CLI_TARGET_H
#define WARD_CLI_TARGET_H

#include <ward/process.h>

#include "command.h"

/* "[--force] PID ADDR TYPE ...": the part that peek and poke have in common. */
struct target {
    struct ward_process process;
    uint64_t address;
    const char *type;
    char **rest; /* arguments behind TYPE */
    int rest_count;
};

/* Takes the arguments apart. 0, or MISUSED, having said why. Opens nothing. */
int target_parse(struct target *target, const struct command *command, int argc, char **argv);

/* Opens the process. 0, or NO_ENTRY, having said why. */
int target_open(struct target *target, const struct command *command);

/* A decimal number, or a hexadecimal one with 0x. False: text is none, or does not fit. */
bool parse_number(const char *text, uint64_t *number);

/* The number of a process: decimal. False: it is none. */
bool parse_pid(const char *text, int *pid);

/* Says "12 of 64 bytes read; byte 0x7f0000001000: unmapped". Returns FAILED. */
int target_fail(const struct target *target, const struct command *command, size_t before,
                size_t total, const struct ward_fault *why);

#endif
