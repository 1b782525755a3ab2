/* fails: padding */
/* SPDX-License-Identifier: MIT */
/* Padding would carry our bytes out. */
#include <ward/ward.h>

struct padded {
    char c;
    int32_t i;
};
#ifdef CONTROL
WARD_USER_IN_DEFINE(upadded, struct padded);
#else
WARD_USER_DEFINE(upadded, struct padded, WARD_FIELDS(struct padded, c, i));
#endif
