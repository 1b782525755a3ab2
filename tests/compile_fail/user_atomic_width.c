/* fails: 1, 2, 4 or 8 bytes */
/* SPDX-License-Identifier: MIT */
/* Atomics have the width of a word. */
#include <ward/ward.h>

struct three {
    uint8_t a[3];
};
WARD_USER_DEFINE(uthree, struct three, WARD_FIELDS(struct three, a));
#ifdef CONTROL
WARD_USER_DEFINE(uword, uint32_t, WARD_SCALAR(uint32_t));
WARD_USER_ATOMIC_DEFINE(uword, uint32_t);
#else
WARD_USER_ATOMIC_DEFINE(uthree, struct three);
#endif
