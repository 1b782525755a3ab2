/* SPDX-License-Identifier: MIT */
/*
 * The C library's heap as a ward_mem: what code that takes a ward_mem is given when nothing else is
 * wanted. Thread-safe as malloc is. Bookkeeping is the C library's, in line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include <ward/mem.h>

/* malloc's own promise: larger alignments take the aligned path. */
static bool is_ordinary(struct ward_layout layout)
{
    return layout.align <= WARD_ALIGNOF(max_align_t);
}

/* posix_memalign, since it returns its error; the smallest alignment it takes is a pointer's. */
static void *alloc_aligned(struct ward_layout layout)
{
    void *block = NULL;

    return posix_memalign(&block, layout.align, layout.size) ? NULL : block;
}

static void *system_alloc(void *self, struct ward_layout layout, bool zeroed)
{
    int before = errno;
    void *block;

    (void)self;
    if (is_ordinary(layout)) {
        block = zeroed ? calloc(1, layout.size) : malloc(layout.size);
    } else {
        block = alloc_aligned(layout);
        if (block && zeroed)
            __builtin_memset(block, 0, layout.size);
    }
    errno = before;
    return block;
}

static void system_free(void *self, void *block, struct ward_layout layout)
{
    (void)self;
    (void)layout;
    free(block);
}

static void *move(void *block, struct ward_layout was, struct ward_layout now)
{
    void *moved = system_alloc(NULL, now, false);

    if (!moved)
        return NULL;
    __builtin_memcpy(moved, block, was.size < now.size ? was.size : now.size);
    free(block);
    return moved;
}

static void *system_resize(void *self, void *block, struct ward_layout was, struct ward_layout now)
{
    int before = errno;
    void *resized;

    (void)self;
    resized = is_ordinary(now) ? realloc(block, now.size) : move(block, was, now);
    errno = before;
    return resized;
}

static int system_reset(void *self)
{
    (void)self;
    return -ENOTSUP;
}

static size_t system_usable(void *self, const void *block, struct ward_layout layout)
{
    (void)self;
    (void)block;
    return layout.size;
}

static size_t system_capacity(void *self)
{
    (void)self;
    return 0;
}

static uint64_t system_bugs(void *self)
{
    (void)self;
    return 0;
}

struct ward_mem ward_mem_of_system(void)
{
    static const struct ward_mem_ops ops = { "system",        system_alloc, system_free,
                                             system_resize,   system_reset, system_usable,
                                             system_capacity, system_bugs };
    struct ward_mem mem = { &ops, NULL };

    return mem;
}
