/* fails: no member */
/* SPDX-License-Identifier: MIT */
/* A cast does not change the direction. */
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
    return ward_u8_in_is_null(WARD_USER_CAST_IN(ward_u8, in));
}
#else
    return ward_u8_in_is_null(WARD_USER_CAST_IN(ward_u8, out));
}
#endif
