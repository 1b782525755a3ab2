/* fails: needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* A structure inside a structure is declared itself. */
#include <ward/ward.h>

struct inner {
    int32_t a;
};
struct outer {
    struct inner inner;
};
WARD_USER_DEFINE(uinner, struct inner, WARD_FIELDS(struct inner, a));
#ifdef CONTROL
WARD_USER_DEFINE(uouter, struct outer, WARD_FIELD_OF(uinner, struct outer, inner));
#else
WARD_USER_DEFINE(uouter, struct outer, WARD_FIELDS(struct outer, inner));
#endif
