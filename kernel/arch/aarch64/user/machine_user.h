/* SPDX-License-Identifier: MIT */
/* aarch64: what the test programs know of the machine. */
#ifndef MACHINE_USER_H
#define MACHINE_USER_H

#include <stdint.h>

#define USER_LIMIT (UINT64_C(1) << 39)

/* Attacks that only this machine's registers allow. 0: all were answered. */
int machine_attacks(uint64_t kernel_address);

#endif
