/* fails: undeclared|not declared|unknown type|undefined */
/* SPDX-License-Identifier: MIT */
/* A type that is only read is no member of one that is written. */
#include <ward/ward.h>

struct padded {
    char c;
    int32_t i;
};
struct outer {
    struct padded padded;
};
WARD_USER_IN_DEFINE(upadded, struct padded);
#ifdef CONTROL
WARD_USER_IN_DEFINE(uouter, struct outer);
#else
WARD_USER_DEFINE(uouter, struct outer, WARD_FIELD_OF(upadded, struct outer, padded));
#endif
