/* SPDX-License-Identifier: MIT */
/*
 * ward/split.h: a data region, and a metadata region somewhere else.
 *
 * Everything a caller does through the split touches the data side alone. What is built on it
 * keeps its bookkeeping in the metadata region (ward_region_meta): an overflow, underflow or
 * stale pointer in the data cannot reach it. Protecting or releasing data never affects metadata,
 * nor the reverse.
 *
 * The metadata region that ward_split_init maps has guards of its own, a random distance from
 * everything else, and is verified not to touch the data. With ward_split_init_with both sides
 * are the caller's, and only refused where they overlap.
 *
 * Threads: as ward/region.h. Cost: none per operation but one indirect call.
 */
#ifndef WARD_SPLIT_H
#define WARD_SPLIT_H

#include <ward/map.h>
#include <ward/region.h>

struct ward_split {
    struct ward_region region; /* the data side's base, size and grain */
    struct ward_region *data;  /* borrowed */
    struct ward_region *meta;  /* borrowed, or &own.region */
    struct ward_map own;       /* the metadata that ward_split_init mapped; else all zero */
};

WARD_EXTERN_C_BEGIN

/* Splits data: maps meta_bytes (rounded up to pages, committed) of metadata for it.
 * -EINVAL: split or data is NULL or data is no region, meta_bytes is 0 or too large; -ENOMEM. On
 * failure *split is all zero and nothing is mapped. */
WARD_API WARD_CHECKED int ward_split_init(struct ward_split *split, struct ward_region *data,
                                          size_t meta_bytes);

/* Splits data with a metadata region of the caller's, which outlives the split. -EINVAL: a NULL,
 * no region, or the two overlap (also where one is inside the other's wrapper). */
WARD_API WARD_CHECKED int ward_split_init_with(struct ward_split *split, struct ward_region *data,
                                               struct ward_region *meta);

/* The data region, and the metadata region with its base and size. NULL and 0 for a NULL
 * split. */
WARD_API struct ward_region *ward_split_data(const struct ward_split *split);
WARD_API struct ward_region *ward_split_meta(const struct ward_split *split);
WARD_API void *ward_split_meta_base(const struct ward_split *split);
WARD_API size_t ward_split_meta_size(const struct ward_split *split);

WARD_EXTERN_C_END

#endif
