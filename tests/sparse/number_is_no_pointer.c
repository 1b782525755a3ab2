/* warns: cast from restricted ward_user_word_ */
/* SPDX-License-Identifier: MIT */
/* The address inside a user pointer is no pointer. */
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
    return upoint_read(space, in, p, NULL);
#else
    *p = *(struct point *)(uintptr_t)in.in_addr;
    return 0;
#endif
}
