/* SPDX-License-Identifier: MIT */
/*
 * ward on a host that has nothing: no mapping, no protection, no system. A hardened slab lives in
 * two arrays, works, and catches its bugs. This file answers for all of ward/host.h and shows how
 * little a port to bare metal has to bring. main and write(2) stand for reset vector and serial
 * line.
 */
#include <ward/bug.h>
#include <ward/host.h>
#include <ward/slab.h>
#include <ward/space.h>
#include <ward/split.h>
#include <ward/static.h>

#include <stdlib.h>
#include <unistd.h>

enum { BLOCK_BYTES = 48, DATA_BYTES = 64 * 1024, META_BYTES = 64 * 1024 };

/* --- the host --------------------------------------------------------------------------------- */

size_t ward_host_page_size(void)
{
    return 4096;
}

int ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                  size_t huge_bytes)
{
    (void)len, (void)kind, (void)prot, (void)huge_bytes;
    *at = NULL;
    return -ENOMEM;
}

int ward_host_unmap(void *at, size_t len)
{
    (void)at, (void)len;
    return -ENOTSUP;
}

int ward_host_protect(void *at, size_t len, unsigned prot)
{
    (void)at, (void)len, (void)prot;
    return -ENOTSUP;
}

int ward_host_advise(void *at, size_t len, enum ward_host_advice advice)
{
    (void)at, (void)len, (void)advice;
    return -ENOTSUP;
}

int ward_host_move(void *at, size_t len, void *to, size_t to_len)
{
    (void)at, (void)len, (void)to, (void)to_len;
    return -ENOTSUP;
}

size_t ward_host_split_budget(void)
{
    return 0;
}

/* A counter: good enough to see the code run, and for nothing else. */
int ward_host_random(void *bytes, size_t len)
{
    static unsigned char next;
    unsigned char *to = bytes;

    for (size_t i = 0; i < len; i++)
        to[i] = next++;
    return 0;
}

int ward_host_key(void)
{
    return -ENOTSUP;
}

const volatile uint64_t *ward_host_fork_word(void)
{
    static const uint64_t word = 1;

    return &word;
}

struct ward_host_thread_state *ward_host_thread(void)
{
    static struct ward_host_thread_state only;

    return &only;
}

struct ward_space *ward_host_space(void)
{
    static const struct ward_space_ops ops = { .name = "nowhere" };
    static struct ward_space space = { .ops = &ops };

    return &space;
}

uint64_t ward_host_fork_epoch(void)
{
    return 1;
}

void ward_host_wait(const uint32_t *word, uint32_t value)
{
    (void)word, (void)value;
}

void ward_host_wake(const uint32_t *word)
{
    (void)word;
}

void ward_host_write(const char *text, size_t len)
{
    if (write(STDERR_FILENO, text, len) < 0)
        _exit(2);
}

void ward_host_die(const char *text, size_t len)
{
    ward_host_write(text, len);
    abort();
}

/* --- what runs on it -------------------------------------------------------------------------- */

static enum ward_verdict count(const struct ward_bug *bug, void *arg)
{
    unsigned *bugs = arg;

    bugs[bug->kind]++;
    return WARD_CONTAIN;
}

static bool works(struct ward_slab *slab)
{
    unsigned bugs[WARD_BUG_KIND_END_] = { 0 };
    char *first, *second;

    ward_bug_handle(count, bugs);
    first = ward_slab_alloc(slab, BLOCK_BYTES);
    second = ward_slab_alloc(slab, BLOCK_BYTES);
    if (!first || !second || first == second)
        return false;
    ward_slab_free(slab, first, BLOCK_BYTES);
    ward_slab_free(slab, first, BLOCK_BYTES);
    second[BLOCK_BYTES] ^= 1;
    ward_slab_free(slab, second, BLOCK_BYTES);
    return bugs[WARD_BUG_DOUBLE_FREE] == 1 && bugs[WARD_BUG_OVERFLOW] == 1 &&
           ward_slab_verify(slab);
}

int main(void)
{
    static WARD_ALIGNED(4096) unsigned char data_bytes[DATA_BYTES], meta_bytes[META_BYTES];
    static const struct ward_slab_spec spec = {
        .block = { BLOCK_BYTES, 16 },
        .policy = WARD_HARDENED,
        .quarantine_bytes = 1024,
    };
    struct ward_static data, meta;
    struct ward_split split;
    struct ward_slab slab;

    if (ward_static_init(&data, data_bytes, sizeof data_bytes) ||
        ward_static_init(&meta, meta_bytes, sizeof meta_bytes) ||
        ward_split_init_with(&split, &data.region, &meta.region) ||
        ward_slab_init(&slab, &spec, &split.region))
        return 1;
    return works(&slab) ? 0 : 1;
}
