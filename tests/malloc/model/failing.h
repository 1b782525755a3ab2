/* SPDX-License-Identifier: MIT */
/*
 * Host calls of the malloc that fail at random, for a program that is linked with it. In turn: none
 * fails, one of 16, one of 2, and all. A call that is made to fail does nothing. Thread-safe.
 */
#ifndef WARD_TESTS_FAILING_H
#define WARD_TESTS_FAILING_H

#include <stdatomic.h>
#include <stdbool.h>

/* Weak: not there in a program without. */
extern _Atomic bool failing __attribute__((weak)); /* false at the start */
extern _Atomic unsigned long failed __attribute__((weak));

#endif
