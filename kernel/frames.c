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

struct uses {
    uint16_t uses, pins;
};

static const struct ward_slab_spec spec = { .block = { PAGE, PAGE } };

static struct lock lock;
static struct ward_static data, meta;
static struct ward_split split;
static struct ward_slab slab;
static struct uses *uses;
static uint64_t early, memory_end; /* physical; early is 0 once the slab is there */

uint64_t frames_of_kernel;

/* --- Before the slab ------------------------------------------------------------------------- */

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

static size_t pages_of(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
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
    uses = map_books(pages_of(count * sizeof *uses));
    first = early;
    early = 0;
    if (ward_static_init(&data, direct(first), end - first) ||
        ward_static_init(&meta, books, meta_bytes) ||
        ward_split_init_with(&split, &data.region, &meta.region) ||
        ward_slab_init(&slab, &spec, &split.region))
        panic("no slab of frames");
}

/* --- Frames ----------------------------------------------------------------------------------- */

static struct uses *uses_of(const void *frame)
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
        *uses_of(frame) = (struct uses){ 1, 0 };
    lock_drop(&lock);
    return frame ? memset(frame, 0, PAGE) : NULL;
}

static void drop(void *frame)
{
    if (uses_of(frame)->uses == 0 || --uses_of(frame)->uses == 0)
        ward_slab_free(&slab, frame, PAGE); /* which knows whether it is live */
}

void frame_drop(void *frame)
{
    lock_take(&lock);
    drop(frame);
    lock_drop(&lock);
}

bool frame_share(void *frame)
{
    struct uses *u = uses_of(frame);
    bool done;

    lock_take(&lock);
    done = u->pins == 0 && u->uses < UINT16_MAX;
    u->uses = (uint16_t)(u->uses + done);
    lock_drop(&lock);
    return done;
}

/* Both counts as they are at one time: every pin is a use. */
static struct uses count(const void *frame)
{
    struct uses u;

    lock_take(&lock);
    u = *uses_of(frame);
    lock_drop(&lock);
    return u;
}

bool frame_is_shared(const void *frame)
{
    struct uses u = count(frame);

    return u.uses - u.pins > 1;
}

bool frame_is_pinned(const void *frame)
{
    return count(frame).pins > 0;
}

bool frame_pin(void *frame)
{
    struct uses *u = uses_of(frame);
    bool done;

    lock_take(&lock);
    done = u->uses < UINT16_MAX;
    if (done)
        u->pins++, u->uses++;
    lock_drop(&lock);
    return done;
}

void frame_unpin(void *frame)
{
    lock_take(&lock);
    uses_of(frame)->pins--;
    drop(frame);
    lock_drop(&lock);
}

uint64_t frames_in_use(void)
{
    struct ward_slab_info info;

    lock_take(&lock);
    ward_slab_info_get(&slab, &info);
    lock_drop(&lock);
    return info.live - __atomic_load_n(&frames_of_kernel, __ATOMIC_RELAXED);
}
