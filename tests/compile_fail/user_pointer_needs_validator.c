/* fails: needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* Not every word is a pointer. */
#include <ward/ward.h>

struct link {
    uint64_t addr;
    void *next;
};
static inline bool link_is_valid(const struct link *copy)
{
    return copy->addr != 0;
}
#ifdef CONTROL
WARD_USER_DEFINE_CHECKED(ulink, struct link,
                         WARD_FIELDS(struct link, addr) + WARD_FIELDS_CHECKED(struct link, next),
                         link_is_valid);
#else
WARD_USER_DEFINE(ulink, struct link, WARD_FIELDS(struct link, addr, next));
#endif
