/* SPDX-License-Identifier: MIT */
/*
 * What the test programs ask of the kernel: bugs in its heap, and accesses no system call makes.
 */
#include <ward/bug.h>
#include <ward/slab.h>

#include "host.h"
#include "kernel.h"

/* --- Attacks on the heap: each is a bug of the kernel's, as one that has it would have
 * ----------------- */

static unsigned bugs[WARD_BUG_KIND_END_];

/* Reports, and goes on: the block is lost, nothing else. */
static enum ward_verdict report(const struct ward_bug *bug, void *arg)
{
    char text[512];

    (void)arg;
    print_bytes(text, ward_bug_print(bug, text, sizeof text));
    bugs[bug->kind]++;
    return WARD_CONTAIN;
}

static void overflow(void)
{
    volatile char *area = heap_alloc(AREAS);

    area[sizeof(struct area)] = (char)(area[sizeof(struct area)] + 1);
    heap_free(AREAS, (void *)(uintptr_t)area);
}

static void free_twice(void)
{
    void *file = heap_alloc(FILE_BLOCKS);

    heap_free(FILE_BLOCKS, file);
    heap_free(FILE_BLOCKS, file);
}

/* Written after it was freed: found when its place is given out again. */
static void use_after_free(void)
{
    static void *blocks[4096];
    volatile struct area *area = heap_alloc(AREAS);
    size_t n = 0;

    heap_free(AREAS, (void *)(uintptr_t)area);
    area->end = 1;
    while (n < 4096 && !bugs[WARD_BUG_WRITE_AFTER_FREE] && (blocks[n] = heap_alloc(AREAS)))
        n++;
    while (n > 0)
        heap_free(AREAS, blocks[--n]);
}

static void free_inside(void)
{
    char *area = heap_alloc(AREAS);

    heap_free(AREAS, area + 8);
    heap_free(AREAS, area);
}

static void free_frame_twice(void)
{
    void *frame = frame_alloc();

    frame_drop(frame);
    frame_drop(frame);
}

static int64_t attack_heap(void)
{
    memset(bugs, 0, sizeof bugs);
    ward_bug_handle(report, NULL);
    overflow();
    free_twice();
    use_after_free();
    free_inside();
    free_frame_twice();
    ward_bug_handle(NULL, NULL);
    return bugs[WARD_BUG_OVERFLOW] == 1 && bugs[WARD_BUG_DOUBLE_FREE] == 2 &&
                   bugs[WARD_BUG_WRITE_AFTER_FREE] == 1 && bugs[WARD_BUG_INTERIOR_FREE] == 1
               ? 0
               : -EINVAL;
}

/* --- Accesses
 * ------------------------------------------------------------------------------------------- */

static int64_t read_nofault(uint64_t addr)
{
    uint8_t byte;
    int error;

    ward_nofault_begin();
    error = ward_u8_read(WARD_HERE, ward_u8_in_at(addr), &byte, NULL);
    ward_nofault_end();
    return error ? error : byte;
}

/* The thread that is about to do what a kernel must not, and where. */
static const struct thread *culprit;
static uint64_t crime;

bool test_expects_panic(uint64_t addr)
{
    return culprit && current() == culprit && addr == crime;
}

static void commit(uint64_t addr)
{
    crime = addr;
    __atomic_store_n(&culprit, current(), __ATOMIC_RELEASE);
}

static int64_t stray(uint64_t addr)
{
    commit(addr);
    return *(volatile unsigned char *)(uintptr_t)addr;
}

static int64_t execute(uint64_t addr)
{
    commit(addr);
    ((void (*)(void))(uintptr_t)addr)();
    return 0;
}

/* bench/bench.c, in an image that has it. */
__attribute__((weak)) int64_t bench_run(uint64_t addr)
{
    (void)addr;
    return -ENOSYS;
}

int64_t call_test(const struct call *call)
{
    uint64_t a = call->args[1];

    switch (call->args[0]) {
    case TEST_HEAP_ATTACKS: return attack_heap();
    case TEST_NOFAULT: return read_nofault(a);
    case TEST_SHOOTDOWN: shootdown_wanted = a != 0; return 0;
    case TEST_STRAY: return stray(a);
    case TEST_EXECUTE: return execute(a);
    case TEST_BENCH: return bench_run(a);
    case TEST_KERNEL_ADDRESS: return (int64_t)(uintptr_t)&bugs;
    default: return -EINVAL;
    }
}
