/* SPDX-License-Identifier: MIT */
/*
 * ward/host.h, answered by a kernel: frames mapped into a part of the kernel half, at once where
 * memory may be accessed, and kept where it no longer may.
 */
#include "host.h"
#include "kernel.h"

enum { GUARD = 65536 };

static struct lock lock;
static uint64_t reserved; /* bytes from HEAP_BASE */

uint64_t host_reserve(size_t bytes)
{
    const uint64_t most = HEAP_BYTES - 2 * GUARD;
    uint64_t at = 0;

    lock_take(&lock);
    if (bytes <= most && reserved <= most - bytes) {
        at = HEAP_BASE + GUARD + reserved;
        reserved += (bytes + PAGE - 1) / PAGE * PAGE + GUARD;
    }
    lock_drop(&lock);
    return at;
}

size_t ward_host_page_size(void)
{
    return PAGE;
}

/* --- Pages ------------------------------------------------------------------------------------ */

/* A page has a frame from the first time that it is opened until it is unmapped. */
static bool has_frame(uint64_t va)
{
    uint64_t *entry = tables_walk(kernel_root, va, true);
    void *frame = entry && *entry == 0 ? frame_alloc() : NULL;

    if (frame) {
        entry_set(entry, arch_leaf(physical(frame), WARD_NONE));
        __atomic_fetch_add(&frames_of_kernel, 1, __ATOMIC_RELAXED);
    }
    return entry && *entry;
}

int ward_host_protect(void *at, size_t len, unsigned prot)
{
    uint64_t va = (uintptr_t)at, end = va + len, *entry;
    int error = 0;

    if (prot & ~(unsigned)WARD_RW)
        return -ENOTSUP;
    lock_take(&lock);
    for (uint64_t page = va; page < end && prot != WARD_NONE && !error; page += PAGE)
        error = has_frame(page) ? 0 : -ENOMEM;
    for (; !error && (entry = tables_next(kernel_root, &va, end)) != NULL; va += PAGE)
        entry_set(entry, arch_leaf(arch_address(*entry), prot | PAGE_DIRTY));
    vm_flush(NULL);
    lock_drop(&lock);
    return error;
}

/* A page at a time: what is freed, nobody sees any more. */
int ward_host_unmap(void *at, size_t len)
{
    uint64_t va = (uintptr_t)at, end = va + len, *entry;

    lock_take(&lock);
    for (; (entry = tables_next(kernel_root, &va, end)) != NULL; va += PAGE) {
        void *frame = direct(arch_address(*entry));

        entry_set(entry, 0);
        vm_flush(NULL);
        frame_drop(frame);
        __atomic_fetch_sub(&frames_of_kernel, 1, __ATOMIC_RELAXED);
    }
    lock_drop(&lock);
    return 0;
}

int ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                  size_t huge_bytes)
{
    bool anywhere = *at == NULL && kind == WARD_HOST_ANON;
    void *got = anywhere ? (void *)(uintptr_t)host_reserve(len) : NULL;
    int error = anywhere ? -ENOMEM : -ENOTSUP;

    (void)huge_bytes;
    if (got)
        error = ward_host_protect(got, len, prot);
    if (got && error && ward_host_unmap(got, len))
        panic("memory of the heap does not come back");
    *at = error ? NULL : got;
    return error;
}

/* Pages that are dropped are cleared, and stay. */
int ward_host_advise(void *at, size_t len, enum ward_host_advice advice)
{
    uint64_t va = (uintptr_t)at, end = va + len;
    const uint64_t *entry;

    if (advice != WARD_HOST_RELEASE)
        return advice == WARD_HOST_POPULATE ? 0 : -ENOTSUP;
    lock_take(&lock);
    for (; (entry = tables_next(kernel_root, &va, end)) != NULL; va += PAGE)
        memset(direct(arch_address(*entry)), 0, PAGE);
    lock_drop(&lock);
    return 0;
}

int ward_host_move(void *at, size_t len, void *to, size_t to_len)
{
    (void)at, (void)len, (void)to, (void)to_len;
    return -ENOTSUP;
}

size_t ward_host_split_budget(void)
{
    return SIZE_MAX / 2; /* there are no mappings to split, but entries */
}

/* --- Who and where ---------------------------------------------------------------------------- */

struct ward_host_thread_state *ward_host_thread(void)
{
    return &current()->gates;
}

static const struct ward_space_ops nowhere_ops = { .name = "nowhere" };
static struct ward_space nowhere = { .ops = &nowhere_ops };

/* The memory of the process that runs. */
struct ward_space *ward_host_space(void)
{
    struct process *process = current()->process;

    return process ? &process->vm->here : &nowhere;
}

/* Kernels do not fork. */
const volatile uint64_t *ward_host_fork_word(void)
{
    static const uint64_t word = 1;

    return &word;
}

uint64_t ward_host_fork_epoch(void)
{
    return 1;
}

/* --- The rest --------------------------------------------------------------------------------- */

/* A word of the machine's for each eight bytes. */
int ward_host_random(void *bytes, size_t len)
{
    unsigned char *to = bytes;

    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t word = arch_random();

        memcpy(to + i, &word, len - i < sizeof word ? len - i : sizeof word);
    }
    return 0;
}

int ward_host_key(void)
{
    return -ENOTSUP;
}

void ward_host_wait(const uint32_t *word, uint32_t value)
{
    (void)word, (void)value;
    shootdown_poll();
}

void ward_host_wake(const uint32_t *word)
{
    (void)word;
}

void ward_host_write(const char *text, size_t len)
{
    print_bytes(text, len);
}

void ward_host_die(const char *text, size_t len)
{
    print_bytes(text, len);
    panic("a bug was reported");
}
