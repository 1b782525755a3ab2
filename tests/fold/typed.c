/* SPDX-License-Identifier: MIT */
/* Pairs: by type, and by number. Each two are to become the same instructions. */
#include <ward/user.h>

struct point {
    int32_t x, y;
};
WARD_USER_DEFINE(upoint, struct point, WARD_FIELDS(struct point, x, y));

#define PAIR(NAME, VALUE, TYPED, PLAIN)                                                            \
    int typed_##NAME(struct ward_space *space, uint64_t a, VALUE, struct ward_fault *why);         \
    int plain_##NAME(struct ward_space *space, uint64_t a, VALUE, struct ward_fault *why);         \
    int typed_##NAME(struct ward_space *space, uint64_t a, VALUE, struct ward_fault *why)          \
    {                                                                                              \
        return TYPED;                                                                              \
    }                                                                                              \
    int plain_##NAME(struct ward_space *space, uint64_t a, VALUE, struct ward_fault *why)          \
    {                                                                                              \
        return PLAIN;                                                                              \
    }

PAIR(read_u64, uint64_t *value, ward_u64_read(space, ward_u64_in_at(a), value, why),
     ward_space_read_u64(space, a, value, why))
PAIR(read_u16, uint16_t *value, ward_u16_read(space, ward_u16_in_at(a), value, why),
     ward_space_read_u16(space, a, value, why))
PAIR(write_u32, const uint32_t *value, ward_u32_write(space, ward_u32_out_at(a), value, why),
     ward_space_write_u32(space, a, *value, why))
PAIR(write_unaligned, const struct point *value,
     upoint_write_unaligned(space, upoint_out_at(a), value, why),
     ward_space_write(space, a, value, sizeof *value, why))
PAIR(through_views, uint64_t *value,
     ward_u64_read(space, ward_u64_in_of_view(ward_u64_in_to_view(ward_u64_in_at(a))), value, why),
     ward_space_read_u64(space, a, value, why))
