/* warns: cast removes address space */
/* SPDX-License-Identifier: MIT */
/* A cast does not bring a view into our own memory. */
#include <ward/ward.h>

struct point {
    int32_t x, y;
};
WARD_USER_DEFINE(upoint, struct point, WARD_FIELDS(struct point, x, y));

int use(struct ward_space *space, upoint_in in, struct point *p);

int use(struct ward_space *space, upoint_in in, struct point *p)
{
    (void)space, (void)in, (void)p;
#ifdef CONTROL
    return upoint_read(space, upoint_in_of_view(upoint_in_to_view(in)), p, NULL);
#else
    *p = *(const struct point *)upoint_in_to_view(in);
    return 0;
#endif
}
