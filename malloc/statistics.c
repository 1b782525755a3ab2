/* SPDX-License-Identifier: MIT */
/*
 * How much memory the malloc has, and how much of it is in use: what mallinfo and its relatives
 * answer. All records are read, and nothing stands still meanwhile: while other threads allocate,
 * the numbers are of slightly different moments.
 *
 *   arena     bytes of all slots that were issued before, and pages kept by spans without a block
 *   uordblks  of these, in slots and spans that hold a live block
 *   fordblks  the rest
 *   ordblks   free slots
 *   keepcost  pages that malloc_trim gives back
 *   hblks     blocks in mappings of their own, and hblkhd, their bytes without the guards
 *
 * Guarded slots are in arena with their pages, in uordblks with their blocks; the largest are
 * counted as mappings.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "door.h"
#include "guarded.h"
#include "mapped.h"
#include "owner.h"
#include "pool.h"
#include "shared.h"

#define NAME __attribute__((visibility("default")))

/* The layout of <malloc.h>, which not every C library has. */
struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

NAME struct mallinfo mallinfo(void);
NAME struct mallinfo2 mallinfo2(void);
NAME int malloc_info(int options, FILE *to);
NAME void malloc_stats(void);

/* As in names.c. */
NAME struct mallinfo __libc_mallinfo(void) __attribute__((alias("mallinfo")));
NAME struct mallinfo2 __libc_mallinfo2(void) __attribute__((alias("mallinfo2")));

/* --- Counting --------------------------------------------------------------------------------- */

static void count_slots(struct mallinfo2 *sum, const struct class_info *info, struct span *span)
{
    uint32_t fresh = PEEK(span->fresh);

    sum->arena += (size_t)fresh * info->bytes;
    for (uint32_t slot = 0; slot < fresh; slot++) {
        uint32_t state = LOAD(&span->states[slot]);

        sum->uordblks += state >= SLOT_LIVE ? info->bytes : 0;
        sum->ordblks += state <= SLOT_FREE;
    }
}

static void count_big(struct mallinfo2 *sum, struct span *span)
{
    if (LOAD(span->states) != SLOT_BIG)
        return;
    sum->arena += PEEK(span->open);
    sum->uordblks += PEEK(span->open);
}

static void count_class(struct mallinfo2 *sum, unsigned class)
{
    const struct class_info *info = &ward_root_.classes[class];
    uint32_t first = ward_root_.classes[class].first, end = ward_pool_end_(class);

    for (uint32_t number = first; number < end; number++) {
        struct span *span = pool_span(class, number);
        size_t kept = PEEK(span->kept);

        if (!shared_has(class, number))
            continue;

        sum->arena += kept;
        sum->keepcost += kept;
        if (class < CLASS_SMALL)
            count_slots(sum, info, span);
        else
            count_big(sum, span);
    }
}

static void count_mappings(struct mallinfo2 *sum)
{
    for (size_t i = 0; i < ward_root_.huge_count; i++) {
        struct huge *entry = &ward_root_.huge[i];
        uintptr_t at = atomic_load(&entry->at);

        if (at == 0 || at & HUGE_FREED)
            continue;
        sum->hblks++;
        sum->hblkhd += round_up(PEEK(entry->size), ward_root_.page);
    }
}

static void count_guarded(struct mallinfo2 *sum)
{
    struct guarded_counts counts = ward_guarded_count_();

    sum->arena += counts.open;
    sum->uordblks += counts.used;
    sum->hblks += counts.big;
    sum->hblkhd += counts.big_open;
}

/* What a class, or the sum of them, has besides what is in use. */
static void count_rest(struct mallinfo2 *sum)
{
    sum->fordblks = sum->arena > sum->uordblks ? sum->arena - sum->uordblks : 0;
}

static void count_all(struct mallinfo2 *sum)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        count_class(sum, class);
    count_mappings(sum);
    count_guarded(sum);
    count_rest(sum);
}

/* What is seldom used is counted, too. */
struct mallinfo2 mallinfo2(void)
{
    bool first = ward_owner_enter_first_(), opened = door_open(POLICY_KEYS);
    struct mallinfo2 sum = { 0 };

    if (ward_owner_get_())
        count_all(&sum);
    door_close(opened);
    door_close(first);
    return sum;
}

static int clip(size_t number)
{
    return number < INT_MAX ? (int)number : INT_MAX;
}

struct mallinfo mallinfo(void)
{
    struct mallinfo2 sum = mallinfo2();

    return (struct mallinfo){
        .arena = clip(sum.arena),
        .ordblks = clip(sum.ordblks),
        .hblks = clip(sum.hblks),
        .hblkhd = clip(sum.hblkhd),
        .uordblks = clip(sum.uordblks),
        .fordblks = clip(sum.fordblks),
        .keepcost = clip(sum.keepcost),
    };
}

/* --- Telling ---------------------------------------------------------------------------------- */

static void tell_class(FILE *to, unsigned class)
{
    struct mallinfo2 sum = { 0 };
    size_t bytes = class_bytes(class), from = class ? class_bytes(class - 1) + 1 : 1;
    bool opened;

    opened = door_open(POLICY_LOCK);
    count_class(&sum, class);
    door_close(opened);
    if (sum.ordblks)
        fprintf(to, "<size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n", from, bytes,
                sum.ordblks * bytes, sum.ordblks);
}

static void tell_system(FILE *to, size_t bytes)
{
    fprintf(to, "<system type=\"current\" size=\"%zu\"/>\n", bytes);
    fprintf(to, "<aspace type=\"total\" size=\"%zu\"/>\n",
            ward_root_.bytes + ward_root_.shared.bytes);
    fprintf(to, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", bytes);
}

static void tell_free(FILE *to, const struct mallinfo2 *sum)
{
    fputs("<total type=\"fast\" count=\"0\" size=\"0\"/>\n", to);
    fprintf(to, "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n", sum->ordblks, sum->fordblks);
}

/* The elements of the C library's, version 1, but for the maxima, which nobody records. One heap:
 * its sizes are the free slots of each class. */
int malloc_info(int options, FILE *to)
{
    struct mallinfo2 sum;

    if (options != 0) {
        errno = EINVAL;
        return EINVAL; /* as there, whatever the manual says */
    }
    sum = mallinfo2();
    fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", to);
    for (unsigned class = 0; class < CLASS_COUNT && ward_root_.owners; class ++)
        tell_class(to, class);
    fputs("</sizes>\n", to);
    tell_free(to, &sum);
    tell_system(to, sum.arena);
    fputs("</heap>\n", to);
    tell_free(to, &sum);
    fprintf(to, "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n", sum.hblks, sum.hblkhd);
    tell_system(to, sum.arena + sum.hblkhd);
    fputs("</malloc>\n", to);
    return 0;
}

void malloc_stats(void)
{
    struct mallinfo2 sum = mallinfo2();

    fprintf(stderr,
            "Arena 0:\n"
            "system bytes     = %10zu\n"
            "in use bytes     = %10zu\n"
            "Total (incl. mmap):\n"
            "system bytes     = %10zu\n"
            "in use bytes     = %10zu\n"
            "mmap regions     = %10zu\n"
            "mmap bytes       = %10zu\n",
            sum.arena, sum.uordblks, sum.arena + sum.hblkhd, sum.uordblks + sum.hblkhd, sum.hblks,
            sum.hblkhd);
}
