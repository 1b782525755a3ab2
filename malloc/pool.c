/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/resource.h>

#include <ward/host.h>

#include "core/lock.h"
#include "moment.h"
#include "pool.h"
#include "shared.h"
#include "status.h"

static struct pool *const pools = ward_root_.pools;

/* --- Stacks ----------------------------------------------------------------------------------- */

void ward_pool_push_(enum pool_stack stack, struct span *span)
{
    _Atomic uint64_t *top = &pools[span->class].tops[stack];
    uint64_t was = atomic_load(top), now;

    do {
        span->stack = (uint32_t)was;
        now = ((was >> 32) + 1) << 32 | (span->number + 1);
    } while (!atomic_compare_exchange_weak(top, &was, now));
}

/* The tag tells a top that left and came back from one that stayed (Treiber 1986). */
struct span *ward_pool_pop_(enum pool_stack stack, unsigned class)
{
    _Atomic uint64_t *top = &pools[class].tops[stack];
    uint64_t was = atomic_load(top), now;
    struct span *span;

    do {
        if ((uint32_t)was == 0)
            return NULL;
        span = pool_span(class, (uint32_t)was - 1);
        now = ((was >> 32) + 1) << 32 | span->stack;
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

uint32_t ward_pool_made_(unsigned class)
{
    return atomic_load(&pools[class].made);
}

uintptr_t ward_pool_made_at_(unsigned class)
{
    return (uintptr_t)&pools[class].made;
}

/* --- Memory ----------------------------------------------------------------------------------- */

enum { COMMIT_STEP = 256 << 10, COMMIT_STEP_LARGE = 4 << 20 };

/* Records are sealed by policy. Where blocks lie guards may have to be made by protection yet. */
static bool is_sealed(const unsigned char *at)
{
    return ward_root_.policy & POLICY_SEAL && (size_t)(at - ward_root_.base) >= ward_root_.bytes &&
           (size_t)(at - ward_root_.shared.base) >= ward_root_.shared.bytes &&
           (size_t)(at - ward_root_.guarded.base) >= ward_root_.guarded.bytes;
}

static _Atomic size_t opened; /* bytes of all that can be touched */

enum { LOOK_BYTES = 1 << 20 };

/* The system does not look at RLIMIT_AS when what is reserved is opened. Nor is it asked for the
 * limit each time: what a small program opens are many small pieces. */
static bool is_allowed(size_t len)
{
    size_t was = atomic_load(&opened);
    struct rlimit limit;

    return was / LOOK_BYTES == (was + len) / LOOK_BYTES || getrlimit(RLIMIT_AS, &limit) ||
           limit.rlim_cur == RLIM_INFINITY || was + len <= limit.rlim_cur;
}

static int open_pages(unsigned char *at, size_t len)
{
    int error =
        is_allowed(len) ? ward_host_protect(at, len, WARD_RW | WARD_HOST_KEEP_KEY) : -ENOMEM;

    if (error == 0)
        atomic_fetch_add(&opened, len);
    return error;
}

bool ward_pool_open_(unsigned char *at, size_t len)
{
    return open_pages(at, len) == 0;
}

bool ward_pool_close_(unsigned char *at, size_t len)
{
    if (ward_host_protect(at, len, WARD_NONE | WARD_HOST_KEEP_KEY))
        return false;
    atomic_fetch_sub(&opened, len);
    return true;
}

/* One thread at a time opens more of a range: a second that is slow would open again what became a
 * guard meanwhile. Who takes it over in a forked child finds what can be opened again. */
static uint32_t committer;

/* What is refused because it is sealed was opened by a thread that a fork cut off. */
static bool commit_step(unsigned char *at, size_t len)
{
    int error = open_pages(at, len);

    if (error == 0 && is_sealed(at))
        (void)!ward_host_advise(at, len, WARD_HOST_SEAL);
    return error == 0 || (error == -EPERM && is_sealed(at));
}

/* Where memory is short: no more than is needed. Not of what is sealed: its steps are all alike. */
static bool commit_least(unsigned char *at, size_t len)
{
    return !is_sealed(at) && commit_step(at, len);
}

/* Up to where it can be touched, which was `done`, with one step more. The same: no memory. */
static size_t commit_more(const struct prefix *prefix, size_t done, size_t need)
{
    size_t step = done == 0                  ? prefix->first
                  : done < COMMIT_STEP_LARGE ? COMMIT_STEP
                                             : COMMIT_STEP_LARGE;
    size_t least = round_up(need, ward_root_.page), to = round_up(done + step, ward_root_.page);

    to = to < prefix->most ? to : prefix->most;
    if (commit_step(prefix->base + done, to - done))
        return to;
    return least < to && commit_least(prefix->base + done, least - done) ? least : done;
}

bool ward_pool_commit_(const struct prefix *prefix, _Atomic size_t *committed, size_t need)
{
    size_t done = atomic_load(committed), was;

    if (done >= need)
        return true;
    (void)ward_lock_enter_(&committer);
    done = was = atomic_load(committed);
    do {
        was = done;
        done = done < need ? commit_more(prefix, done, need) : done;
        atomic_store(committed, done);
    } while (done < need && done > was);
    ward_lock_leave_(&committer);
    if (done < need)
        status_add(WARD_STATUS_NO_MEMORY, 1);
    return done >= need;
}

static _Atomic size_t split;

bool ward_pool_split_(void)
{
    if (atomic_fetch_add(&split, 2) < ward_host_split_budget())
        return true;
    ward_pool_unsplit_();
    return false;
}

void ward_pool_unsplit_(void)
{
    atomic_fetch_sub(&split, 2);
}

bool ward_pool_is_split_(void)
{
    return LOAD(&split) != 0;
}

static _Atomic bool marked; /* there are markers somewhere */

bool ward_pool_mark_(unsigned char *at, size_t len)
{
    bool done = ward_host_advise(at, len, WARD_HOST_GUARD) == 0;

    if (done && !LOAD(&marked))
        STORE(&marked, true);
    return done;
}

bool ward_pool_unmark_(unsigned char *at, size_t len)
{
    return ward_host_advise(at, len, WARD_HOST_UNGUARD) == 0 || !LOAD(&marked);
}

/* Without markers a guard costs two mappings, of which there are not many. */
bool ward_pool_guard_(unsigned char *at, size_t len)
{
    if (len == 0)
        return false;
    if (ward_pool_mark_(at, len)) {
        status_add(WARD_STATUS_GUARDS_MARKED, 1);
    } else if (!ward_pool_split_()) {
        status_add(WARD_STATUS_GUARDS_MISSING, 1);
    } else if (ward_host_protect(at, len, WARD_NONE | WARD_HOST_KEEP_KEY)) {
        ward_pool_unsplit_();
        status_add(WARD_STATUS_GUARDS_MISSING, 1);
    } else {
        status_add(WARD_STATUS_GUARDS_MAPPED, 1);
        return true;
    }
    return false;
}

bool ward_pool_unguard_(unsigned char *at, size_t len)
{
    if (ward_host_protect(at, len, WARD_RW | WARD_HOST_KEEP_KEY))
        return false;
    ward_pool_unsplit_();
    return true;
}

void ward_pool_release_(unsigned char *at, size_t len)
{
    if (ward_host_advise(at, round_up(len, ward_root_.page), WARD_HOST_RELEASE)) {
        status_add(WARD_STATUS_NO_RELEASE, 1);
        memset(at, 0, len);
    }
}

/* What its slots hold is zero from now on. */
void ward_pool_drop_(struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    ward_pool_release_(span->base, span->kept);
    span->kept = 0;
    if (info->slots > 1)
        memset((void *)(uintptr_t)span->states, SLOT_NEW, info->slots * sizeof *span->states);
}

enum { KEEP_BYTES = 32 << 20, KEEP_SHARE = 32, KEEP_SECONDS = 1 };

static _Atomic size_t kept;

static bool keep_bytes(size_t len)
{
    size_t was = atomic_load(&kept);

    do {
        if (was + len > KEEP_BYTES)
            return false;
    } while (!atomic_compare_exchange_weak(&kept, &was, was + len));
    return true;
}

void ward_pool_unkeep_(size_t len)
{
    atomic_fetch_sub(&kept, len);
}

/* What is to be given back. */
struct trim {
    size_t leave;   /* bytes that stay, of the first that are found */
    uint32_t until; /* of spans that were kept since then, in seconds, or before */
    bool given;     /* were there any? */
};

static void trim_span(struct span *span, struct trim *trim)
{
    size_t pages = span->kept;

    if (pages == 0 || span->kept_at > trim->until)
        return;
    if (pages <= trim->leave) {
        trim->leave -= pages;
        return;
    }
    ward_pool_drop_(span);
    ward_pool_unkeep_(pages);
    trim->given = true;
}

static void trim_all(struct trim *trim)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (struct span *span = ward_pool_pop_all_(POOL_KEPT, class), *next; span; span = next) {
            next = span->next;
            trim_span(span, trim);
            ward_pool_give_(span);
        }
}

bool ward_pool_trim_(size_t leave)
{
    struct trim trim = { leave, UINT32_MAX, false };

    trim_all(&trim);
    return trim.given;
}

/* What spans keep is of no use to other classes. In a process that is small with all of it, it is
 * worth its pages: who has a few large blocks of many sizes would get new ones at each. */
void ward_pool_use_(size_t bytes)
{
    struct trim trim = { 0, UINT32_MAX, false };
    size_t used, peak, spare;

    ward_status_use_(bytes);
    used = status_get(WARD_STATUS_USED);
    peak = status_get(WARD_STATUS_PEAK);
    spare = peak / KEEP_SHARE;
    trim.leave = (peak > used ? peak - used : 0) + spare / 2;
    if (used + atomic_load(&kept) > KEEP_BYTES && atomic_load(&kept) > trim.leave + spare / 2)
        trim_all(&trim);
}

/* Once a second, by whoever keeps something then. Returns the time in seconds. */
static uint32_t trim_by_age(void)
{
    static _Atomic uint32_t looked;
    uint32_t now = (uint32_t)(ward_moment_clock_() / 1000000000), was = atomic_load(&looked);
    struct trim trim = { 0, now - KEEP_SECONDS - 1, false };

    if (was != now && atomic_compare_exchange_strong(&looked, &was, now))
        trim_all(&trim);
    return now;
}

bool ward_pool_keep_(struct span *span, size_t len)
{
    uint32_t now = trim_by_age();

    if (!keep_bytes(len))
        return false;
    span->kept = len;
    span->kept_at = now;
    return true;
}

/* --- Spans ------------------------------------------------------------------------------------ */

static void raise_end(const struct class_info *info, uint32_t made)
{
    size_t end = (size_t)(info->base - ward_root_.base) + ((size_t)made << info->pitch_log2);
    _Atomic size_t *at = &ward_root_.limits[info - ward_root_.classes].end;
    size_t known = atomic_load(at);

    while (known < end && !atomic_compare_exchange_weak(at, &known, end))
        ;
}

/* Spans below that number can be found from here on. A fork may cut this off in the middle: then
 * the child makes the last of them again. */
static void raise(unsigned class, uint32_t made)
{
    _Atomic uint32_t *at = &pools[class].made;
    uint32_t known = atomic_load(at);

    if (ward_root_.shared.bytes == 0)
        raise_end(&ward_root_.classes[class], made);
    while (known < made && !atomic_compare_exchange_weak(at, &known, made))
        ;
}

enum { RECORDS_FIRST = 16 << 10 };

static size_t used_bytes(const struct class_info *info)
{
    return round_up((size_t)info->slots * info->bytes, ward_root_.page);
}

/* Of the first span of a small class the slots alone are opened: many processes are small, and what
 * is behind is a guard that costs no call. */
static bool is_first(const struct class_info *info, size_t number)
{
    return number == 0 && info->slots > 1 && ward_root_.shared.bytes == 0;
}

static bool commit_blocks(const struct class_info *info, struct pool *pool, size_t number)
{
    size_t pitch = (size_t)1 << info->pitch_log2, first = info->slots > 1 ? pitch : 0;
    struct prefix others = { info->base + first, COMMIT_STEP,
                             ((size_t)info->spans << info->pitch_log2) - first };

    if (!info->committed)
        return true;
    if (is_first(info, number))
        return ward_pool_open_(info->base, used_bytes(info));
    return ward_pool_commit_(&others, &pool->blocks, ((number + 1) << info->pitch_log2) - first);
}

bool ward_pool_reopen_(const struct span *span)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    return !is_first(info, span->number) || ward_pool_open_(span->base, used_bytes(info));
}

static bool commit_span(const struct class_info *info, struct pool *pool, size_t number)
{
    struct prefix records = { info->records, RECORDS_FIRST,
                              round_up((size_t)info->spans * info->record_bytes, ward_root_.page) };

    return ward_pool_commit_(&records, &pool->records, (number + 1) * info->record_bytes) &&
           commit_blocks(info, pool, number);
}

/* A number that was taken in vain is taken by the next who asks, unless somebody was faster. */
static bool take_number(struct pool *pool, uint32_t most, uint32_t *number)
{
    *number = atomic_load(&pool->next);
    do {
        if (*number >= most)
            return false;
    } while (!atomic_compare_exchange_weak(&pool->next, number, *number + 1));
    return true;
}

/* A number whose span and record can be touched. */
static bool take(unsigned class, uint32_t *number)
{
    const struct class_info *info = &ward_root_.classes[class];
    struct pool *pool = &pools[class];
    uint32_t next;

    if (ward_root_.shared.bytes)
        return ward_shared_take_(class, number);
    if (!take_number(pool, info->spans, number))
        return false;
    if (commit_span(info, pool, *number))
        return true;
    next = *number + 1;
    atomic_compare_exchange_strong(&pool->next, &next, *number);
    return false;
}

struct span *ward_pool_make_(unsigned class)
{
    const struct class_info *info = &ward_root_.classes[class];
    size_t used = used_bytes(info);
    struct span *span;
    uint32_t number;
    bool first;

    if (!take(class, &number))
        return NULL;
    span = pool_name(class, number);
    first = is_first(info, number);
    if (class < CLASS_SMALL && !first)
        (void)ward_pool_guard_(span->base + used, ((size_t)1 << info->pitch_log2) - used);
    raise(class, number + 1);
    if (!first)
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
