/* SPDX-License-Identifier: MIT */
/*
 * What the gates and the heap cost in a kernel, in instructions: for an emulator that counts them
 * (-icount shift=0), with one CPU. Linked in place of test.c's weak bench_run; the program `bench`
 * calls it with the address of two pages.
 *
 * Copies are compared with a loop without any check, a word or a byte at a time, inside the access
 * window; and with a copy that walks the page tables by software and copies through the direct
 * half, as kernels do that have no exception table. The heap is compared with a first-fit list of
 * free blocks that merges neighbours.
 */
#include <ward/slab.h>

#include "host.h"
#include "kernel.h"

enum { TIMES = 1000, BLOCKS = 64, BLOCK_BYTES = 64, HEAP_PAGES = 16 };

typedef void work(uint64_t addr, size_t n);

static uint64_t ours[PAGE / 8];
static struct ward_space *here; /* as a system call keeps it that makes more than one access */

/* --- Copies ----------------------------------------------------------------------------------- */

static void by_gate(uint64_t addr, size_t n)
{
    int error = ward_space_read(here, addr, ours, n, NULL);

    (void)error;
}

static void by_typed_gate(uint64_t addr, size_t n)
{
    int error = ward_u64_read(here, ward_u64_in_at(addr), ours, NULL);

    (void)error, (void)n;
}

static __attribute__((noinline)) void copy_bytes(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

static __attribute__((noinline)) void copy_words(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n / 8; i++)
        to[i] = from[i];
}

static void by_bytes(uint64_t addr, size_t n)
{
    ward_window_open_();
    copy_bytes((char *)ours, (const char *)(uintptr_t)addr, n);
    ward_window_close_();
}

static void by_words(uint64_t addr, size_t n)
{
    ward_window_open_();
    copy_words(ours, (const uint64_t *)(uintptr_t)addr, n);
    ward_window_close_();
}

/* Each access of a word finds its page anew. */
static void by_walks(uint64_t addr, size_t n)
{
    uint64_t root = current()->process->vm->root;

    for (size_t i = 0; i < n / 8; i++) {
        const uint64_t *entry = tables_walk(root, addr + 8 * i, false);
        unsigned flags = entry ? arch_flags(*entry) : 0;

        if (!(flags & PAGE_USER) || !(flags & WARD_READ))
            return;
        ours[i] = *(const uint64_t *)(const void *)((const char *)direct(arch_address(*entry)) +
                                                    (addr + 8 * i) % PAGE);
    }
}

/* Each call finds its page, and copies from it byte by byte. */
static void by_walk(uint64_t addr, size_t n)
{
    const uint64_t *entry = tables_walk(current()->process->vm->root, addr, false);
    unsigned flags = entry ? arch_flags(*entry) : 0;

    if (flags & PAGE_USER && flags & WARD_READ)
        copy_bytes((char *)ours, (const char *)direct(arch_address(*entry)) + addr % PAGE, n);
}

/* --- Heaps ------------------------------------------------------------------------------------ */

struct object {
    char bytes[BLOCK_BYTES];
};

WARD_SLAB_DEFINE(plain, struct object, WARD_PLAIN);
WARD_SLAB_DEFINE(hardened, struct object, WARD_HARDENED);

struct piece {
    size_t bytes; /* with this header */
    struct piece *next;
};

static struct plain plain_pool;
static struct hardened hardened_pool;
static struct piece *pieces;
static void *held[BLOCKS];

static void *list_alloc(size_t n)
{
    size_t bytes = (n + sizeof(size_t) + 15) / 16 * 16;

    for (struct piece **at = &pieces; *at; at = &(*at)->next) {
        struct piece *piece = *at, *rest;

        if (piece->bytes < bytes)
            continue;
        if (piece->bytes - bytes < sizeof *piece) {
            *at = piece->next;
            return (char *)piece + sizeof(size_t);
        }
        rest = (struct piece *)(void *)((char *)piece + bytes);
        rest->bytes = piece->bytes - bytes;
        rest->next = piece->next;
        piece->bytes = bytes;
        *at = rest;
        return (char *)piece + sizeof(size_t);
    }
    return NULL;
}

static void merge(struct piece *piece)
{
    if (piece->next && (char *)piece + piece->bytes == (char *)piece->next) {
        piece->bytes += piece->next->bytes;
        piece->next = piece->next->next;
    }
}

static void list_free(void *block)
{
    struct piece *piece = (struct piece *)(void *)((char *)block - sizeof(size_t)), **at = &pieces;
    struct piece *before = NULL;

    while (*at && *at < piece) {
        before = *at;
        at = &before->next;
    }
    piece->next = *at;
    *at = piece;
    merge(piece);
    if (before)
        merge(before);
}

/* All blocks are allocated in one order, and in the next round freed in another. */
#define CHURN(NAME, ALLOC, FREE)                                                                   \
    static void NAME(uint64_t addr, size_t n)                                                      \
    {                                                                                              \
        bool frees = held[0] != NULL;                                                              \
                                                                                                   \
        (void)addr, (void)n;                                                                       \
        for (unsigned i = 0; i < BLOCKS; i++) {                                                    \
            unsigned at = frees ? i * 37 % BLOCKS : i;                                             \
                                                                                                   \
            if (frees)                                                                             \
                FREE;                                                                              \
            held[at] = frees ? NULL : ALLOC;                                                       \
        }                                                                                          \
    }

CHURN(churn_plain, plain_alloc(&plain_pool), plain_free(&plain_pool, held[at]))
CHURN(churn_hardened, hardened_alloc(&hardened_pool), hardened_free(&hardened_pool, held[at]))
CHURN(churn_list, list_alloc(BLOCK_BYTES), list_free(held[at]))

/* --- Counting --------------------------------------------------------------------------------- */

/* Instructions of one time, in hundredths. */
static uint64_t count(work *does, uint64_t addr, size_t n)
{
    uint64_t start, end;

    for (unsigned i = 0; i < 10; i++)
        does(addr, n);
    start = arch_counter();
    for (unsigned i = 0; i < TIMES; i++)
        does(addr, n);
    end = arch_counter();
    return (end - start) * 100 / TIMES;
}

static void put_hundredths(uint64_t value)
{
    print("%u.%u%u", value / 100, value / 10 % 10, value % 10);
}

static void row(const char *name, work *one, work *other, uint64_t addr, size_t n)
{
    uint64_t a = count(one, addr, n), b;

    memset(held, 0, sizeof held);
    b = count(other, addr, n);
    memset(held, 0, sizeof held);
    print("{\"case\": \"kernel.%s\", \"ours\": ", name);
    put_hundredths(a);
    print(", \"peer\": ");
    put_hundredths(b);
    print(", \"ratio\": ");
    put_hundredths(a * 100 / b);
    print("}\n");
}

static void make_heaps(void)
{
    void *memory = NULL;

    if (plain_map(&plain_pool, 4 * BLOCKS) || hardened_map(&hardened_pool, 64 * BLOCKS) ||
        ward_host_map(&memory, HEAP_PAGES * PAGE, WARD_HOST_ANON, WARD_RW, 0))
        panic("no memory for heaps");
    pieces = memory;
    *pieces = (struct piece){ HEAP_PAGES * PAGE, NULL };
}

int64_t bench_run(uint64_t addr)
{
    bool on = arch_irq_off();

    here = WARD_HERE;
    make_heaps();
    row("copyin8.vs_bytes", by_gate, by_bytes, addr, 8);
    row("copyin8.vs_word", by_gate, by_words, addr, 8);
    row("copyin8typed.vs_word", by_typed_gate, by_words, addr, 8);
    row("copyin8typed.vs_walk", by_typed_gate, by_walks, addr, 8);
    row("copyin8.vs_walk", by_gate, by_walks, addr, 8);
    row("copyin256.vs_bytes", by_gate, by_bytes, addr, 256);
    row("copyin256.vs_words", by_gate, by_words, addr, 256);
    row("copyin256.vs_walk", by_gate, by_walks, addr, 256);
    row("copyin256.vs_one_walk", by_gate, by_walk, addr, 256);
    row("copyin4096.vs_bytes", by_gate, by_bytes, addr, 4096);
    row("copyin4096.vs_words", by_gate, by_words, addr, 4096);
    row("copyin4096.vs_walk", by_gate, by_walks, addr, 4096);
    row("copyin4096.vs_one_walk", by_gate, by_walk, addr, 4096);
    row("slab.vs_list", churn_plain, churn_list, 0, 0);
    row("slab_hardened.vs_list", churn_hardened, churn_list, 0, 0);
    arch_irq_restore(on);
    return 0;
}
