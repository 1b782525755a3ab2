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

/* A new table behind an entry; false: no frame. */
static bool fill(uint64_t *entry, bool kernels)
{
    void *frame = frame_alloc();

    if (frame)
        entry_set(entry, arch_table(physical(frame)));
    __atomic_fetch_add(&frames_of_kernel, frame && kernels, __ATOMIC_RELAXED);
    return frame != NULL;
}

/* Down to *level, which comes back as the one of the entry: above, if that is a leaf or empty. */
static uint64_t *descend(uint64_t root, uint64_t va, unsigned *level, bool make)
{
    unsigned last = *level;
    uint64_t *entry = entry_in(root, va, TABLE_LEVELS - 1);

    for (*level = TABLE_LEVELS - 1; *level > last; --*level) {
        if (entry_get(entry) == 0 && !(make && fill(entry, root == kernel_root)))
            return entry;
        if (arch_is_leaf(*entry, *level))
            return entry;
        entry = entry_in(arch_address(*entry), va, *level - 1);
    }
    return entry;
}

uint64_t *tables_walk(uint64_t root, uint64_t va, bool make)
{
    unsigned level = 0;
    uint64_t *entry = descend(root, va, &level, make);

    return level == 0 ? entry : NULL;
}

uint64_t *tables_next(uint64_t root, uint64_t *va, uint64_t end)
{
    while (*va < end) {
        unsigned level = 0;
        uint64_t *entry = descend(root, *va, &level, false);

        if (*entry)
            return entry;
        *va = ((*va >> shift_of(level)) + 1) << shift_of(level);
    }
    return NULL;
}

void tables_map(uint64_t va, uint64_t pa, uint64_t n, unsigned flags)
{
    const unsigned leaf = (flags & PAGE_LARGE) != 0;
    unsigned level = leaf;

    for (uint64_t off = 0; off < n; off += (uint64_t)1 << shift_of(level)) {
        uint64_t *entry = descend(kernel_root, va + off, &level, true);

        if (level != leaf)
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
    unsigned level = 1;

    kernel_root = physical(frame_alloc());
    tables_map(DIRECT_BASE + first, first, large - first, WARD_RW);
    tables_map(DIRECT_BASE + large, large, RAM_BASE + RAM_BYTES - large, WARD_RW | PAGE_LARGE);
    map_image(image_text, image_rodata, WARD_READ | WARD_EXEC);
    map_image(image_rodata, image_data, WARD_READ);
    map_image(image_data, image_end, WARD_RW);
    for (uint64_t va = HEAP_BASE; va - HEAP_BASE < HEAP_BYTES; va += (uint64_t)1 << shift_of(2))
        (void)descend(kernel_root, va, &level, true);
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
