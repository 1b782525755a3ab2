/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include <ward/arith.h>
#include <ward/host.h>
#include <ward/recover.h>
#include <ward/self.h>

#include "recover.h"
#include "remote.h"
#include "syscall.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static long call(long number, uintptr_t a, uintptr_t b, uintptr_t c)
{
    return ward_syscall_(number, (long)a, (long)b, (long)c, 0, 0, 0);
}

/* --- Both ------------------------------------------------------------------------------------- */

/* What an answer of the system's means, of those that are the same in all calls. */
static unsigned kind_of(long error)
{
    if (error == -EPERM || error == -EACCES)
        return WARD_FAULT_FORBIDDEN;
    return error == -ENOSYS ? WARD_FAULT_CANNOT : WARD_FAULT_DENIED;
}

static unsigned kind_of_populate(long error, uintptr_t advice)
{
    if (error == -EINVAL && call(SYS_madvise, 0, 0, advice) != 0)
        return WARD_FAULT_CANNOT; /* an older system */
    if (error == -EHWPOISON)
        return WARD_FAULT_MEMORY;
    return error == -ENOMEM ? WARD_FAULT_UNMAPPED : kind_of(error);
}

/* The first page of [from, to) that cannot be brought in. Those before it are there already. */
static uint64_t first_refused(uint64_t from, uint64_t to, uintptr_t advice)
{
    uint64_t page = ward_host_page_size();

    while (to - from > page) {
        uint64_t middle = from + (to - from) / page / 2 * page;

        if (call(SYS_madvise, from, middle - from, advice) == 0)
            from = middle;
        else
            to = middle;
    }
    return from;
}

/* The system's own answer to touching each page. It wants whole pages. */
static bool self_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                          struct ward_fault *why)
{
    uint64_t page = ward_host_page_size();
    uint64_t from = a & ~(page - 1), to = (a + n + page - 1) & ~(page - 1);
    uintptr_t advice = access & WARD_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    long got = call(SYS_madvise, from, to - from, advice);

    (void)space;
    if (got == 0)
        return true;
    why->kind = kind_of_populate(got, advice);
    if (why->kind != WARD_FAULT_CANNOT && why->kind != WARD_FAULT_FORBIDDEN)
        from = first_refused(from, to, advice);
    why->addr = from > a ? from : a;
    return false;
}

/* --- By table --------------------------------------------------------------------------------- */

static const struct ward_space_ops table_ops = {
    .name = "self by table",
    .populate = self_populate,
};

struct ward_space *ward_space_self_by_table(void)
{
    static struct ward_space space = {
        .ops = &table_ops,
        .first = WARD_SELF_FIRST,
        .last = WARD_SELF_LAST,
        .direct = WARD_SELF_LAST - WARD_SELF_FIRST + 1,
        .base = WARD_SELF_FIRST,
        .mask = UINT64_MAX,
    };

    return &space;
}

int ward_self_read_u64_(uint64_t a, uint64_t kind, uint64_t *value, struct ward_fault *why)
{
    struct ward_space *space = ward_space_self_by_table();

    return kind ? ward_space_read_word_(space, a, 8, kind, value, why)
                : ward_space_read_u64(space, a, value, why);
}

int ward_self_write_u64_(uint64_t a, uint64_t kind, uint64_t value, struct ward_fault *why)
{
    struct ward_space *space = ward_space_self_by_table();

    return kind ? ward_space_write_word_(space, a, 8, kind, value, why)
                : ward_space_write_u64(space, a, value, why);
}

/* --- By calls --------------------------------------------------------------------------------- */

/* The process id is asked for each time: it is another after a fork. */
static int own_pid(void)
{
    return (int)call(SYS_getpid, 0, 0, 0);
}

static size_t calls_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                         struct ward_fault *why)
{
    (void)space;
    return ward_remote_read_(own_pid(), a, dst, n, why);
}

static size_t calls_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                          struct ward_fault *why)
{
    (void)space;
    return ward_remote_write_(own_pid(), a, src, n, why);
}

static const struct ward_space_ops calls_ops = {
    .name = "self by calls",
    .read = calls_read,
    .write = calls_write,
    .populate = self_populate,
};

struct ward_space *ward_space_self_by_calls(void)
{
    static struct ward_space space = { .ops = &calls_ops,
                                       .first = WARD_SELF_FIRST,
                                       .last = WARD_SELF_LAST };

    return &space;
}

struct ward_space *ward_space_self(void)
{
    return ward_recover_is_installed() ? ward_space_self_by_table() : ward_space_self_by_calls();
}

struct ward_space *ward_host_space(void)
{
    return ward_space_self();
}

/* --- As circumstances allow ------------------------------------------------------------------- */

static struct ward_space *chosen(void)
{
    return ward_host_thread()->scopes & 1 ? ward_space_self_by_table() : ward_space_self_by_calls();
}

/* Beyond 64 nested scopes the outermost are forgotten, which then go by calls. */
struct ward_space *ward_access_begin(void)
{
    struct ward_host_thread_state *thread = ward_host_thread();

    thread->scopes = thread->scopes << 1 | ward_recover_serves_();
    return chosen();
}

void ward_access_end(void)
{
    ward_host_thread()->scopes >>= 1;
}

static size_t auto_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                        struct ward_fault *why)
{
    (void)space;
    return ward_space_read(chosen(), a, dst, n, why) ? why->done : n;
}

static size_t auto_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                         struct ward_fault *why)
{
    (void)space;
    return ward_space_write(chosen(), a, src, n, why) ? why->done : n;
}

static bool auto_atomic(struct ward_space *space, uint64_t a, struct ward_atomic *op,
                        struct ward_fault *why)
{
    (void)space;
    return ward_space_atomic(chosen(), a, op, why) == 0;
}

static const struct ward_space_ops auto_ops = {
    .name = "self",
    .read = auto_read,
    .write = auto_write,
    .atomic = auto_atomic,
    .populate = self_populate,
};

struct ward_space *ward_space_self_auto(void)
{
    static struct ward_space space = { .ops = &auto_ops,
                                       .first = WARD_SELF_FIRST,
                                       .last = WARD_SELF_LAST };

    return &space;
}

/* --- Within regions --------------------------------------------------------------------------- */

/* Does all of the range lie in one of them? Else the fault names the first byte that does not:
 * where they overlap, that of the one that reaches furthest. */
static bool is_within(const struct ward_within *within, uint64_t a, size_t n,
                      struct ward_fault *why)
{
    why->addr = a;
    why->kind = WARD_FAULT_RANGE;
    for (size_t i = 0; i < within->count; i++) {
        const struct ward_region *region = within->regions[i];
        uint64_t off = a - (uintptr_t)region->base;

        if (off >= region->size)
            continue;
        if (n <= region->size - off)
            return true;
        if (region->size - off > why->addr - a)
            why->addr = (uintptr_t)region->base + region->size;
    }
    return false;
}

static size_t within_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                          struct ward_fault *why)
{
    struct ward_within *within = (struct ward_within *)space;

    if (!is_within(within, a, n, why))
        return 0;
    return ward_space_read(within->by, a, dst, n, why) ? why->done : n;
}

static size_t within_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                           struct ward_fault *why)
{
    struct ward_within *within = (struct ward_within *)space;

    if (!is_within(within, a, n, why))
        return 0;
    return ward_space_write(within->by, a, src, n, why) ? why->done : n;
}

static bool within_atomic(struct ward_space *space, uint64_t a, struct ward_atomic *op,
                          struct ward_fault *why)
{
    struct ward_within *within = (struct ward_within *)space;

    return is_within(within, a, op->width, why) && ward_space_atomic(within->by, a, op, why) == 0;
}

static bool within_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                         struct ward_fault *why)
{
    struct ward_within *within = (struct ward_within *)space;

    return is_within(within, a, n, why) && ward_space_check(within->by, a, n, access, why) == 0;
}

static bool within_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                            struct ward_fault *why)
{
    struct ward_within *within = (struct ward_within *)space;

    return is_within(within, a, n, why) && ward_space_populate(within->by, a, n, access, why) == 0;
}

static const struct ward_space_ops within_ops = {
    .name = "self within",
    .read = within_read,
    .write = within_write,
    .atomic = within_atomic,
    .check = within_check,
    .populate = within_populate,
};

static bool are_regions(const struct ward_region *const *regions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!ward_region_ok(regions[i]))
            return false;
    return count > 0;
}

/* From the lowest region's first byte to the highest one's last. */
static void set_range(struct ward_within *within)
{
    struct ward_space *space = &within->space;

    space->first = UINT64_MAX;
    for (size_t i = 0; i < within->count; i++) {
        uint64_t first = (uintptr_t)within->regions[i]->base;
        uint64_t last = first + within->regions[i]->size - 1;

        space->first = first < space->first ? first : space->first;
        space->last = last > space->last ? last : space->last;
    }
    if (within->count == 1 && within->by->direct > 0 &&
        ((space->first | (space->last + 1)) & (WARD_SPACE_GRAIN - 1)) == 0) {
        space->direct = space->last - space->first + 1;
        space->base = space->first;
        space->mask = ward_is_pow2(space->direct) ? space->direct - 1 : UINT64_MAX;
    }
}

int ward_within_init(struct ward_within *within, struct ward_space *by,
                     const struct ward_region *const *regions, size_t count)
{
    if (!within)
        return -EINVAL;
    *within = (struct ward_within){ 0 };
    if (!regions || !are_regions(regions, count))
        return -EINVAL;
    within->space.ops = &within_ops;
    within->by = by ? by : ward_space_self();
    within->regions = regions;
    within->count = count;
    set_range(within);
    return 0;
}
