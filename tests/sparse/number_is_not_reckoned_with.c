/* warns: restricted ward_user_word_ degrades */
/* SPDX-License-Identifier: MIT */
/* The address inside a user pointer is no integer. */
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
    upoint_in next;
    return upoint_in_offset(in, 1, &next);
#else
    upoint_in next = upoint_in_at(in.in_addr + 8);
    return upoint_in_is_null(next);
#endif
}
