/* SPDX-License-Identifier: MIT */
/*
 * move: a block above 256 MiB that gets another size keeps its pages, which are not touched: they
 * move to other addresses, between new guards, and nothing is left at the old ones. Where the
 * system does not move them the contents are copied, and no address is lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "look.h"

static const size_t MIB = (size_t)1 << 20, GIB = (size_t)1 << 30;
enum { PAGE = 4096, FEW = 64 };

/* A word here and there, and the last bytes. */
static const size_t STEP = 5 * ((size_t)1 << 20) + 4096 + 8;

static void fill(unsigned char *block, size_t size)
{
    for (size_t at = 0; at + 8 <= size; at += STEP)
        memcpy(block + at, &at, sizeof at);
}

static void is_filled(const char *what, const unsigned char *block, size_t size)
{
    for (size_t at = 0; at + 8 <= size; at += STEP)
        if (memcmp(block + at, &at, sizeof at) != 0)
            check(false, what, at);
}

static unsigned char *make(size_t size)
{
    unsigned char *block = malloc(size);

    if (!block)
        abort();
    fill(block, size);
    return block;
}

/* --- What is moved ---------------------------------------------------------------------------- */

/* One size after the other; at each all is there that was, and no page was touched for it. */
static void moves(void)
{
    const size_t sizes[] = { GIB,           2 * GIB,
                             2 * GIB + 1,   3 * GIB + 12345,
                             GIB + PAGE,    GIB + PAGE - 1,
                             GIB - PAGE,    300 * MIB,
                             300 * MIB + 1, GIB };
    unsigned char *block = make(sizes[0]);
    size_t held = sizes[0];

    for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++) {
        size_t before = faults(), resident = memory_of(false), touched;
        unsigned char *was = block;

        block = realloc(block, sizes[i]);
        touched = faults() - before;
        check(block != NULL, "it is resized", sizes[i]);
        check(touched < FEW, "its pages are not touched", touched);
        check(memory_of(false) < resident + MIB, "nor are there more", memory_of(false) - resident);
        check(malloc_usable_size(block) >= sizes[i], "it has its size", sizes[i]);
        held = held < sizes[i] ? held : sizes[i];
        is_filled("what it held is there", block, held);
        check(!can_read(block - 1), "there is a guard before it", sizes[i]);
        check(!can_read(block + (sizes[i] / PAGE + 2) * PAGE), "and one behind it", sizes[i]);
        check(block == was || !can_read(was), "nothing is left", sizes[i]);
        fill(block, sizes[i]);
        held = sizes[i];
    }
    free(block);
}

/* What lies behind the old end was never anybody's, whatever the canary was. */
static void what_is_new_is_zero(void)
{
    size_t size = 300 * MIB + 100;
    unsigned char *block = make(size);

    block = realloc(block, size + 20);
    for (size_t at = size; at < size + 20; at++)
        check(block[at] == 0, "zero, in place", at);
    block = realloc(block, 2 * size);
    for (size_t at = size; at < size + 3 * PAGE; at++)
        check(block[at] == 0, "zero, moved", at);
    free(block);
}

/* That are in use: some may be held for a while (mapped.h). */
static size_t addresses(void)
{
    malloc_trim(0);
    return memory_of(true);
}

static void what_is_too_much_goes_back(void)
{
    unsigned char *block = make(GIB);
    size_t before = addresses(), live = mallinfo2().hblkhd;

    memset(block + 600 * MIB, 1, 64 * MIB);
    check(memory_of(false) > 64 * MIB, "resident", memory_of(false));
    block = realloc(block, 300 * MIB);
    check(memory_of(false) < 64 * MIB, "pages go back", memory_of(false));
    check(addresses() < before - 700 * MIB, "addresses go back", addresses());
    check(mallinfo2().hblkhd < live - 700 * MIB, "what is in use is counted", mallinfo2().hblkhd);
    free(block);
    check(addresses() < before - 1000 * MIB, "all of them", addresses());
}

/* --- What the program did to it --------------------------------------------------------------- */

static unsigned char *change(unsigned char *block, int how)
{
    unsigned char *at = (unsigned char *)((uintptr_t)(block + 100 * MIB) & ~(uintptr_t)(PAGE - 1));

    switch (how) {
    case 0: return mprotect(at, PAGE, PROT_READ) ? NULL : at;
    case 1: return mprotect(block, 300 * MIB, PROT_READ) ? NULL : at;
    case 2: return madvise(at, 8 * PAGE, MADV_DONTFORK) ? NULL : at;
    case 3: return madvise(at, 8 * PAGE, MADV_DONTDUMP) ? NULL : at;
    default: return at;
    }
}

static void whatever_was_done_to_its_pages(void)
{
    for (int how = 0; how < 4; how++)
        for (size_t to = 280 * MIB; to < 400 * MIB; to += 100 * MIB) {
            unsigned char *block = make(300 * MIB), *moved;
            size_t before = addresses();

            if (!change(block, how))
                abort();
            moved = realloc(block, to);
            check(moved != NULL, "it is resized", (size_t)how);
            is_filled("what it held is there", moved, to < 300 * MIB ? to : 300 * MIB);
            fill(moved, to); /* all of it can be written to */
            free(moved);
            check(addresses() < before - 290 * MIB, "no address is lost", (size_t)how);
        }
}

/* --- What the system refuses ------------------------------------------------------------------ */

static void forbid_mremap(int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
        abort();
}

static void it_is_copied_where_it_cannot_be_moved(int error, size_t lost)
{
    unsigned char *block = make(300 * MIB);
    size_t before = addresses();

    forbid_mremap(error);
    block = realloc(block, 310 * MIB);
    check(block != NULL, "it is resized", (size_t)error);
    is_filled("what it held is there", block, 300 * MIB);
    block = realloc(block, 290 * MIB);
    is_filled("what it held is there", block, 290 * MIB);
    free(block);
    check(addresses() < before + lost - 290 * MIB, "no address is lost", (size_t)error);
}

static void without_the_call(void)
{
    it_is_copied_where_it_cannot_be_moved(ENOSYS, 0);
}

static void with_the_call_forbidden(void)
{
    it_is_copied_where_it_cannot_be_moved(EPERM, 0);
}

/* As if it had failed half way: then nobody knows whose the new addresses are. */
static void with_a_call_that_fails(void)
{
    it_is_copied_where_it_cannot_be_moved(ENOMEM, 602 * MIB);
}

/* Bytes that can be written to, but for files and stacks. */
static size_t data(void)
{
    char line[128];
    FILE *from = fopen("/proc/self/status", "r");
    size_t kib = 0;

    while (from && kib == 0 && fgets(line, sizeof line, from))
        (void)sscanf(line, "VmData: %zu", &kib);
    if (from)
        fclose(from);
    return kib << 10;
}

static void beyond(__rlimit_resource_t resource, size_t used)
{
    unsigned char *block = make(300 * MIB);
    struct rlimit limit;

    getrlimit(resource, &limit);
    limit.rlim_cur = used + 700 * MIB;
    if (setrlimit(resource, &limit))
        abort();
    errno = 0;
    check(!realloc(block, GIB) && errno == ENOMEM, "too much is refused", (size_t)errno);
    is_filled("it is as it was", block, 300 * MIB);
    block = realloc(block, 301 * MIB);
    check(block != NULL, "a little more is not", used);
    is_filled("and it was moved", block, 300 * MIB);
    free(block);
}

static void beyond_address_space(void)
{
    beyond(RLIMIT_AS, addresses());
}

static void beyond_data(void)
{
    beyond(RLIMIT_DATA, data());
}

static void locked(void)
{
    unsigned char *block = make(300 * MIB);

    if (mlock(block, 300 * MIB)) {
        printf("mlock: %s: not tried\n", strerror(errno));
        return;
    }
    block = realloc(block, 310 * MIB);
    check(block != NULL, "it is resized", 310);
    is_filled("what it held is there", block, 300 * MIB);
    free(block);
}

/* --- Others at the same time ------------------------------------------------------------------ */

static _Atomic bool enough;

/* Takes what addresses get free, has many of them for a while, and then looks after them. */
static void *take_addresses(void *unused)
{
    enum { HELD = 2000 };
    static volatile unsigned char *held[HELD];

    while (!enough) {
        for (size_t i = 0; i < HELD; i++) {
            held[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (held[i] == MAP_FAILED)
                abort();
            held[i][0] = 1;
        }
        for (size_t i = 0; i < HELD; i++)
            if (held[i][0] != 1 || munmap((void *)(uintptr_t)held[i], PAGE))
                abort();
    }
    return unused;
}

static void nobody_elses_addresses_are_touched(void)
{
    unsigned char *block = make(300 * MIB);
    pthread_t thread;

    if (pthread_create(&thread, NULL, take_addresses, NULL))
        abort();
    for (size_t i = 0; i < 500; i++)
        block = realloc(block, (300 + i % 7 * 3) * MIB);
    enough = true;
    pthread_join(thread, NULL);
    is_filled("what it held is there", block, 300 * MIB);
    free(block);
}

/* --- All of it -------------------------------------------------------------------------------- */

static const struct part parts[] = {
    { "moves", moves },
    { "what is new", what_is_new_is_zero },
    { "shrinking", what_is_too_much_goes_back },
    { "protections, advice", whatever_was_done_to_its_pages },
    { "without mremap", without_the_call },
    { "mremap is forbidden", with_the_call_forbidden },
    { "mremap fails", with_a_call_that_fails },
    { "RLIMIT_AS", beyond_address_space },
    { "RLIMIT_DATA", beyond_data },
    { "mlock", locked },
    { "others", nobody_elses_addresses_are_touched },
};

int main(void)
{
    const char *options = getenv("WARD_OPTIONS");

    if (options && strstr(options, "profile=pages")) {
        printf("where each block has a guard page of its own, it is copied: not tried\n");
        return 77;
    }
    free(malloc(1));
    return run_parts(parts, sizeof parts / sizeof *parts);
}
