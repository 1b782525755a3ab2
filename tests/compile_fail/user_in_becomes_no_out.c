/* fails: invalid init|conversion from|no viable conversion|incompatible */
/* SPDX-License-Identifier: MIT */
/* A direction does not become another. */
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
    upoint_in other = in;
    return upoint_in_is_null(other);
#else
    upoint_out other = in;
    return upoint_out_is_null(other);
#endif
}
