/* warns: incorrect type in */
/* SPDX-License-Identifier: MIT */
/* A view is not passed on as bytes of our own. */
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
    const void *bytes = p;
    return bytes == NULL;
#else
    const void *bytes = upoint_in_to_view(in);
    return bytes == NULL;
#endif
}
