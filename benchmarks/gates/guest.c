/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <ward/guest.h>
#include <ward/host.h>
#include <ward/self.h>

#include "../bench.h"
#include "guest.h"

enum { PAGES = 4096, FRESH = 256, WORDS = 512 };

#define NOINLINE __attribute__((noinline))

static struct ward_guest guest;
static struct ward_space *self;
static size_t page;
static uint64_t fresh; /* the first of pages that come and go */
static unsigned char states[PAGES];

void guest_prepare(void)
{
    struct ward_guest_spec spec = { .flags = WARD_GUEST_NULL };

    page = ward_host_page_size();
    fresh = PAGES * page;
    spec.size = (PAGES + FRESH) * page;
    if (ward_guest_reserve(&guest, &spec) || ward_guest_map(&guest, 0, PAGES * page, WARD_RW) ||
        ward_space_fill(&guest.space, 0, 1, page, NULL))
        abort();
    __builtin_memset(states, WARD_RW, sizeof states);
    self = ward_space_self();
}

static NOINLINE void read8_at(struct ward_space *space, uint64_t base, size_t count)
{
    uint64_t sum = 0, value;

    for (size_t i = 0; i < count; i++) {
        if (ward_space_read_u64(space, base + i % WORDS * 8, &value, NULL))
            abort();
        sum += value;
    }
    bench_hide(sum);
}

void guest8(size_t count)
{
    read8_at(BENCH_HIDE_POINTER(&guest.space), 0, count);
}

void guest8_by_self(size_t count)
{
    read8_at(BENCH_HIDE_POINTER(self), (uintptr_t)guest.region->base, count);
}

static NOINLINE void check_pages(size_t pages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ward_space_check(BENCH_HIDE_POINTER(&guest.space), 0, bench_hide(pages * page), WARD_RW,
                             NULL))
            abort();
}

static NOINLINE void loop_pages(size_t pages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < pages; k++)
            if ((*(volatile unsigned char *)&states[k] & WARD_RW) != WARD_RW)
                abort();
}

#define OF_PAGES(N)                                                                                \
    void check##N(size_t count)                                                                    \
    {                                                                                              \
        check_pages(N, count);                                                                     \
    }                                                                                              \
    void loop##N(size_t count)                                                                     \
    {                                                                                              \
        loop_pages(N, count);                                                                      \
    }

OF_PAGES(1)
OF_PAGES(16)
OF_PAGES(4096)

static void renew(void)
{
    if (ward_guest_unmap(&guest, fresh, FRESH * page) ||
        ward_guest_map(&guest, fresh, FRESH * page, WARD_RW))
        abort();
}

void populate256(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        renew();
        if (ward_space_populate(&guest.space, fresh, FRESH * page, WARD_RW, NULL))
            abort();
    }
}

void touch256(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        renew();
        for (size_t k = 0; k < FRESH; k++)
            if (ward_space_write_u8(&guest.space, fresh + k * page, 1, NULL))
                abort();
    }
}
