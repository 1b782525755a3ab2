/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* What we write is not read. */
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
    return upoint_read(space, in, p, NULL);
}
#else
    return upoint_read(space, out, p, NULL);
}
#endif
