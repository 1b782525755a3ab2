/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/resource.h>

#include <ward/host.h>
#include <ward/random.h>

#include "door.h"
#include "fault.h"
#include "guarded.h"
#include "mapped.h"
#include "memory.h"
#include "options.h"
#include "owner.h"
#include "quarantine.h"
#include "rows.h"
#include "shared.h"
#include "start.h"
#include "status.h"
#include "trace.h"

enum {
    RANGE_LOG2 = 38,       /* 256 GiB to a class: millions of blocks of 64 KiB */
    RANGE_LOG2_LEAST = 34, /* with less, one for all of them */
    PITCH_PAGES = 16,      /* at least */
    SLOTS_LEAST = 8,
    PITCH_PAGES_NARROW = 4,
    SLOTS_LEAST_NARROW = 2,
    COMMITTED_MAX = 2 << 20,
};

#define FENCE ((size_t)RESERVE_ALIGN) /* around a reservation */

struct ward_root ward_root_;

#define READ_ONLY offsetof(struct ward_root, limits) /* bytes of the root, once it is filled in */

/* --- Layout ----------------------------------------------------------------------------------- */

/* Room for the slots, and at least a page behind them. */
static unsigned pitch_of(unsigned class, size_t bytes)
{
    bool narrow = (ward_root_.policy & POLICY_NARROW) != 0;
    size_t slots = class >= CLASS_SMALL ? 1 : narrow ? SLOTS_LEAST_NARROW : SLOTS_LEAST;
    size_t pages = narrow ? PITCH_PAGES_NARROW : PITCH_PAGES;
    unsigned pitch_log2 = 0;

    while ((size_t)1 << pitch_log2 < slots * bytes + ward_root_.page ||
           (size_t)1 << pitch_log2 < pages * ward_root_.page)
        pitch_log2++;
    return pitch_log2;
}

/* Ranges are a power of two apart. If all were used from their start on, the same few sets of the
 * processor's address caches (TLB) would serve them all: so each leaves out some at first, up to 31
 * pieces of 64 KiB, or spans where those are larger (decision 076). */
static unsigned first_of(unsigned class, unsigned pitch_log2)
{
    enum { PIECES = 32, PIECE_LOG2 = 16, SPREAD = 13 };
    unsigned piece = class < CLASS_SMALL ? class * SPREAD % PIECES : 0;

    return pitch_log2 < PIECE_LOG2 ? piece << (PIECE_LOG2 - pitch_log2) : piece;
}

static void lay_out(struct class_info *info, unsigned class)
{
    size_t bytes = class_bytes(class), seats = bytes * QUARANTINE_SEATS / QUARANTINE_BYTES;
    unsigned pitch_log2 = pitch_of(class, bytes);

    info->bytes = (uint32_t)bytes;
    info->pitch_log2 = (uint8_t)pitch_log2;
    info->pitch_mask = (uint32_t)(((size_t)1 << pitch_log2) - 1);
    info->slots =
        class < CLASS_SMALL ? (uint32_t)((((size_t)1 << pitch_log2) - ward_root_.page) / bytes) : 1;
    info->enough = info->slots / 8 ? info->slots / 8 : 1;
    info->shift = (uint8_t)__builtin_ctzll(bytes);
    info->inverse = ward_slot_inverse_(bytes >> info->shift);
    info->words = (info->slots + 63) / 64;
    info->seats = (uint32_t)(seats > QUARANTINE_SEATS ? QUARANTINE_SEATS : seats ? seats : 1);
    info->pending = (uint32_t)(sizeof(struct span) + round_up(2 * (size_t)info->slots, 128));
    info->record_bytes = (uint32_t)round_up(
        info->pending + (size_t)8 * info->words + ward_rows_bytes_(info->slots), 64);
    info->spans = pitch_log2 <= ward_root_.range_log2
                      ? (uint32_t)1 << (ward_root_.range_log2 - pitch_log2)
                      : 0;
    info->first = (uint8_t)first_of(class, pitch_log2);
    info->committed = bytes <= COMMITTED_MAX;
}

/* Owners, huge blocks, stacks, then the records of each class from a page of their own. Returns the
 * bytes of it all; addresses are numbers here, as there are none at first. */
static size_t place(uintptr_t meta)
{
    size_t off = round_up(OWNERS * sizeof(struct owner), ward_root_.page), huge = off, traces;

    off += huge_bytes();
    traces = off;
    if (ward_root_.range_log2 >= TRACE_RANGE_LOG2)
        off += round_up(ward_trace_bytes_(), ward_root_.page);
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        struct class_info *info = &ward_root_.classes[class];

        info->base = (unsigned char *)((uintptr_t)ward_root_.base +
                                       ((uintptr_t) class << ward_root_.range_log2));
        info->records = (unsigned char *)(meta + off);
        off += round_up(((size_t)info->spans + 1) * info->record_bytes, ward_root_.page);
    }
    ward_root_.meta = (unsigned char *)meta;
    ward_root_.meta_bytes = off;
    ward_root_.owners = (struct owner *)meta;
    ward_root_.huge = (struct huge *)(meta + huge);
    ward_root_.traces =
        ward_root_.range_log2 >= TRACE_RANGE_LOG2 ? (struct trace_store *)(meta + traces) : NULL;
    return off;
}

/* --- Reserving -------------------------------------------------------------------------------- */

static void unmap(unsigned char *at, size_t bytes)
{
    if (bytes)
        (void)!ward_host_unmap(at, bytes); /* else these addresses stay taken */
}

unsigned char *ward_reserve_(size_t bytes, unsigned prot)
{
    void *origin = NULL;
    unsigned char *at, *base;

    if (ward_host_map(&origin, bytes + 3 * FENCE, WARD_HOST_ANON, prot, 0))
        return NULL;
    at = origin;
    base = (unsigned char *)round_up((uintptr_t)at + FENCE, FENCE);
    unmap(at, (size_t)(base - FENCE - at));
    unmap(base + bytes + FENCE, (size_t)(at + 2 * FENCE - base));
    return base;
}

void ward_unreserve_(void *at, size_t bytes)
{
    unmap((unsigned char *)at - FENCE, bytes + 2 * FENCE);
}

static bool reserve_both(unsigned range_log2, size_t most)
{
    unsigned char *meta;
    size_t bytes;

    ward_root_.range_log2 = range_log2;
    ward_root_.range_mask = ((size_t)1 << range_log2) - 1;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        lay_out(&ward_root_.classes[class], class);
    for (size_t i = 0; i < sizeof ward_root_.quick; i++)
        ward_root_.quick[i] = (uint8_t)class_computed((i + 1) * CLASS_STEP);
    ward_root_.owners_most = OWNERS;
    ward_root_.huge_count = HUGE_LEAST;
    bytes = place(0);
    if (bytes + ((size_t)CLASS_COUNT << range_log2) > most)
        return false;
    meta = ward_reserve_(bytes, WARD_NONE);
    ward_root_.base = meta ? ward_reserve_((size_t)CLASS_COUNT << range_log2, WARD_NONE) : NULL;
    if (ward_root_.base) {
        (void)place((uintptr_t)meta);
        ward_root_.bytes = (size_t)CLASS_COUNT << range_log2;
        return true;
    }
    if (meta)
        ward_unreserve_(meta, bytes);
    return false;
}

/* Half of what the process may have: the rest is for stacks, libraries and files. */
static size_t most_addresses(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur / 2;
}

static bool reserve_all(void)
{
    size_t most = most_addresses();

    for (unsigned log2 = RANGE_LOG2; log2 >= RANGE_LOG2_LEAST; log2--)
        if (reserve_both(log2, most))
            return true;
    ward_root_.base = NULL;
    return ward_shared_start_(most);
}

static bool draw_secrets(void)
{
    struct ward_random_root keys;
    bool drawn =
        !ward_random_root_init(&keys) &&
        !ward_random_keys(&keys, WARD_FOR_CANARY, ward_root_.canary, sizeof ward_root_.canary);

    memset(&keys, 0, sizeof keys);
    __asm__ volatile("" : : "r"(&keys) : "memory");
    return drawn;
}

/* Without guarded slots all goes on as it does without their policies. */
static void start_guarded(void)
{
    static const char text[] =
        "==ward== pages: no room for guarded slots in this process: as in balanced\n";

    if (!(ward_root_.policy & (POLICY_SAMPLE | POLICY_PAGES)) || ward_guarded_start_())
        return;
    if (ward_root_.policy & POLICY_PAGES)
        ward_host_write(text, sizeof text - 1);
    ward_root_.policy &= ~(unsigned)(POLICY_SAMPLE | POLICY_PAGES);
}

static void start_quarantine(void)
{
    if (ward_root_.policy & POLICY_LONG && !ward_quarantine_start_())
        ward_root_.policy &= ~(unsigned)POLICY_LONG;
}

static void take_options(const struct options *options)
{
    ward_root_.policy = options->policy & ~(unsigned)POLICY_KEYS; /* until there is a door */
    ward_root_.guarded.exact = options->exact;
    if (options->no_sample)
        ward_root_.policy &= ~(unsigned)POLICY_SAMPLE;
    ward_root_.explains_faults = !options->no_faults;
    if (options->moments && ward_root_.policy != POLICY_FAST) /* whose instance is constant */
        ward_root_.policy |= POLICY_MOMENTS;
    if (ward_root_.policy & (POLICY_LONG | POLICY_FAMILY | POLICY_MOMENTS))
        ward_root_.policy |= POLICY_UNUSUAL;
    ward_root_.profile = options->profile;
    ward_root_.output = options->output;
    ward_output_start_(&ward_root_.output);
}

static bool start(void)
{
    struct options options = ward_options_get_();

    ward_root_.page = ward_host_page_size();
    ward_root_.fork_word = ward_host_fork_word();
    ward_root_.lines = ward_clear_has_lines_();
    take_options(&options);
    if (!reserve_all())
        return false;
    start_guarded();
    start_quarantine();
    if (!draw_secrets() || ward_host_protect(ward_root_.huge, huge_bytes(), WARD_RW) ||
        !ward_owner_start_())
        return false;
    if (options.passes_foreign)
        ward_root_.foreign = ward_foreign_find_();
    ward_door_start_(&options);
    if (ward_host_protect(&ward_root_, READ_ONLY, WARD_READ | WARD_HOST_KEEP_KEY))
        return false;
    if (ward_root_.policy & POLICY_SEAL) {
        ward_memory_seal_(&ward_root_, READ_ONLY);
        ward_memory_seal_(ward_root_.huge, huge_bytes());
    }
    ward_status_start_(&options, (size_t)1 << RANGE_LOG2);
    return true;
}

/* There is one thread until the first block is issued: making another needs one, or, with musl,
 * watch_forks() did. Who asks for a block from within has none. */
bool ward_start_(void)
{
    static enum { NOT_YET, STARTING, STARTED, FAILED } state;

    if (state == NOT_YET) {
        state = STARTING;
        state = start() ? STARTED : FAILED;
        if (state == STARTED && ward_root_.explains_faults)
            ward_fault_start_(); /* who interposes on sigaction may allocate */
    }
    return state == STARTED;
}
