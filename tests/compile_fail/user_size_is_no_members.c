/* fails: members not named */
/* SPDX-License-Identifier: MIT */
/* The size of a structure does not stand for its members. */
#include <ward/ward.h>

struct pair {
    int32_t a, b;
};
#ifdef CONTROL
WARD_USER_DEFINE(upair, struct pair, WARD_FIELDS(struct pair, a, b));
#else
WARD_USER_DEFINE(upair, struct pair, sizeof(struct pair));
#endif
