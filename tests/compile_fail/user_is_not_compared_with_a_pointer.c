/* fails: invalid operands|no match for .operator */
/* SPDX-License-Identifier: MIT */
/* A user pointer and a pointer have nothing in common. */
#include <ward/ward.h>

struct point {
    int32_t x, y;
};
WARD_USER_DEFINE(upoint, struct point, WARD_FIELDS(struct point, x, y));

int use(struct ward_space *space, upoint_in in, upoint_out out, struct point *p);

int use(struct ward_space *space, upoint_in in, upoint_out out, struct point *p)
{
    (void)space, (void)in, (void)out, (void)p;
#ifdef CONTROL
    return upoint_in_is_null(in);
#else
    return in == p;
#endif
}
