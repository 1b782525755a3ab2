/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_calls.h"

static struct {
    unsigned long count;
    unsigned long fail_at; /* 0: no call */
    bool fail_on;          /* and all after */
    bool fired;
    int error;
    unsigned taken;
    size_t split_budget;
    size_t page_size;
    uint64_t seed;
} state = { .split_budget = SIZE_MAX };

static struct inject_ledger ledger;

void inject_reset(void)
{
    memset(&state, 0, sizeof state);
    state.split_budget = SIZE_MAX;
}

void inject_arm(unsigned long n, int error)
{
    state.count = 0;
    state.fail_at = n;
    state.fail_on = false;
    state.fired = false;
    state.error = error;
}

void inject_arm_from(unsigned long n, int error)
{
    inject_arm(n, error);
    state.fail_on = true;
}

bool inject_fired(void)
{
    return state.fired;
}

unsigned long inject_count(void)
{
    return state.count;
}

void inject_take(unsigned abilities)
{
    state.taken = abilities;
}

void inject_split_budget(size_t budget)
{
    state.split_budget = budget;
}

void inject_page_size(size_t bytes)
{
    state.page_size = bytes;
}

void inject_seed(uint64_t seed)
{
    state.seed = seed;
}

const struct inject_ledger *inject_mapped(void)
{
    return &ledger;
}

bool inject_mapped_is(const struct inject_ledger *was)
{
    return was->count == ledger.count &&
           memcmp(was->range, ledger.range, was->count * sizeof was->range[0]) == 0;
}

/* One more call that can fail. 0, or the error it has to answer. */
static int fails(void)
{
    state.count++;
    if (state.fail_at == 0 || state.count < state.fail_at)
        return 0;
    if (state.count > state.fail_at && !state.fail_on)
        return 0;
    state.fired = true;
    return -state.error;
}

/* --- The ledger ------------------------------------------------------------------------------- */

static void insert(size_t i, uintptr_t at, size_t len)
{
    if (ledger.count == INJECT_RANGES_MAX) {
        fputs("inject: more ranges mapped than the ledger holds\n", stderr);
        abort();
    }
    memmove(&ledger.range[i + 1], &ledger.range[i], (ledger.count - i) * sizeof ledger.range[0]);
    ledger.range[i].at = at;
    ledger.range[i].len = len;
    ledger.count++;
}

static void erase(size_t i)
{
    ledger.count--;
    memmove(&ledger.range[i], &ledger.range[i + 1], (ledger.count - i) * sizeof ledger.range[0]);
}

/* The host never hands out what is mapped: an overlap would be its bug, or ours. */
static void enter(uintptr_t at, size_t len)
{
    size_t i = 0;

    while (i < ledger.count && ledger.range[i].at < at)
        i++;
    insert(i, at, len);
    if (i + 1 < ledger.count && at + len == ledger.range[i + 1].at) {
        ledger.range[i].len += ledger.range[i + 1].len;
        erase(i + 1);
    }
    if (i > 0 && ledger.range[i - 1].at + ledger.range[i - 1].len == at) {
        ledger.range[i - 1].len += ledger.range[i].len;
        erase(i);
    }
}

/* Ward unmaps only what it mapped, in one piece. Anything else is what this ledger is for. */
static void strike(uintptr_t at, size_t len)
{
    size_t i = 0, before, after;

    while (i < ledger.count && ledger.range[i].at + ledger.range[i].len <= at)
        i++;
    if (i == ledger.count || at < ledger.range[i].at ||
        len > ledger.range[i].at + ledger.range[i].len - at) {
        fprintf(stderr, "inject: unmapped what is not ward's: %#zx, %zu bytes\n", (size_t)at, len);
        abort();
    }
    before = at - ledger.range[i].at;
    after = ledger.range[i].len - before - len;
    ledger.range[i].len = before;
    if (after > 0)
        insert(i + 1, at + len, after);
    if (before == 0)
        erase(i);
}

/* --- The host calls --------------------------------------------------------------------------- */

static bool is_taken(unsigned ability)
{
    return (state.taken & ability) != 0;
}

static int missing(enum ward_host_memory kind, const void *at)
{
    if (kind == WARD_HOST_SECRET && is_taken(INJECT_NO_SECRET))
        return -ENOTSUP;
    if (kind == WARD_HOST_HUGE && is_taken(INJECT_NO_HUGE))
        return -ENOTSUP;
    return at && is_taken(INJECT_NO_FIXED) ? -EBUSY : 0;
}

/* With larger pages an address has to be a multiple of them: map more, and trim. */
static int map_coarse(void **at, size_t len, unsigned prot)
{
    size_t extra = state.page_size;
    unsigned char *from;
    size_t head;
    int error = __real_ward_host_map(at, len + extra, WARD_HOST_ANON, prot, 0);

    if (error)
        return error;
    from = *at;
    head = (extra - (uintptr_t)from % extra) % extra;
    if (head > 0 && __real_ward_host_unmap(from, head))
        abort();
    if (__real_ward_host_unmap(from + head + len, extra - head))
        abort();
    *at = from + head;
    return 0;
}

int __wrap_ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                         size_t huge_bytes)
{
    int error = fails();

    if (!error)
        error = missing(kind, *at);
    if (error) {
        *at = NULL;
        return error;
    }
    if (state.page_size && kind == WARD_HOST_ANON && !*at)
        error = map_coarse(at, len, prot);
    else
        error = __real_ward_host_map(at, len, kind, prot, huge_bytes);
    if (!error)
        enter((uintptr_t)*at, len);
    return error;
}

int __wrap_ward_host_unmap(void *at, size_t len)
{
    int error = fails();

    if (!error)
        error = __real_ward_host_unmap(at, len);
    if (!error)
        strike((uintptr_t)at, len);
    return error;
}

int __wrap_ward_host_protect(void *at, size_t len, unsigned prot)
{
    int error = fails();

    if (!error && prot & WARD_KEYED && is_taken(INJECT_NO_KEY))
        error = -ENOTSUP;
    return error ? error : __real_ward_host_protect(at, len, prot);
}

int __wrap_ward_host_advise(void *at, size_t len, enum ward_host_advice advice)
{
    int error = fails();

    if (!error && is_taken(INJECT_NO_ADVICE(advice)))
        error = -ENOTSUP;
    return error ? error : __real_ward_host_advise(at, len, advice);
}

/* splitmix64, so that a seed of 1 is as good as any. */
static unsigned char next_byte(void)
{
    uint64_t mixed = (state.seed += UINT64_C(0x9e3779b97f4a7c15));

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned char)(mixed >> 56);
}

int __wrap_ward_host_random(void *bytes, size_t len)
{
    unsigned char *to = bytes;
    int error = fails();

    if (error || state.seed == 0)
        return error ? error : __real_ward_host_random(bytes, len);
    for (size_t i = 0; i < len; i++)
        to[i] = next_byte();
    return 0;
}

int __wrap_ward_host_key(void)
{
    int error = fails();

    if (error)
        return error;
    return is_taken(INJECT_NO_KEY) ? -ENOTSUP : __real_ward_host_key();
}

size_t __wrap_ward_host_page_size(void)
{
    return state.page_size ? state.page_size : __real_ward_host_page_size();
}

size_t __wrap_ward_host_split_budget(void)
{
    return state.split_budget != SIZE_MAX ? state.split_budget : __real_ward_host_split_budget();
}
