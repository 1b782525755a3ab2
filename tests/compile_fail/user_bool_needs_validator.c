/* fails: needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* Not every byte is a bool. */
#include <ward/ward.h>

struct flag {
    bool on;
};
static inline bool flag_is_valid(const struct flag *copy)
{
    return ward_user_is_bool(&copy->on);
}
#ifdef CONTROL
WARD_USER_DEFINE_CHECKED(uflag, struct flag, WARD_FIELDS_CHECKED(struct flag, on), flag_is_valid);
#else
WARD_USER_DEFINE(uflag, struct flag, WARD_FIELDS(struct flag, on));
#endif
