/* fails: members not named */
/* SPDX-License-Identifier: MIT */
/* An array named twice does not stand for a bool elsewhere. An array of arrays is named by rows. */
#include <ward/ward.h>

struct mixed {
    char a, b[3], c[3];
    bool d;
};
#ifdef CONTROL
static bool is_mixed(const struct mixed *mixed)
{
    return ward_user_is_bool(&mixed->d);
}
WARD_USER_DEFINE_CHECKED(umixed, struct mixed,
                         WARD_FIELDS(struct mixed, a, b, c) + WARD_FIELDS_CHECKED(struct mixed, d),
                         is_mixed);

struct grid {
    uint16_t cells[2][3];
};
WARD_USER_DEFINE(ugrid, struct grid, WARD_FIELDS(struct grid, cells[0], cells[1]));
#else
WARD_USER_DEFINE(umixed, struct mixed, WARD_FIELDS(struct mixed, a, b, b, c));
#endif
