/* fails: a union needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* One member of a union is named, and the others come along unseen. */
#include <ward/ward.h>

union word {
    uint64_t number;
    void *pointer;
};
#ifdef CONTROL
static bool is_number(const union word *word)
{
    return word->number < 100;
}
WARD_USER_DEFINE_CHECKED(uword, union word, WARD_FIELDS(union word, number), is_number);
#else
WARD_USER_DEFINE(uword, union word, WARD_FIELDS(union word, number));
#endif
