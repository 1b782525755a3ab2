/* fails: incomplete type|incomplete definition|invalid use of */
/* SPDX-License-Identifier: MIT */
/* A view points at a type without members. */
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
    upoint_in_view view = upoint_in_to_view(in);
    return upoint_in_is_null(upoint_in_of_view(view));
#else
    upoint_in_view view = upoint_in_to_view(in);
    return view->x;
#endif
}
