/* SPDX-License-Identifier: MIT */
#include <ward/split.h>

static struct ward_split *split_of(struct ward_region *region)
{
    return (struct ward_split *)region;
}

static int split_commit(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_commit(split_of(region)->data, off, len);
}

static int split_release(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_release(split_of(region)->data, off, len);
}

/* Guards may have cost the data side mappings: keep saying what it says. */
static int split_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    struct ward_region *data = split_of(region)->data;
    int error = ward_region_protect(data, off, len, prot);

    region->facts = data->facts;
    return error;
}

static size_t split_committed(const struct ward_region *region)
{
    return ward_region_committed(((const struct ward_split *)region)->data);
}

static struct ward_region *split_meta(const struct ward_region *region)
{
    return ((const struct ward_split *)region)->meta;
}

static int split_fini(struct ward_region *region)
{
    struct ward_split *split = split_of(region);
    int error = ward_region_fini(&split->own.region);

    if (!error || error == -EPERM)
        *split = (struct ward_split){ 0 };
    return error;
}

static const struct ward_region_ops split_ops = {
    .name = "split",
    .commit = split_commit,
    .release = split_release,
    .protect = split_protect,
    .committed = split_committed,
    .meta = split_meta,
    .fini = split_fini,
};

static void fill_in(struct ward_split *split, struct ward_region *data, struct ward_region *meta)
{
    split->region = *data;
    split->region.ops = &split_ops;
    split->data = data;
    split->meta = meta;
}

/* True if at least gap bytes lie between the two. */
static bool is_apart(const struct ward_region *a, const struct ward_region *b, size_t gap)
{
    const struct ward_region *low = a->base < b->base ? a : b;
    const struct ward_region *high = low == a ? b : a;
    size_t distance = (uintptr_t)high->base - (uintptr_t)low->base;

    return distance >= low->size && distance - low->size >= gap;
}

/* Each map brings its guards, so the two lie apart whatever the system chose; an underflow of the
 * data must never meet metadata, so it is looked at all the same. */
int ward_split_init(struct ward_split *split, struct ward_region *data, size_t meta_bytes)
{
    int error;

    if (!split)
        return -EINVAL;
    *split = (struct ward_split){ 0 };
    if (!ward_region_ok(data))
        return -EINVAL;
    error = ward_map_init(&split->own, meta_bytes, WARD_MAP_RANDOM);
    if (error)
        return error;
    if (!is_apart(data, &split->own.region, WARD_MAP_GUARD_BYTES)) {
        (void)ward_region_fini(&split->own.region);
        *split = (struct ward_split){ 0 };
        return -ENOMEM;
    }
    fill_in(split, data, &split->own.region);
    return 0;
}

int ward_split_init_with(struct ward_split *split, struct ward_region *data,
                         struct ward_region *meta)
{
    if (!split)
        return -EINVAL;
    *split = (struct ward_split){ 0 };
    if (!ward_region_ok(data) || !ward_region_ok(meta) || !is_apart(data, meta, 0))
        return -EINVAL;
    fill_in(split, data, meta);
    return 0;
}

struct ward_region *ward_split_data(const struct ward_split *split)
{
    return split ? split->data : NULL;
}

struct ward_region *ward_split_meta(const struct ward_split *split)
{
    return split ? split->meta : NULL;
}

void *ward_split_meta_base(const struct ward_split *split)
{
    return split && split->meta ? split->meta->base : NULL;
}

size_t ward_split_meta_size(const struct ward_split *split)
{
    return split && split->meta ? split->meta->size : 0;
}
