/* fails: incompatible|could not convert|cannot convert|no matching function|no viable conversion */
/* SPDX-License-Identifier: MIT */
/* A user pointer becomes an integer by name. */
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
    uint64_t addr = upoint_in_addr(in);
    return addr != 0;
#else
    uint64_t addr = in;
    return addr != 0;
#endif
}
