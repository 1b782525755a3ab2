/* SPDX-License-Identifier: MIT */
#include "conformance.h"

enum { MANY = 2000 };

static bool is_all(const void *bytes, size_t len, int value)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        if (at[i] != (unsigned char)value)
            return false;
    return true;
}

/* A stranger's guess at sizes and alignments: the i-th. */
static struct ward_layout nth(unsigned i)
{
    const struct ward_layout layout = { 1 + i * 37 % BLOCK_BYTES, (size_t)1 << i % 7 };

    return layout;
}

static void *alloc(struct stack *stack, size_t size, size_t align)
{
    const struct ward_layout layout = { size, align };

    return ward_mem_alloc(stack->mem, layout);
}

/* --- the region ------------------------------------------------------------------------------- */

static const char *the_region_keeps_its_laws(struct stack *stack, const struct combination *of)
{
    struct ward_region *region = top_of(stack);
    size_t grain, committed;

    (void)of;
    if (!region)
        return NULL;
    grain = region->grain;
    committed = ward_region_committed(region);
    NEED(ward_region_ok(region));
    NEED(committed <= region->size && committed % grain == 0);
    NEED(ward_region_has(region, region->base, region->size));
    NEED(!ward_region_has(region, region->base, region->size + 1));
    NEED(!ward_region_has(region, region->base - 1, 1));
    NEED(!ward_region_has(region, region->base + region->size, 1));
    NEED(ward_region_commit(region, 0, region->size + grain) == -ERANGE);
    NEED(ward_region_commit(region, region->size + grain, 0) == -ERANGE);
    NEED(ward_region_release(region, region->size, grain) == -ERANGE);
    NEED(ward_region_release(region, 0 - grain, 2 * grain) == -ERANGE);
    NEED(ward_region_protect(region, region->size, grain, WARD_RW) == -ERANGE);
    NEED(ward_region_protect(region, 0, committed, 1u << 20) == -EINVAL);
    NEED(grain == 1 || ward_region_commit(region, 1, grain) == -EINVAL);
    NEED(ward_region_commit(region, 0, 0) == 0 &&
         ward_region_release(region, region->size, 0) == 0);
    NEED(ward_region_committed(region) == committed);
    NEED((ward_region_meta(region) != NULL) == ((of->wrapper->traits & HAS_META) != 0));
    return NULL;
}

/* For what can be nobody's data: a stack of a region alone. */
static const char *what_is_released_reads_as_zero(struct stack *stack, const struct combination *of)
{
    struct ward_region *region = top_of(stack);
    size_t half;

    if (!region || !(of->allocator->traits & IS_ARENA))
        return NULL;
    half = ward_round_down(region->size / 2, region->grain);
    NEED(ward_region_commit(region, 0, region->size) == 0);
    memset(region->base, 0x77, region->size);
    NEED(ward_region_release(region, half, region->size - half) == 0);
    NEED(is_all(region->base, half, 0x77));
    NEED(is_all(region->base + half, region->size - half, 0));
    memset(region->base, 0x78, region->size);
    NEED(is_all(region->base, region->size, 0x78));
    return NULL;
}

static const char *metadata_lies_apart_from_the_data(struct stack *stack,
                                                     const struct combination *of)
{
    struct ward_region *region = top_of(stack), *meta = ward_region_meta(region);

    if (!meta)
        return NULL;
    NEED(ward_region_ok(meta));
    NEED(!ward_overlap((uintptr_t)region->base, region->size, (uintptr_t)meta->base, meta->size));
    NEED(region->base + region->size != meta->base && meta->base + meta->size != region->base);
    if (of->allocator->traits & IS_ARENA) {
        memset(meta->base, 0x11, meta->size);
        NEED(ward_region_commit(region, 0, region->size) == 0);
        memset(region->base, 0x22, region->size);
        NEED(ward_region_release(region, 0, region->size) == 0);
        NEED(is_all(meta->base, meta->size, 0x11));
    }
    return NULL;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static const char *blocks_are_aligned_disjoint_and_keep_their_patterns(struct stack *stack,
                                                                       const struct combination *of)
{
    static unsigned char *block[MANY];
    unsigned count = 0;

    while (count < MANY && (block[count] = ward_mem_alloc(stack->mem, nth(count)))) {
        NEED(((uintptr_t)block[count] & (nth(count).align - 1)) == 0);
        NEED(!top_of(stack) || ward_region_has(top_of(stack), block[count], nth(count).size));
        NEED(ward_mem_usable(stack->mem, block[count], nth(count)) >= nth(count).size);
        memset(block[count], (int)count, nth(count).size);
        count++;
    }
    NEED(count >= 100);
    for (unsigned i = 0; i < count; i++)
        NEED(is_all(block[i], nth(i).size, (int)i));
    while (count-- > 0)
        ward_mem_free(stack->mem, block[count], nth(count));
    NEED(ward_mem_bugs(stack->mem) == 0);
    (void)of;
    return NULL;
}

static const char *zeroed_blocks_are_zero(struct stack *stack, const struct combination *of)
{
    (void)of;
    for (unsigned i = 0; i < 300; i++) {
        unsigned char *block = ward_mem_alloc_zeroed(stack->mem, nth(i));

        NEED(block && is_all(block, nth(i).size, 0));
        memset(block, 0xff, nth(i).size);
        ward_mem_free(stack->mem, block, nth(i));
    }
    return NULL;
}

static const char *a_layout_that_is_none_is_refused(struct stack *stack,
                                                    const struct combination *of)
{
    static const struct ward_layout wrong[] = {
        { 0, 8 }, { 8, 0 }, { 8, 3 }, { 8, (size_t)1 << 63 }, { SIZE_MAX, 8 }, { PTRDIFF_MAX, 16 },
    };
    const struct ward_layout good = { 8, 8 };
    unsigned char *block = alloc(stack, 8, 8);

    NEED(block);
    memset(block, 5, 8);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        NEED(!ward_mem_alloc(stack->mem, wrong[i]));
        NEED(!ward_mem_alloc_zeroed(stack->mem, wrong[i]));
        NEED(!ward_mem_resize(stack->mem, block, good, wrong[i]));
        NEED(!ward_mem_resize(stack->mem, NULL, good, wrong[i]));
    }
    if (of->allocator->traits & HAS_LIMITS) {
        NEED(!alloc(stack, BLOCK_BYTES + 1, 8));
        NEED(!alloc(stack, 8, BLOCK_ALIGN * 2));
    }
    NEED(is_all(block, 8, 5));
    ward_mem_free(stack->mem, block, good);
    ward_mem_free(stack->mem, NULL, good);
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

static const char *resize_keeps_what_both_sizes_hold(struct stack *stack,
                                                     const struct combination *of)
{
    struct ward_layout was = { 40, 8 };
    unsigned char *block = ward_mem_resize(stack->mem, NULL, was, was);

    (void)of;
    NEED(block);
    memset(block, 1, was.size);
    for (unsigned i = 2; i < 100; i++) {
        const struct ward_layout now = nth(i);
        size_t kept = was.size < now.size ? was.size : now.size;
        unsigned char *moved = ward_mem_resize(stack->mem, block, was, now);

        NEED(moved && ((uintptr_t)moved & (now.align - 1)) == 0);
        NEED(is_all(moved, kept, (int)i - 1));
        memset(moved, (int)i, now.size);
        block = moved;
        was = now;
    }
    ward_mem_free(stack->mem, block, was);
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

static const char *a_resize_that_fails_leaves_the_block(struct stack *stack,
                                                        const struct combination *of)
{
    const struct ward_layout was = { 100, 8 };
    const struct ward_layout too_large = { (size_t)1 << 46, 8 };
    const struct ward_layout too_aligned = { 100, BLOCK_ALIGN * 2 };
    unsigned char *block = ward_mem_alloc(stack->mem, was);

    NEED(block);
    memset(block, 9, was.size);
    NEED(!ward_mem_resize(stack->mem, block, was, too_large));
    if (of->allocator->traits & HAS_LIMITS)
        NEED(!ward_mem_resize(stack->mem, block, was, too_aligned));
    NEED(is_all(block, was.size, 9));
    ward_mem_free(stack->mem, block, was);
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

static const char *what_is_used_up_can_be_had_again(struct stack *stack,
                                                    const struct combination *of)
{
    static unsigned char *block[MANY];
    const struct ward_layout layout = { BLOCK_BYTES, BLOCK_ALIGN };
    size_t capacity = ward_mem_capacity(stack->mem);
    unsigned count = 0, again = 0;

    if (capacity == 0) /* no bound is known */
        return NULL;
    if (of->backing && capacity > MANY * (size_t)BLOCK_BYTES) /* a huge page: not all of it */
        return NULL;
    while (count < MANY && (block[count] = ward_mem_alloc(stack->mem, layout)))
        count++;
    NEED(count < MANY && count * layout.size <= capacity);
    NEED(!(of->allocator->traits & HAS_LIMITS) || count * layout.size == capacity);
    NEED(!ward_mem_alloc(stack->mem, layout) && !ward_mem_alloc_zeroed(stack->mem, layout));
    for (unsigned i = count; i-- > 0;)
        ward_mem_free(stack->mem, block[i], layout);
    if (of->allocator->traits & IS_ARENA)
        NEED(ward_mem_reset(stack->mem) == 0);
    while (again < MANY && ward_mem_alloc(stack->mem, layout))
        again++;
    NEED(again == count);
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

static const char *reset_frees_everything_at_once(struct stack *stack, const struct combination *of)
{
    unsigned first = 0, second = 0;

    if (of->allocator->traits & NO_RESET) {
        NEED(ward_mem_reset(stack->mem) == -ENOTSUP);
        return NULL;
    }
    for (int round = 0; round < 3; round++) {
        second = 0;
        while (second < MANY && alloc(stack, BLOCK_BYTES, BLOCK_ALIGN))
            second++;
        first = round ? first : second;
        NEED(second == first && second > 0);
        NEED(ward_mem_reset(stack->mem) == 0);
    }
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

static const char *null_is_no_block(struct stack *stack, const struct combination *of)
{
    const struct ward_layout layout = { 8, 8 };

    (void)of;
    NEED(ward_mem_usable(stack->mem, NULL, layout) == 0);
    ward_mem_free(stack->mem, NULL, layout);
    NEED(ward_mem_bugs(stack->mem) == 0);
    return NULL;
}

const struct named_case cases[] = {
    { "the_region_keeps_its_laws", the_region_keeps_its_laws },
    { "what_is_released_reads_as_zero", what_is_released_reads_as_zero },
    { "metadata_lies_apart_from_the_data", metadata_lies_apart_from_the_data },
    { "blocks_are_aligned_disjoint_and_keep_their_patterns",
      blocks_are_aligned_disjoint_and_keep_their_patterns },
    { "zeroed_blocks_are_zero", zeroed_blocks_are_zero },
    { "a_layout_that_is_none_is_refused", a_layout_that_is_none_is_refused },
    { "resize_keeps_what_both_sizes_hold", resize_keeps_what_both_sizes_hold },
    { "a_resize_that_fails_leaves_the_block", a_resize_that_fails_leaves_the_block },
    { "what_is_used_up_can_be_had_again", what_is_used_up_can_be_had_again },
    { "reset_frees_everything_at_once", reset_frees_everything_at_once },
    { "null_is_no_block", null_is_no_block },
};

const unsigned case_count = sizeof cases / sizeof cases[0];
