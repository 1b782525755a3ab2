/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* Atomics go through a pointer of both directions. */
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
    uint32_t was;
    ward_u32_inout at = ward_u32_inout_at(4096);
    return ward_u32_atomic_add(space, at, 1, &was, NULL);
#else
    uint32_t was;
    ward_u32_in at = ward_u32_in_at(4096);
    return ward_u32_atomic_add(space, at, 1, &was, NULL);
#endif
}
