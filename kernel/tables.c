/* SPDX-License-Identifier: MIT */
/*
 * Page tables: a tree of tables of 512 entries, whose format is the machine's. The kernel half of
 * every root leads to the same tables, which are made at the start for every address there can be.
 */
#include "host.h"
#include "kernel.h"

enum { ENTRIES = 512 };

uint64_t kernel_root;

extern char image_text[], image_rodata[], image_data[], image_end[];

static unsigned shift_of(unsigned level)
{
    return 12 + 9 * level;
}

static uint64_t *entry_in(uint64_t table, uint64_t va, unsigned level)
{
    return (uint64_t *)direct(table) + (va >> shift_of(level)) % ENTRIES;
}

static uint64_t *walk_to(uint64_t root, uint64_t va, unsigned level, bool make)
{
    uint64_t table = root;

    for (unsigned at = TABLE_LEVELS - 1; at > level; at--) {
        uint64_t *entry = entry_in(table, va, at), got = entry_get(entry);
        void *frame = got == 0 && make ? frame_alloc() : NULL;

        if (got && arch_is_leaf(got, at))
            return entry;
        if (frame) {
            __atomic_fetch_add(&frames_of_kernel, root == kernel_root, __ATOMIC_RELAXED);
            got = arch_table(physical(frame));
            entry_set(entry, got);
        }
        if (got == 0)
            return NULL;
        table = arch_address(got);
    }
    return entry_in(table, va, level);
}

uint64_t *tables_walk(uint64_t root, uint64_t va, bool make)
{
    return walk_to(root, va, 0, make);
}

uint64_t *tables_next(uint64_t root, uint64_t *va, uint64_t end)
{
    while (*va < end) {
        unsigned level = TABLE_LEVELS - 1;
        uint64_t *entry = entry_in(root, *va, level);

        for (; *entry != 0 && level > 0; level--)
            entry = entry_in(arch_address(*entry), *va, level - 1);
        if (*entry != 0)
            return entry;
        *va = ((*va >> shift_of(level)) + 1) << shift_of(level);
    }
    return NULL;
}

void tables_map(uint64_t va, uint64_t pa, uint64_t n, unsigned flags)
{
    bool large = (flags & PAGE_LARGE) != 0;
    uint64_t step = large ? LARGE : PAGE;

    for (uint64_t off = 0; off < n; off += step) {
        uint64_t *entry = walk_to(kernel_root, va + off, large, true);

        if (!entry)
            panic("no memory for the kernel's tables");
        entry_set(entry, arch_leaf(pa + off, flags | PAGE_DIRTY));
    }
    arch_flush();
}

static void map_image(const char *from, const char *to, unsigned flags)
{
    tables_map((uintptr_t)from, (uintptr_t)from - KERNEL_LINK_OFFSET, (uintptr_t)(to - from),
               flags);
}

/* The image's own frames are mapped where it runs and nowhere else: nothing writes its code. */
void tables_init(void)
{
    uint64_t first = (uintptr_t)image_end - KERNEL_LINK_OFFSET;
    uint64_t large = (first + LARGE - 1) / LARGE * LARGE;

    kernel_root = physical(frame_alloc());
    tables_map(DIRECT_BASE + first, first, large - first, WARD_RW);
    tables_map(DIRECT_BASE + large, large, RAM_BASE + RAM_BYTES - large, WARD_RW | PAGE_LARGE);
    map_image(image_text, image_rodata, WARD_READ | WARD_EXEC);
    map_image(image_rodata, image_data, WARD_READ);
    map_image(image_data, image_end, WARD_RW);
    for (uint64_t va = HEAP_BASE; va - HEAP_BASE < HEAP_BYTES; va += (uint64_t)1 << shift_of(2))
        (void)walk_to(kernel_root, va, 1, true);
    arch_map_devices();
    arch_root_load(kernel_root);
}

/* All of the kernel half, where that has no root of its own. */
uint64_t tables_make(void)
{
    const uint64_t *kernel = direct(kernel_root);
    uint64_t *root = frame_alloc();

    for (unsigned i = ENTRIES - KERNEL_ENTRIES; root && i < ENTRIES; i++)
        entry_set(&root[i], kernel[i]);
    return root ? physical(root) : 0;
}

/* Of a table of user addresses. */
static void free_below(uint64_t *table, unsigned level, unsigned entries)
{
    for (unsigned i = 0; i < entries; i++) {
        void *frame = direct(arch_address(table[i]));

        if (table[i] && arch_is_leaf(table[i], level))
            frame_drop(frame);
        else if (table[i])
            free_below(frame, level - 1, ENTRIES);
    }
    frame_drop(table);
}

void tables_free(uint64_t root)
{
    free_below(direct(root), TABLE_LEVELS - 1, (unsigned)(USER_END >> shift_of(TABLE_LEVELS - 1)));
}
