/* SPDX-License-Identifier: MIT */
#include <ward/bug.h>
#include <ward/bump.h>
#include <ward/host.h>

int ward_bump_init(struct ward_bump *bump, struct ward_region *region)
{
    if (!bump)
        return -EINVAL;
    __builtin_memset(bump, 0, sizeof *bump);
    if (!ward_region_ok(region))
        return -EINVAL;
    bump->region = region;
    bump->committed = ward_region_committed(region);
    if (region->facts & (WARD_IS_WIPED_ON_FORK | WARD_IS_ABSENT_ON_FORK))
        bump->epoch = ward_host_fork_epoch();
    return 0;
}

/* Is there an arena, in the process it was made in? Reports where a fork left its memory behind. */
static bool is_here(const struct ward_bump *bump)
{
    struct ward_bug bug = { WARD_BUG_FORKED,
                            bump,
                            NULL,
                            0,
                            NULL,
                            "this arena's memory did not survive fork: initialise it again" };

    if (!bump || !bump->region)
        return false;
    if (!bump->epoch || bump->epoch == ward_host_fork_epoch())
        return true;
    ward_bug_raise(&bug);
    return false;
}

/* Makes the first `end` bytes writable: the cursor may move there afterwards. */
static bool reach(struct ward_bump *bump, size_t end)
{
    size_t upto = 0;

    if (end <= bump->committed)
        return true;
    if (!ward_round_up(end, bump->region->grain, &upto) ||
        ward_region_commit(bump->region, 0, upto))
        return false;
    bump->committed = ward_region_committed(bump->region);
    return true;
}

void *ward_bump_alloc(struct ward_bump *bump, struct ward_layout layout)
{
    uintptr_t base;
    size_t at = 0;

    if (!is_here(bump))
        return NULL;
    base = (uintptr_t)bump->region->base;
    if (!ward_layout_ok(&layout) || !ward_round_up(base + bump->cursor, layout.align, &at))
        return NULL;
    at -= base;
    if (!ward_within(at, layout.size, bump->region->size) || !reach(bump, at + layout.size))
        return NULL;
    bump->last = at;
    bump->cursor = at + layout.size;
    return bump->region->base + at;
}

/* Is this the newest block, with this size? */
static bool is_last(const struct ward_bump *bump, const void *block, size_t size)
{
    return block == bump->region->base + bump->last && size == bump->cursor - bump->last &&
           size > 0;
}

void ward_bump_free(struct ward_bump *bump, void *block, size_t size)
{
    if (block && is_here(bump) && is_last(bump, block, size))
        bump->cursor = bump->last;
}

static void *resize_last(struct ward_bump *bump, void *block, size_t size)
{
    if (!ward_within(bump->last, size, bump->region->size) || !reach(bump, bump->last + size))
        return NULL;
    bump->cursor = bump->last + size;
    return block;
}

static void *move(struct ward_bump *bump, const void *block, size_t size, struct ward_layout now)
{
    void *moved = ward_bump_alloc(bump, now);

    if (moved)
        __builtin_memcpy(moved, block, size < now.size ? size : now.size);
    return moved;
}

void *ward_bump_resize(struct ward_bump *bump, void *block, struct ward_layout was,
                       struct ward_layout now)
{
    bool aligned = ((uintptr_t)block & (now.align - 1)) == 0;

    if (!ward_layout_ok(&now) || !block || !is_here(bump) ||
        !ward_region_has(bump->region, block, was.size) ||
        (size_t)((unsigned char *)block - bump->region->base) + was.size > bump->cursor)
        return NULL;
    if (aligned && is_last(bump, block, was.size))
        return resize_last(bump, block, now.size);
    if (aligned && now.size <= was.size)
        return block;
    return move(bump, block, was.size, now);
}

ward_bump_mark_point ward_bump_mark(const struct ward_bump *bump)
{
    ward_bump_mark_point point = { bump ? bump->cursor : 0 };

    return point;
}

int ward_bump_rewind(struct ward_bump *bump, ward_bump_mark_point to)
{
    if (!is_here(bump))
        return bump && bump->region ? -EFAULT : -EINVAL;
    if (to.cursor > bump->cursor)
        return -EINVAL;
    bump->cursor = to.cursor;
    bump->last = to.cursor;
    return 0;
}

int ward_bump_reset(struct ward_bump *bump)
{
    ward_bump_mark_point start = { 0 };

    return ward_bump_rewind(bump, start);
}

size_t ward_bump_capacity(const struct ward_bump *bump)
{
    return bump && bump->region ? bump->region->size : 0;
}

size_t ward_bump_used(const struct ward_bump *bump)
{
    return bump ? bump->cursor : 0;
}
