/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <ward/host.h>

#include "mapped.h"
#include "memory.h"
#include "shared.h"
#include "start.h"
#include "text.h"

enum {
    MOST_LOG2 = 36,
    LEAST = 4 << 20,
    GRAIN = 2 << 20,
    CLASS_BYTES_MAX = 1 << 20, /* larger blocks have mappings of their own */
    BYTES_TO_AN_OWNER = 128 << 10,
    FIRST_STEP = 256 << 10,
};

static struct shared_pool *const pool = &ward_root_.shared_pool;

/* --- Layout ----------------------------------------------------------------------------------- */

static size_t units_of(const struct class_info *info)
{
    return (size_t)1 << (info->pitch_log2 - ward_root_.shared.unit_log2);
}

/* The range and they have as much of the addresses each, see most_addresses() in start.c. */
static uint32_t huge_for(size_t bytes)
{
    size_t count = bytes / CLASS_BYTES_MAX;

    count = count < HUGE_LEAST ? HUGE_LEAST : count;
    return (uint32_t)(count < HUGE_MOST ? count : HUGE_MOST);
}

/* Owners, huge blocks, the table of units, the records. Returns the bytes of it all; addresses
 * are numbers here, as there are none at first. */
static size_t place(uintptr_t meta, unsigned char *base, size_t bytes)
{
    struct shared_root *shared = &ward_root_.shared;
    size_t page = ward_root_.page, units = bytes >> shared->unit_log2;
    size_t huge, table, at;

    ward_root_.owners_most = (uint32_t)(16 + bytes / BYTES_TO_AN_OWNER);
    if (ward_root_.owners_most > OWNERS)
        ward_root_.owners_most = OWNERS;
    ward_root_.huge_count = huge_for(bytes);
    huge = round_up(ward_root_.owners_most * sizeof(struct owner), page);
    table = huge + huge_bytes();
    at = table + round_up(units, page);
    ward_root_.owners = (struct owner *)meta;
    ward_root_.huge = (struct huge *)(meta + huge);
    shared->units = (_Atomic uint8_t *)(meta + table);
    shared->base = base;
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        struct class_info *info = &ward_root_.classes[class];

        info->base = base;
        info->records = (unsigned char *)(meta + at);
        info->record_bytes = (uint32_t)(shared->record_bytes * units_of(info));
        info->spans = info->bytes <= CLASS_BYTES_MAX ? (uint32_t)(bytes >> info->pitch_log2) : 0;
        info->committed = true;
        info->first = 0;
    }
    at += round_up(units * shared->record_bytes, page);
    ward_root_.meta = (unsigned char *)meta;
    ward_root_.meta_bytes = at;
    return at;
}

static size_t largest_record(void)
{
    size_t most = 0;

    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        if (ward_root_.classes[class].record_bytes > most)
            most = ward_root_.classes[class].record_bytes;
    return most;
}

static bool reserve(size_t bytes, size_t most)
{
    size_t of_meta = place(0, NULL, bytes);
    unsigned char *meta, *base;

    if (bytes + of_meta > most)
        return false;
    meta = ward_reserve_(of_meta, WARD_NONE);
    base = meta ? ward_reserve_(bytes, WARD_NONE) : NULL;
    if (!base) {
        if (meta)
            ward_unreserve_(meta, of_meta);
        return false;
    }
    (void)place((uintptr_t)meta, base, bytes);
    return true;
}

static void tell(size_t bytes)
{
    char line[128];
    struct text text = { line, 0, sizeof line };

    ward_text_put_(&text, "==ward== address space is short: one range of ");
    ward_text_put_decimal_(&text, bytes >> 20);
    ward_text_put_(&text, " MiB for blocks of up to 1 MiB\n");
    ward_host_write(line, text.len);
}

bool ward_shared_start_(size_t most)
{
    struct shared_root *shared = &ward_root_.shared;
    size_t bytes = (size_t)1 << MOST_LOG2;

    shared->unit_log2 = ward_root_.classes[0].pitch_log2;
    shared->record_bytes = largest_record();
    while (bytes >= LEAST && !reserve(bytes, most))
        bytes = (bytes - bytes / 4) & ~(size_t)(GRAIN - 1);
    if (bytes < LEAST ||
        ward_host_protect((void *)(uintptr_t)shared->units,
                          round_up(bytes >> shared->unit_log2, ward_root_.page), WARD_RW))
        return false;
    shared->bytes = bytes;
    ward_root_.traces = NULL;
    tell(bytes);
    return true;
}

/* --- Spans ------------------------------------------------------------------------------------ */

bool ward_shared_find_(const void *block, struct place *place)
{
    const struct shared_root *shared = &ward_root_.shared;
    uint64_t off = (uintptr_t)block - (uintptr_t)shared->base;
    unsigned number;

    if (off >= shared->bytes)
        return false;
    number = LOAD(&shared->units[off >> shared->unit_log2]);
    if (number == 0) /* its record cannot be read yet */
        return false;
    *place = place_at(&ward_root_.classes[number - 1], off);
    return true;
}

static bool commit(const struct class_info *info, size_t first, size_t units)
{
    const struct shared_root *shared = &ward_root_.shared;
    size_t all =
        round_up((shared->bytes >> shared->unit_log2) * shared->record_bytes, ward_root_.page);

    struct prefix of_records = { info->records, FIRST_STEP, all, false };
    struct prefix of_blocks = { info->base, FIRST_STEP, shared->bytes, false };

    return ward_memory_commit_(&of_records, &pool->records, (first + 1) * shared->record_bytes) &&
           ward_memory_commit_(&of_blocks, &pool->blocks, (first + units) << shared->unit_log2);
}

static bool take_units(size_t units, size_t *first)
{
    size_t most = ward_root_.shared.bytes >> ward_root_.shared.unit_log2;
    size_t was = atomic_load(&pool->next_unit);

    do {
        *first = round_up(was, units);
        if (*first + units > most)
            return false;
    } while (!atomic_compare_exchange_weak(&pool->next_unit, &was, *first + units));
    return true;
}

/* Units that were taken in vain are taken by the next who asks, unless somebody was faster. */
bool ward_shared_take_(unsigned class, uint32_t *number)
{
    const struct class_info *info = &ward_root_.classes[class];
    size_t units = units_of(info), first, end;

    if (info->spans == 0 || !take_units(units, &first))
        return false;
    end = first + units;
    if (!commit(info, first, units)) {
        atomic_compare_exchange_strong(&pool->next_unit, &end, first);
        return false;
    }
    for (size_t i = first; i < end; i++)
        STORE(&ward_root_.shared.units[i], (uint8_t)(class + 1));
    *number = (uint32_t)(first / units);
    return true;
}
