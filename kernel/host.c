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
    uint64_t at = __atomic_fetch_add(&reserved, bytes + GUARD, __ATOMIC_RELAXED);

    if (bytes > HEAP_BYTES || at > HEAP_BYTES - bytes - GUARD)
        panic("the kernel half is full");
    return HEAP_BASE + GUARD + at;
}

size_t ward_host_page_size(void)
{
    return PAGE;
}

/* --- Pages ------------------------------------------------------------------------------------ */

static uint64_t *entry_of(const char *at, bool make)
{
    uint64_t *entry = tables_walk(kernel_root, (uintptr_t)at, make);

    if (!entry && make)
        panic("no memory for the heap's tables");
    return entry;
}

/* Opens a page that has a frame, or gets one; or closes it, and it keeps what it has. */
static int set_page(const char *at, unsigned prot)
{
    uint64_t *entry = entry_of(at, true);
    void *frame;

    if (*entry == 0 && prot == WARD_NONE)
        return 0;
    frame = *entry ? direct(arch_address(*entry)) : frame_alloc();
    if (!frame)
        return -ENOMEM;
    if (*entry == 0)
        __atomic_fetch_add(&frames_of_kernel, 1, __ATOMIC_RELAXED);
    *entry = arch_leaf(physical(frame), prot | PAGE_ACCESSED | PAGE_DIRTY);
    return 0;
}

/* True: the others may still see what was here. */
static bool free_page(const char *at)
{
    uint64_t *entry = entry_of(at, false);

    if (!entry || *entry == 0)
        return false;
    *entry = 0;
    return true;
}

int ward_host_protect(void *at, size_t len, unsigned prot)
{
    int error = 0;

    if (prot & ~(unsigned)WARD_RW)
        return -ENOTSUP;
    lock_take(&lock);
    for (size_t off = 0; off < len && !error; off += PAGE)
        error = set_page((char *)at + off, prot);
    vm_flush(NULL);
    lock_drop(&lock);
    return error;
}

int ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                  size_t huge_bytes)
{
    int error;

    (void)huge_bytes;
    if (*at || kind != WARD_HOST_ANON) {
        *at = NULL;
        return -ENOTSUP;
    }
    if (len > HEAP_BYTES)
        return -ENOMEM;
    *at = (void *)(uintptr_t)host_reserve(len);
    error = prot == WARD_NONE ? 0 : ward_host_protect(*at, len, prot);
    if (error)
        *at = NULL;
    return error;
}

/* A page at a time: what is freed, nobody sees any more. */
int ward_host_unmap(void *at, size_t len)
{
    lock_take(&lock);
    for (size_t off = 0; off < len; off += PAGE) {
        uint64_t *entry = entry_of((char *)at + off, false);
        uint64_t was = entry ? *entry : 0;

        if (!free_page((char *)at + off))
            continue;
        vm_flush(NULL);
        frame_drop(direct(arch_address(was)));
        __atomic_fetch_sub(&frames_of_kernel, 1, __ATOMIC_RELAXED);
    }
    lock_drop(&lock);
    return 0;
}

/* Pages that are dropped are cleared, and stay. */
int ward_host_advise(void *at, size_t len, enum ward_host_advice advice)
{
    if (advice == WARD_HOST_POPULATE)
        return 0;
    if (advice != WARD_HOST_RELEASE)
        return -ENOTSUP;
    for (size_t off = 0; off < len; off += PAGE) {
        const uint64_t *entry = entry_of((char *)at + off, false);

        if (entry && *entry)
            memset(direct(arch_address(*entry)), 0, PAGE);
    }
    return 0;
}

size_t ward_host_split_budget(void)
{
    return SIZE_MAX / 2; /* there are no mappings to split, but entries */
}

/* --- Who and where ------------------------------------------------------------------------------
 */

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

/* --- The rest -----------------------------------------------------------------------------------
 */

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

void ward_host_die(void)
{
    panic("a bug was reported");
}
