/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* A user pointer is made by name, not of a pointer. */
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
    return upoint_read(space, upoint_in_at(4096), p, NULL);
}
#else
    return upoint_read(space, p, p, NULL);
}
#endif
