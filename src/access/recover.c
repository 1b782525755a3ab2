/* SPDX-License-Identifier: MIT */
/*
 * The exception tables: a fixed array of pointers, so that finding an entry in a signal handler
 * takes no lock, and registering takes none either.
 */
#include <ward/arith.h>
#include <ward/host.h>
#include <ward/recover.h>

#include "recover.h"

static struct ward_recover_table *_Atomic tables[WARD_RECOVER_TABLES];
static _Atomic unsigned highest; /* no table stands at or above; never goes back */
static _Atomic bool frozen;

static struct ward_recover_looks_ first_looks;
static struct ward_recover_looks_ *_Atomic looks = &first_looks;

/* --- Looking ---------------------------------------------------------------------------------- */

static uintptr_t insn_of(const struct ward_recover_entry *entry)
{
    return (uintptr_t)&entry->insn + (uintptr_t)(intptr_t)entry->insn;
}

static const struct ward_recover_entry *nth(const struct ward_recover_table *table, size_t n)
{
    return table->begin + (table->order ? table->order[n] : n);
}

static const struct ward_recover_entry *search(const struct ward_recover_table *table, uintptr_t pc)
{
    size_t low = 0, high = (size_t)(table->end - table->begin);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (insn_of(nth(table, middle)) < pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == (size_t)(table->end - table->begin) || insn_of(nth(table, low)) != pc)
        return NULL;
    return nth(table, low);
}

static const struct ward_recover_entry *find_in(const struct ward_recover_table *table,
                                                uintptr_t pc)
{
    if (pc < table->first || pc > table->last)
        return NULL;
    if (table->sorted || table->order)
        return search(table, pc);
    for (const struct ward_recover_entry *entry = table->begin; entry < table->end; entry++)
        if (insn_of(entry) == pc)
            return entry;
    return NULL;
}

/* The look ends before the entry is used: it belongs to the code at pc, which is running, and who
 * unloads code that runs has other worries. */
const struct ward_recover_entry *ward_recover_find(uintptr_t pc)
{
    struct ward_recover_looks_ *counted = atomic_load(&looks);
    unsigned side = atomic_load(&counted->side) & 1;
    const struct ward_recover_entry *found = NULL;

    atomic_fetch_add(&counted->in[side], 1);
    for (unsigned i = 0; i < atomic_load(&highest) && !found; i++) {
        const struct ward_recover_table *table = atomic_load(&tables[i]);

        found = table ? find_in(table, pc) : NULL;
    }
    atomic_fetch_sub(&counted->in[side], 1);
    return found;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

void ward_recover_count_in_(struct ward_recover_looks_ *counted)
{
    atomic_store(&looks, counted);
}

/* A look counts itself before it reads a table, so each side must have been seen empty. The current
 * one may never be: it is made the old one first. Who else waits moves `side` as well, and two
 * rounds may then come to the same. */
static void wait_for(struct ward_recover_looks_ *counted)
{
    bool was_empty[2] = { false, false };

    while (!was_empty[0] || !was_empty[1]) {
        unsigned old = atomic_fetch_add(&counted->side, 1) & 1;

        while (atomic_load(&counted->in[old]) != 0)
            ;
        was_empty[old] = true;
    }
}

static void wait_for_looks(void)
{
    struct ward_recover_looks_ *counted = atomic_load(&looks);

    wait_for(&first_looks);
    if (counted != &first_looks)
        wait_for(counted);
}

void ward_recover_freeze_(void)
{
    atomic_store(&frozen, true);
}

/* --- Sorting ---------------------------------------------------------------------------------- */

static bool is_sorted(const struct ward_recover_table *table)
{
    for (const struct ward_recover_entry *entry = table->begin + 1; entry < table->end; entry++)
        if (insn_of(entry) < insn_of(entry - 1))
            return false;
    return true;
}

static void sift(const struct ward_recover_table *table, uint32_t *heap, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        uint32_t moved = heap[root];

        if (child + 1 < count &&
            insn_of(table->begin + heap[child]) < insn_of(table->begin + heap[child + 1]))
            child++;
        if (insn_of(table->begin + moved) >= insn_of(table->begin + heap[child]))
            return;
        heap[root] = heap[child];
        heap[child] = moved;
    }
}

/* Heapsort: no recursion, no memory, no worst case. */
static void sort(const struct ward_recover_table *table, uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count / 2; i-- > 0;)
        sift(table, order, i, count);
    for (size_t end = count; end-- > 1;) {
        uint32_t greatest = order[0];

        order[0] = order[end];
        order[end] = greatest;
        sift(table, order, 0, end);
    }
}

/* A host that cannot unmap keeps it: some bytes are lost. */
static void drop_map(void *at, size_t bytes)
{
    int kept = ward_host_unmap(at, bytes);

    (void)kept;
}

/* Maps the order. Where there is no memory for it, the table is searched one by one. */
static void make_order(struct ward_recover_table *table, size_t count)
{
    size_t bytes = 0;
    void *at = NULL;

    if (count > UINT32_MAX ||
        !ward_round_up(count * sizeof *table->order, ward_host_page_size(), &bytes) ||
        ward_host_map(&at, bytes, WARD_HOST_ANON, WARD_RW, 0))
        return;
    sort(table, at, count);
    if (ward_host_protect(at, bytes, WARD_READ)) {
        drop_map(at, bytes);
        return;
    }
    table->order = at;
    table->order_bytes = bytes;
}

static void drop_order(struct ward_recover_table *table)
{
    union {
        const uint32_t *order;
        void *at;
    } mapped = { table->order };

    if (table->order)
        drop_map(mapped.at, table->order_bytes);
    table->order = NULL;
    table->order_bytes = 0;
}

static void prepare(struct ward_recover_table *table, size_t count)
{
    table->first = UINTPTR_MAX;
    table->last = 0;
    for (const struct ward_recover_entry *entry = table->begin; entry < table->end; entry++) {
        uintptr_t insn = insn_of(entry);

        table->first = insn < table->first ? insn : table->first;
        table->last = insn > table->last ? insn : table->last;
    }
    table->sorted = is_sorted(table);
    if (!table->sorted)
        make_order(table, count);
}

/* --- Registering ------------------------------------------------------------------------------ */

static bool raise_highest(unsigned to)
{
    unsigned known = atomic_load(&highest);

    while (known < to && !atomic_compare_exchange_weak(&highest, &known, to))
        ;
    return true;
}

/* Puts a table into the first place that is free. */
static bool put(struct ward_recover_table *table)
{
    for (unsigned i = 0; i < WARD_RECOVER_TABLES; i++) {
        struct ward_recover_table *none = NULL;

        if (atomic_compare_exchange_strong(&tables[i], &none, table))
            return raise_highest(i + 1);
    }
    return false;
}

static bool take(struct ward_recover_table *table)
{
    for (unsigned i = 0; i < WARD_RECOVER_TABLES; i++) {
        struct ward_recover_table *there = table;

        if (atomic_compare_exchange_strong(&tables[i], &there, NULL))
            return true;
    }
    return false;
}

int ward_recover_register(struct ward_recover_table *table)
{
    if (!table || !table->begin || table->end < table->begin)
        return -EINVAL;
    if (table->registered)
        return 0;
    if (table->begin != table->end)
        prepare(table, (size_t)(table->end - table->begin));
    if (!put(table)) {
        drop_order(table);
        return -ENOSPC;
    }
    table->registered = true;
    return 0;
}

int ward_recover_unregister(struct ward_recover_table *table)
{
    if (!table || !table->registered)
        return -EINVAL;
    if (atomic_load(&frozen))
        return 0;
    if (!take(table))
        return -EINVAL;
    wait_for_looks();
    drop_order(table);
    table->registered = false;
    return 0;
}

bool ward_recover_active(void)
{
    return ward_host_thread()->accessing > 0;
}
