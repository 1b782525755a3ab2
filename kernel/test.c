/* SPDX-License-Identifier: MIT */
/*
 * What the test programs ask of the kernel: bugs in its heap, and accesses no system call makes.
 */
#include <ward/bug.h>
#include <ward/slab.h>

#include "host.h"
#include "kernel.h"

/* --- Attacks on the heap: each is a bug of the kernel's, as one that has it would have -------- */

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

/* --- Accesses --------------------------------------------------------------------------------- */

static int64_t read_nofault(uint64_t addr)
{
    uint8_t byte;
    int error;

    ward_nofault_begin();
    error = ward_u8_read(WARD_HERE, ward_u8_in_at(addr), &byte, NULL);
    ward_nofault_end();
    return error ? error : byte;
}

static int64_t stray(uint64_t addr)
{
    return *(volatile unsigned char *)(uintptr_t)addr;
}

static int64_t execute(uint64_t addr)
{
    ((void (*)(void))(uintptr_t)addr)();
    return 0;
}

static __attribute__((noinline)) int64_t descend(uint64_t steps)
{
    volatile unsigned char frame[256];

    frame[0] = (unsigned char)steps;
    return steps == 0 ? 0 : descend(steps - 1) + frame[0];
}

static int64_t wait_for_itself(uint64_t a)
{
    struct lock lock = { 0 };

    lock_take(&lock);
    lock_take(&lock);
    return (int64_t)a;
}

/* What a kernel must not do, and the answer if nothing stops it. */
static int64_t rehearse(int64_t (*crime)(uint64_t), uint64_t a)
{
    int64_t result;

    current()->rehearsal = STATUS_PANIC;
    result = crime(a);
    current()->rehearsal = 0;
    return result;
}

/* --- Without memory --------------------------------------------------------------------------- */

static void *take_frames(void)
{
    void *first = NULL, *frame;

    while ((frame = frame_alloc()) != NULL) {
        *(void **)frame = first;
        first = frame;
    }
    return first;
}

static unsigned give_back(void **first, unsigned most)
{
    unsigned count = 0;

    for (void *frame; count < most && (frame = *first) != NULL; count++) {
        *first = *(void **)frame;
        frame_drop(frame);
    }
    return count;
}

/* There is nothing left for a table, and then enough for that, but not for all pages: they come
 * back.
 */
static int64_t grow_without_frames(void)
{
    enum { SOME = 16, TABLES = 2 };
    void *frames = take_frames(), *rest, *at = NULL;
    int first = ward_host_map(&at, LARGE, WARD_HOST_ANON, WARD_RW, 0), second;
    unsigned left;

    (void)give_back(&frames, SOME);
    second = ward_host_map(&at, LARGE, WARD_HOST_ANON, WARD_RW, 0);
    rest = take_frames();
    left = give_back(&rest, UINT32_MAX);
    (void)give_back(&frames, UINT32_MAX);
    if (at || ward_host_map(&at, PAGE, WARD_HOST_ANON, WARD_RW, 0) || (uintptr_t)at % PAGE ||
        ward_host_unmap(at, PAGE))
        return -EINVAL;
    return first == -ENOMEM && second == -ENOMEM && left >= SOME - TABLES ? 0 : -EINVAL;
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
    case TEST_STRAY: return rehearse(stray, a);
    case TEST_EXECUTE: return rehearse(execute, a);
    case TEST_STACK: return rehearse(descend, 1000);
    case TEST_DEADLOCK: return rehearse(wait_for_itself, 0);
    case TEST_NO_FRAMES: return grow_without_frames();
    case TEST_BENCH: return bench_run(a);
    case TEST_KERNEL_ADDRESS: return (int64_t)(uintptr_t)&bugs;
    default: return -EINVAL;
    }
}
