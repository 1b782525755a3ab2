/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "memory.h"
#include "shared.h"
#include "status.h"

static struct pool *const pools = ward_root_.pools;

/* --- Stacks ----------------------------------------------------------------------------------- */

void ward_pool_push_(enum pool_stack stack, struct span *span)
{
    _Atomic uint64_t *top = &pools[span->class].tops[stack];
    uint64_t was = atomic_load(top), now;

    do {
        STORE(&span->stack, (uint32_t)was);
        now = ((was >> 32) + 1) << 32 | (span->number + 1);
    } while (!atomic_compare_exchange_weak(top, &was, now));
}

/* The tag tells a top that left and came back from one that stayed (Treiber 1986). What is read of
 * a top that left meanwhile is not used. */
struct span *ward_pool_pop_(enum pool_stack stack, unsigned class)
{
    _Atomic uint64_t *top = &pools[class].tops[stack];
    uint64_t was = atomic_load(top), now;
    struct span *span;

    do {
        if ((uint32_t)was == 0)
            return NULL;
        span = pool_span(class, (uint32_t)was - 1);
        now = ((was >> 32) + 1) << 32 | LOAD(&span->stack);
    } while (!atomic_compare_exchange_weak(top, &was, now));
    return span;
}

void ward_pool_give_(struct span *span)
{
    ward_pool_push_(span->kept ? POOL_KEPT : POOL_BARE, span);
}

struct span *ward_pool_take_(unsigned class)
{
    struct span *span = ward_pool_pop_(POOL_KEPT, class);

    return span ? span : ward_pool_pop_(POOL_BARE, class);
}

struct span *ward_pool_pop_all_(enum pool_stack stack, unsigned class)
{
    struct span *all = NULL, *span;

    while ((span = ward_pool_pop_(stack, class))) {
        span->next = all;
        all = span;
    }
    return all;
}

void ward_pool_forget_(unsigned class)
{
    for (unsigned stack = 0; stack < POOL_STACKS; stack++)
        atomic_store(&pools[class].tops[stack], 0);
    atomic_store(&pools[class].next, atomic_load(&pools[class].made));
}

uint32_t ward_pool_end_(unsigned class)
{
    return ward_root_.classes[class].first + atomic_load(&pools[class].made);
}

uintptr_t ward_pool_made_at_(unsigned class)
{
    return (uintptr_t)&pools[class].made;
}

/* --- Spans ------------------------------------------------------------------------------------ */

static unsigned char *first_block(const struct class_info *info)
{
    return info->base + ((size_t)info->first << info->pitch_log2);
}

static void raise_end(const struct class_info *info, uint32_t made)
{
    size_t end = (size_t)(first_block(info) - ward_root_.base) + ((size_t)made << info->pitch_log2);
    _Atomic size_t *at = &ward_root_.limits[info - ward_root_.classes].end;
    size_t known = atomic_load(at);

    while (known < end && !atomic_compare_exchange_weak(at, &known, end))
        ;
}

/* So many spans can be found from here on. A fork may cut this off in the middle: then the child
 * makes the last of them again. */
static void raise(unsigned class, uint32_t made)
{
    _Atomic uint32_t *at = &pools[class].made;
    uint32_t known = atomic_load(at);

    if (ward_root_.shared.bytes == 0)
        raise_end(&ward_root_.classes[class], made);
    while (known < made && !atomic_compare_exchange_weak(at, &known, made))
        ;
}

enum { BLOCKS_FIRST = 256 << 10, RECORDS_FIRST = 16 << 10 };

/* Of the first span of a small class the slots alone are opened: many processes are small, and what
 * is behind is a guard that costs no call. */
static bool is_first(const struct class_info *info, size_t number)
{
    return number == info->first && info->slots > 1 && ward_root_.shared.bytes == 0;
}

static bool commit_blocks(const struct class_info *info, struct pool *pool, size_t number)
{
    size_t pitch = (size_t)1 << info->pitch_log2, apart = info->slots > 1 ? pitch : 0;
    size_t made = number - info->first + 1;
    struct prefix others = { first_block(info) + apart, BLOCKS_FIRST,
                             ((size_t)(info->spans - info->first) << info->pitch_log2) - apart,
                             false };

    if (!info->committed)
        return true;
    if (is_first(info, number))
        return ward_memory_open_(first_block(info), span_bytes(info));
    return ward_memory_commit_(&others, &pool->blocks, (made << info->pitch_log2) - apart);
}

bool ward_pool_reopen_(const struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    return !is_first(info, span->number) || ward_memory_open_(span->base, span_bytes(info));
}

/* Of records also those that are never used: who looks for a block that cannot be there finds one
 * that is zero. */
static bool commit_span(const struct class_info *info, struct pool *pool, size_t number)
{
    struct prefix records = { info->records, RECORDS_FIRST + info->first * info->record_bytes,
                              round_up((size_t)info->spans * info->record_bytes, ward_root_.page),
                              false };

    return ward_memory_commit_(&records, &pool->records, (number + 1) * info->record_bytes) &&
           commit_blocks(info, pool, number);
}

/* Which span is next: the first is 0. What was taken in vain is taken by the next who asks, unless
 * somebody was faster. */
static bool take_index(struct pool *pool, uint32_t most, uint32_t *index)
{
    *index = atomic_load(&pool->next);
    do {
        if (*index >= most)
            return false;
    } while (!atomic_compare_exchange_weak(&pool->next, index, *index + 1));
    return true;
}

/* A number whose span and record can be touched. */
static bool take(unsigned class, uint32_t *number)
{
    const struct class_info *info = &ward_root_.classes[class];
    struct pool *pool = &pools[class];
    uint32_t next, index;

    if (ward_root_.shared.bytes)
        return ward_shared_take_(class, number);
    if (!take_index(pool, info->spans - info->first, &index))
        return false;
    *number = info->first + index;
    if (commit_span(info, pool, *number))
        return true;
    next = index + 1;
    atomic_compare_exchange_strong(&pool->next, &next, index);
    return false;
}

/* A program that installs a handler goes on to allocate: a few spans later is soon enough. */
enum { LOOK_EVERY = 16 };

struct span *ward_pool_make_(unsigned class)
{
    const struct class_info *info = &ward_root_.classes[class];
    size_t used = span_bytes(info);
    struct span *span;
    uint32_t number;
    bool first;

    if (!take(class, &number))
        return NULL;
    span = pool_name(class, number);
    first = is_first(info, number);
    if (class < CLASS_SMALL && !first)
        (void)ward_memory_guard_(span->base + used, ((size_t)1 << info->pitch_log2) - used);
    raise(class, number - info->first + 1);
    if (!first && number % LOOK_EVERY == 0)
        ward_status_look_();
    return span;
}

/* --- Classes of few blocks -------------------------------------------------------------------- */

/* Of a larger slot, a state could not say how much is behind a block. */
enum { LENT_MOST = 16, LENT_BYTES_MAX = SLACK_MAX };

/* Is every slot of the larger class as aligned as those of the other, not too large, and checked as
 * much? */
static bool can_lend(unsigned larger, unsigned class)
{
    size_t bytes = class_bytes(class), more = class_bytes(larger);

    return more <= 2 * bytes && more <= LENT_BYTES_MAX && more % (bytes & -bytes) == 0 &&
           (bytes > CHECKED_WHOLE || more <= CHECKED_WHOLE) && atomic_load(&pools[larger].made);
}

static WARD_COLD unsigned lender(unsigned class)
{
    for (unsigned larger = class + 1; larger < CLASS_SMALL; larger++)
        if (can_lend(larger, class)) {
            atomic_fetch_add(&pools[class].lent, 1);
            return larger;
        }
    return class;
}

unsigned ward_pool_serving_(unsigned class)
{
    const struct pool *pool = &pools[class];

    return atomic_load(&pool->made) || atomic_load(&pool->lent) >= LENT_MOST ? class
                                                                             : lender(class);
}
