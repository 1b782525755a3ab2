/* SPDX-License-Identifier: MIT */
/*
 * The kernel's heap: a slab for each kind of object, each with its metadata in another part of the
 * kernel half and guards around both. Stacks have a guard behind each, which is before the next.
 */
#include <ward/slab.h>

#include "host.h"
#include "kernel.h"

#define OBJECT(BYTES, COUNT)                                                                       \
    {                                                                                              \
        { { (BYTES), sizeof(uint64_t) }, WARD_HARDENED, 0, 0 }, COUNT                              \
    }

static const struct {
    struct ward_slab_spec spec;
    uint32_t count;
} kinds[KINDS] = {
    [THREADS] = OBJECT(sizeof(struct thread), 256),
    [STACKS] = { { { STACK_BYTES, PAGE }, WARD_SPAN_GUARD, 1, 0 }, 128 },
    [PROCESSES] = OBJECT(sizeof(struct process), 128),
    [SPACES] = OBJECT(sizeof(struct vm), 128),
    [AREAS] = OBJECT(sizeof(struct area), 4096),
    [FILE_BLOCKS] = OBJECT(64, 512),
    [PIPES] = OBJECT(2048, 128),
};

static struct lock lock;
static struct ward_slab slabs[KINDS];

void heap_init(void)
{
    for (unsigned i = 0; i < KINDS; i++)
        if (ward_slab_map(&slabs[i], &kinds[i].spec, kinds[i].count))
            panic("no slab for kind %u", (uint64_t)i);
}

void *heap_alloc(enum kind kind)
{
    void *block;

    lock_take(&lock);
    block = ward_slab_alloc(&slabs[kind], kinds[kind].spec.block.size);
    lock_drop(&lock);
    return block;
}

void heap_free(enum kind kind, void *block)
{
    lock_take(&lock);
    ward_slab_free(&slabs[kind], block, kinds[kind].spec.block.size);
    lock_drop(&lock);
}

uint64_t heap_in_use(enum kind kind)
{
    struct ward_slab_info info;
    uint64_t live = 0;

    lock_take(&lock);
    for (unsigned i = 0; i < KINDS; i++) {
        ward_slab_info_get(&slabs[i], &info);
        live += kind == KINDS || kind == i ? info.live : 0;
    }
    lock_drop(&lock);
    return live;
}
