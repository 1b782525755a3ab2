/* SPDX-License-Identifier: MIT */
#include <ward/mem.h>

void *ward_mem_alloc(struct ward_mem mem, struct ward_layout layout)
{
    return mem.ops && ward_layout_ok(&layout) ? mem.ops->alloc(mem.self, layout, false) : NULL;
}

void *ward_mem_alloc_zeroed(struct ward_mem mem, struct ward_layout layout)
{
    return mem.ops && ward_layout_ok(&layout) ? mem.ops->alloc(mem.self, layout, true) : NULL;
}

void ward_mem_free(struct ward_mem mem, void *block, struct ward_layout layout)
{
    if (mem.ops && block)
        mem.ops->free(mem.self, block, layout);
}

void *ward_mem_resize(struct ward_mem mem, void *block, struct ward_layout was,
                      struct ward_layout now)
{
    if (!block)
        return ward_mem_alloc(mem, now);
    if (!mem.ops || !ward_layout_ok(&was) || !ward_layout_ok(&now))
        return NULL;
    return mem.ops->resize(mem.self, block, was, now);
}

int ward_mem_reset(struct ward_mem mem)
{
    return mem.ops ? mem.ops->reset(mem.self) : -EINVAL;
}

size_t ward_mem_usable(struct ward_mem mem, const void *block, struct ward_layout layout)
{
    return mem.ops && block ? mem.ops->usable(mem.self, block, layout) : 0;
}

size_t ward_mem_capacity(struct ward_mem mem)
{
    return mem.ops ? mem.ops->capacity(mem.self) : 0;
}

uint64_t ward_mem_bugs(struct ward_mem mem)
{
    return mem.ops ? mem.ops->bugs(mem.self) : 0;
}

/* --- slab ------------------------------------------------------------------------------------- */

static bool slab_serves(const struct ward_slab *slab, struct ward_layout layout)
{
    return slab->geometry && layout.align <= slab->geometry->spec.block.align;
}

static void *slab_alloc(void *self, struct ward_layout layout, bool zeroed)
{
    struct ward_slab *slab = (struct ward_slab *)self;
    void *block = slab_serves(slab, layout) ? ward_slab_alloc(slab, layout.size) : NULL;

    if (block && zeroed && !(slab->geometry->spec.policy & WARD_ZERO))
        __builtin_memset(block, 0, layout.size);
    return block;
}

static void slab_free(void *self, void *block, struct ward_layout layout)
{
    struct ward_slab *slab = (struct ward_slab *)self;

    if (slab->geometry)
        ward_slab_free(slab, block, layout.size);
}

static void *slab_resize(void *self, void *block, struct ward_layout was, struct ward_layout now)
{
    struct ward_slab *slab = (struct ward_slab *)self;

    if (!slab_serves(slab, now) || ward_slab_resize(slab, block, was.size, now.size))
        return NULL;
    return block;
}

static int slab_reset(void *self)
{
    return ward_slab_reset((struct ward_slab *)self);
}

static size_t slab_usable(void *self, const void *block, struct ward_layout layout)
{
    (void)layout;
    return ward_slab_usable((const struct ward_slab *)self, block);
}

static size_t slab_capacity(void *self)
{
    const struct ward_slab_geometry_ *g = ((struct ward_slab *)self)->geometry;

    return g ? g->capacity * g->spec.block.size : 0;
}

static uint64_t slab_bugs(void *self)
{
    struct ward_slab_info info;

    ward_slab_info_get((const struct ward_slab *)self, &info);
    return info.bugs;
}

struct ward_mem ward_mem_of_slab(struct ward_slab *slab)
{
    static const struct ward_mem_ops ops = { "slab",     slab_alloc,  slab_free,     slab_resize,
                                             slab_reset, slab_usable, slab_capacity, slab_bugs };
    struct ward_mem mem = { slab ? &ops : NULL, slab };

    return mem;
}

/* --- bump ------------------------------------------------------------------------------------- */

static void *bump_alloc(void *self, struct ward_layout layout, bool zeroed)
{
    void *block = ward_bump_alloc((struct ward_bump *)self, layout);

    if (block && zeroed)
        __builtin_memset(block, 0, layout.size);
    return block;
}

static void bump_free(void *self, void *block, struct ward_layout layout)
{
    ward_bump_free((struct ward_bump *)self, block, layout.size);
}

static void *bump_resize(void *self, void *block, struct ward_layout was, struct ward_layout now)
{
    return ward_bump_resize((struct ward_bump *)self, block, was, now);
}

static int bump_reset(void *self)
{
    return ward_bump_reset((struct ward_bump *)self);
}

static size_t bump_usable(void *self, const void *block, struct ward_layout layout)
{
    (void)self;
    (void)block;
    return layout.size;
}

static size_t bump_capacity(void *self)
{
    return ward_bump_capacity((const struct ward_bump *)self);
}

static uint64_t bump_bugs(void *self)
{
    (void)self;
    return 0;
}

struct ward_mem ward_mem_of_bump(struct ward_bump *bump)
{
    static const struct ward_mem_ops ops = { "bump",     bump_alloc,  bump_free,     bump_resize,
                                             bump_reset, bump_usable, bump_capacity, bump_bugs };
    struct ward_mem mem = { bump ? &ops : NULL, bump };

    return mem;
}
