/* fails: needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* A structure with a checked member is checked itself. */
#include <ward/ward.h>

struct flag {
    bool on;
};
static inline bool flag_is_valid(const struct flag *copy)
{
    return ward_user_is_bool(&copy->on);
}
WARD_USER_DEFINE_CHECKED(uflag, struct flag, WARD_FIELDS_CHECKED(struct flag, on), flag_is_valid);

struct flags {
    struct flag flag[4];
};
static inline bool flags_are_valid(const struct flags *copy)
{
    return flag_is_valid(&copy->flag[0]) && flag_is_valid(&copy->flag[1]) &&
           flag_is_valid(&copy->flag[2]) && flag_is_valid(&copy->flag[3]);
}
#ifdef CONTROL
WARD_USER_DEFINE_CHECKED(uflags, struct flags, WARD_FIELD_OF(uflag, struct flags, flag),
                         flags_are_valid);
#else
WARD_USER_DEFINE(uflags, struct flags, WARD_FIELD_OF(uflag, struct flags, flag));
#endif
