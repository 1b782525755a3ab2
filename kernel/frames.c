/* SPDX-License-Identifier: MIT */
/*
 * Physical memory as a region, and its pages as the blocks of a slab over it.
 *
 *      direct half   | image | frames of early tables and of the books | frame 0 | frame 1 | ...
 *      heap half    #| the slab's metadata | uses and pins of each frame |#
 *
 * The books are mapped between guards, far from the frames: nothing that is wrong in a frame
 * reaches them. Before the slab is there, frames come off the front of memory, and never come back.
 */
#include <ward/slab.h>
#include <ward/split.h>
#include <ward/static.h>

#include "host.h"
#include "kernel.h"

/* A frame's count, in one word: who uses it, and above that who pins it. 0: it is free. */
enum { USE = 1, PIN = 1 << 16 };

static const struct ward_slab_spec spec = { .block = { PAGE, PAGE } };

static struct lock lock;
static struct ward_static data, meta;
static struct ward_split split;
static struct ward_slab slab;
static uint32_t *uses;
static uint64_t early, memory_end; /* physical; early is 0 once the slab is there */

uint64_t frames_of_kernel;

/* --- Before the slab -------------------------------------------------------------------------- */

static void *take_early(void)
{
    void *frame = direct(early);

    if (early + PAGE > memory_end)
        panic("no memory to start with");
    early += PAGE;
    return memset(frame, 0, PAGE);
}

static void *map_books(size_t bytes)
{
    uint64_t va = host_reserve(bytes);

    if (va == 0)
        panic("the kernel half is too small for the books");
    for (size_t off = 0; off < bytes; off += PAGE)
        tables_map(va + off, physical(take_early()), PAGE, WARD_RW);
    return (void *)(uintptr_t)va;
}

/* The number of frames is guessed first, as the books take some of them. */
void frames_init(uint64_t first, uint64_t end)
{
    size_t count = (end - first) / PAGE, meta_bytes;
    void *books;

    early = first;
    memory_end = end;
    tables_init();
    meta_bytes = ward_slab_meta_bytes(&spec, (uint32_t)count);
    books = map_books(meta_bytes);
    uses = map_books(count * sizeof *uses);
    first = early;
    early = 0;
    if (ward_static_init(&data, direct(first), end - first) ||
        ward_static_init(&meta, books, meta_bytes) ||
        ward_split_init_with(&split, &data.region, &meta.region) ||
        ward_slab_init(&slab, &spec, &split.region))
        panic("no slab of frames");
}

/* --- Frames ----------------------------------------------------------------------------------- */

static uint32_t *uses_of(const void *frame)
{
    return &uses[((uintptr_t)frame - (uintptr_t)data.region.base) / PAGE];
}

void *frame_alloc(void)
{
    void *frame;

    if (early)
        return take_early();
    lock_take(&lock);
    frame = ward_slab_alloc(&slab, PAGE);
    if (frame)
        *uses_of(frame) = USE;
    lock_drop(&lock);
    return frame ? memset(frame, 0, PAGE) : NULL;
}

static bool add(void *frame, uint32_t what, uint32_t most)
{
    uint32_t *count = uses_of(frame);
    bool good;

    lock_take(&lock);
    good = *count <= most;
    if (good)
        __atomic_store_n(count, *count + what, __ATOMIC_RELAXED);
    lock_drop(&lock);
    return good;
}

static void take(void *frame, uint32_t what)
{
    uint32_t *count = uses_of(frame);

    lock_take(&lock);
    if (*count > 0)
        __atomic_store_n(count, *count - what, __ATOMIC_RELEASE);
    if (*count == 0)
        ward_slab_free(&slab, frame, PAGE); /* which knows whether it is live */
    lock_drop(&lock);
}

bool frame_share(void *frame)
{
    return add(frame, USE, PIN - 2 * USE);
}

void frame_drop(void *frame)
{
    take(frame, USE);
}

/* Who finds it its own may write it at once: after the last reads of whoever dropped it. */
bool frame_is_shared(const void *frame)
{
    return __atomic_load_n(uses_of(frame), __ATOMIC_ACQUIRE) % PIN > USE;
}

bool frame_is_pinned(const void *frame)
{
    return __atomic_load_n(uses_of(frame), __ATOMIC_ACQUIRE) >= PIN;
}

bool frame_pin(void *frame)
{
    return add(frame, PIN, UINT32_MAX - PIN);
}

void frame_unpin(void *frame)
{
    take(frame, PIN);
}

uint64_t frames_in_use(void)
{
    struct ward_slab_info info;

    lock_take(&lock);
    ward_slab_info_get(&slab, &info);
    lock_drop(&lock);
    return info.live - __atomic_load_n(&frames_of_kernel, __ATOMIC_RELAXED);
}
