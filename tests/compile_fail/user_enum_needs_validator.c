/* fails in C++: needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* Not every integer is one of the enumeration. C does not tell them apart. */
#include <ward/ward.h>

enum colour { RED, GREEN };
struct pixel {
    int32_t x;
    enum colour colour;
};
static inline bool pixel_is_valid(const struct pixel *copy)
{
    return *(const unsigned *)(const void *)&copy->colour <= GREEN;
}
#ifdef CONTROL
WARD_USER_DEFINE_CHECKED(upixel, struct pixel,
                         WARD_FIELDS(struct pixel, x) + WARD_FIELDS_CHECKED(struct pixel, colour),
                         pixel_is_valid);
#else
WARD_USER_DEFINE(upixel, struct pixel, WARD_FIELDS(struct pixel, x, colour));
#endif
