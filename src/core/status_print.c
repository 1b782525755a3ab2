/* SPDX-License-Identifier: MIT */
#include <ward/status.h>

#include "text.h"

static const char *const names[] = {
    [WARD_STATUS_USED] = "used_bytes",
    [WARD_STATUS_PEAK] = "peak_bytes",
    [WARD_STATUS_BIG_ALLOCS] = "big_allocations",
    [WARD_STATUS_GUARDS_MARKED] = "guards_marked",
    [WARD_STATUS_GUARDS_MAPPED] = "guards_mapped",
    [WARD_STATUS_GUARDS_MISSING] = "guards_missing",
    [WARD_STATUS_NO_MEMORY] = "no_memory",
    [WARD_STATUS_NO_RELEASE] = "no_release",
    [WARD_STATUS_GUARDED] = "guarded",
    [WARD_STATUS_GUARDED_LIVE] = "guarded_live",
    [WARD_STATUS_GUARDED_BYTES] = "guarded_bytes",
    [WARD_STATUS_BUGS] = "bugs",
    [WARD_STATUS_FOREIGN] = "foreign_frees",
    [WARD_STATUS_SEALED] = "sealed",
    [WARD_STATUS_NOT_SEALED] = "not_sealed",
};

_Static_assert(sizeof names / sizeof *names == WARD_STATUS_COUNTERS, "every counter has a name");

const char *ward_status_name(enum ward_status_counter counter)
{
    return (unsigned)counter < WARD_STATUS_COUNTERS ? names[counter] : "unknown";
}

/* --- Pieces ----------------------------------------------------------------------------------- */

static void put_count(struct text *t, uint64_t n, const char *what)
{
    put_number(t, n, 10);
    put(t, " ");
    put(t, what);
    put(t, n == 1 ? "" : "s");
}

/* "17 bytes", "1.5 KiB", "64 GiB": rounded down, with a digit behind the point below 100. */
static void put_size(struct text *t, uint64_t bytes)
{
    static const char *const units[] = { " KiB", " MiB", " GiB", " TiB" };
    unsigned unit = 0, shift = 10;

    if (bytes < 1024) {
        put_count(t, bytes, "byte");
        return;
    }
    while (bytes >> shift >= 1024 && unit < 3)
        unit++, shift += 10;
    put_number(t, bytes >> shift, 10);
    if (bytes >> shift < 100 && bytes & (((uint64_t)1 << shift) - 1)) {
        put(t, ".");
        put_number(t, ((bytes >> (shift - 10)) & 1023) * 10 / 1024, 10);
    }
    put(t, units[unit]);
}

static void put_head(struct text *t, const char *indent, const char *head)
{
    put(t, indent);
    put(t, head);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void put_profile(struct text *t, const char *indent, const struct ward_status *status)
{
    char name[sizeof status->profile + 1];

    __builtin_memcpy(name, status->profile, sizeof status->profile);
    name[sizeof name - 1] = '\0';
    for (char *at = name; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    put_head(t, indent, "profile      ");
    put(t, *name ? name : "?");
    if (status->locked == WARD_STATUS_LOCKED_ALL)
        put(t, ", all records locked by a protection key");
    else if (status->locked == WARD_STATUS_LOCKED_COLD)
        put(t, ", some records locked by a protection key");
    if (status->counters[WARD_STATUS_NOT_SEALED])
        put(t, ", records not sealed: the system does not do it");
    else if (status->counters[WARD_STATUS_SEALED])
        put(t, ", records sealed");
    put(t, "\n");
}

static void put_blocks(struct text *t, const char *indent, const struct ward_status_totals *sum)
{
    put_head(t, indent, "live         ");
    if (!sum->counted) {
        put(t, "not counted, as address space is short: nor what is kept, or freed\n");
        return;
    }
    put_count(t, sum->blocks, "block");
    put(t, ", ");
    put_size(t, sum->bytes);
    put(t, " requested, ");
    put_size(t, sum->slot_bytes);
    put(t, " in slots\n");
    put_head(t, indent, "quarantine   ");
    put_count(t, sum->waiting, "block");
    put(t, ", ");
    put_size(t, sum->waiting_bytes);
    put(t, "\n");
}

static void put_memory(struct text *t, const char *indent, const struct ward_status *status,
                       const struct ward_status_totals *sum)
{
    put_head(t, indent, "memory       ");
    put_size(t, status->counters[WARD_STATUS_USED]);
    put(t, " set apart, ");
    put_size(t, status->counters[WARD_STATUS_PEAK]);
    put(t, " at the peak");
    if (sum->counted) {
        put(t, ", ");
        put_size(t, sum->kept_bytes);
        put(t, " kept for reuse");
    }
    put(t, "\n");
}

static void put_history(struct text *t, const char *indent, const struct ward_status *status,
                        const struct ward_status_totals *sum)
{
    put_head(t, indent, "allocated    ");
    put_count(t, sum->allocations, "block");
    put(t, ", ");
    put_size(t, sum->allocated_bytes);
    put(t, " in slots and ");
    put_count(t, status->counters[WARD_STATUS_BIG_ALLOCS], "big block");
    put(t, "\n");
    put_head(t, indent, "checked      ");
    if (sum->counted) {
        put_count(t, sum->frees, "free");
        put(t, ", ");
    }
    put_count(t, status->counters[WARD_STATUS_GUARDED], "guarded allocation");
    put(t, "\n");
}

static void put_spans(struct text *t, const char *indent, const struct ward_status *status,
                      const struct ward_status_totals *sum)
{
    put_head(t, indent, "spans        ");
    if (sum->counted)
        put_number(t, sum->spans, 10);
    else
        put(t, "not counted");
    put(t, ", of ");
    put_count(t, sum->threads, "thread");
    put(t, "\n");
    put_head(t, indent, "guards       ");
    put_number(t, status->counters[WARD_STATUS_GUARDS_MARKED], 10);
    put(t, " by marker, ");
    put_number(t, status->counters[WARD_STATUS_GUARDS_MAPPED], 10);
    put(t, " by protection, ");
    put_number(t, status->counters[WARD_STATUS_GUARDS_MISSING], 10);
    put(t, " missing\n");
}

static void put_fallbacks(struct text *t, const char *indent, const struct ward_status *status,
                          const struct ward_status_totals *sum)
{
    put_head(t, indent, "reserved     ");
    put_size(t, status->range_bytes);
    put(t, sum->counted ? " for each size class" : " for all size classes together");
    if (status->range_bytes < status->range_wanted) {
        put(t, ", stepped down from ");
        put_size(t, status->range_wanted);
    }
    put(t, "\n");
    put_head(t, indent, "refused      ");
    put(t, "memory ");
    put_count(t, status->counters[WARD_STATUS_NO_MEMORY], "time");
    put(t, ", giving it back ");
    put_count(t, status->counters[WARD_STATUS_NO_RELEASE], "time");
    put(t, "\n");
}

static void put_events(struct text *t, const char *indent, const struct ward_status *status)
{
    put_head(t, indent, "bugs         ");
    put_number(t, status->counters[WARD_STATUS_BUGS], 10);
    put(t, " reported\n");
    if (status->counters[WARD_STATUS_FOREIGN]) {
        put_head(t, indent, "foreign      ");
        put_count(t, status->counters[WARD_STATUS_FOREIGN], "free");
        put(t, " passed on to another malloc\n");
    }
    put_head(t, indent, "faults       ");
    if (status->segv == WARD_STATUS_SEGV_OURS)
        put(t, "explained: the handler of SIGSEGV is ward's\n");
    else if (status->segv == WARD_STATUS_SEGV_OTHER)
        put(t, "not explained: the program has taken SIGSEGV over\n");
    else
        put(t, "not explained: ward handles no SIGSEGV here\n");
}

size_t ward_status_print(const struct ward_status *status, const struct ward_status_totals *sum,
                         const char *indent, char *out, size_t cap)
{
    struct text t = { out, 0, cap };

    if (cap == 0)
        return 0;
    put_profile(&t, indent, status);
    put_blocks(&t, indent, sum);
    put_memory(&t, indent, status, sum);
    put_history(&t, indent, status, sum);
    put_spans(&t, indent, status, sum);
    put_fallbacks(&t, indent, status, sum);
    put_events(&t, indent, status);
    out[t.len] = '\0';
    return t.len;
}
