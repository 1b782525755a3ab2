/* fails: members not named */
/* SPDX-License-Identifier: MIT */
/* A member named twice does not stand for another. */
#include <ward/ward.h>

struct pair {
    int32_t a, b;
};
#ifdef CONTROL
WARD_USER_DEFINE(upair, struct pair, WARD_FIELDS(struct pair, a, b));
#else
WARD_USER_DEFINE(upair, struct pair, WARD_FIELDS(struct pair, a, a));
#endif
