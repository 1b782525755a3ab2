/* SPDX-License-Identifier: MIT */
/*
 * What the attacks share: slabs to attack, an allocator without defences to show that the attack is
 * one, accesses no compiler sees through, and what catches signals and reports.
 *
 * Many attacks are two programs in one. Without arguments they attack ward and end as line 1 says.
 * With the argument `without` they attack the same without the defence (another policy, or struct
 * naive) and end with 0 if nobody noticed; the runner tries both.
 */
#ifndef WARD_TEST_ATTACK_H
#define WARD_TEST_ATTACK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* before any system header: MAP_ANONYMOUS, mremap */
#endif

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ward/ward.h>

#define ATTACK_NOINLINE __attribute__((noinline, unused))
#define ATTACK_UNUSED   __attribute__((unused))

/* The attack went otherwise than planned: not a death that line 1 could ask for. */
#define REQUIRE(C) ((C) ? (void)0 : attack_failed(#C, __FILE__, __LINE__))

__attribute__((noreturn)) ATTACK_UNUSED static void attack_failed(const char *what,
                                                                  const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    exit(1);
}

ATTACK_UNUSED static bool attack_without(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "without") == 0;
}

/* --- accesses --------------------------------------------------------------------------------- */

/* The same address; nobody knows any more what it points to. */
ATTACK_UNUSED static unsigned char *launder(const void *at)
{
    uintptr_t address = (uintptr_t)at;

    __asm__ volatile("" : "+r"(address));
    return (unsigned char *)address;
}

ATTACK_NOINLINE static void poke(const void *at, ptrdiff_t offset, unsigned char byte)
{
    *(volatile unsigned char *)((uintptr_t)launder(at) + (uintptr_t)offset) = byte;
}

ATTACK_NOINLINE static unsigned char peek(const void *at, ptrdiff_t offset)
{
    return *(volatile unsigned char *)((uintptr_t)launder(at) + (uintptr_t)offset);
}

/* --- faults ----------------------------------------------------------------------------------- */

static sigjmp_buf attack_back;
static void *volatile attack_fault_address;

static void attack_on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    attack_fault_address = info->si_addr;
    siglongjmp(attack_back, number);
}

ATTACK_UNUSED static void catch_faults(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = attack_on_fault;
    action.sa_flags = SA_SIGINFO;
    REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
    REQUIRE(sigaction(SIGBUS, &action, NULL) == 0);
}

/* True if the byte can be written; it then is inverted and put back. Needs catch_faults. */
ATTACK_UNUSED static bool can_write(const void *at)
{
    unsigned char was;

    if (sigsetjmp(attack_back, 1))
        return false;
    was = peek(at, 0);
    poke(at, 0, (unsigned char)~was);
    poke(at, 0, was);
    return true;
}

/* --- reports ---------------------------------------------------------------------------------- */

/* What the handler saw; cleared by the one who looks. */
struct attack_seen {
    unsigned reports;
    struct ward_bug last;
};

static struct attack_seen attack_seen;

static enum ward_verdict attack_contain(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    attack_seen.reports++;
    attack_seen.last = *bug;
    return WARD_CONTAIN;
}

ATTACK_UNUSED static void contain_bugs(void)
{
    ward_bug_handle(attack_contain, NULL);
}

/* How often something was reported since the last look; *kind is the last one's. */
ATTACK_UNUSED static unsigned reports_of(enum ward_bug_kind kind)
{
    unsigned reports = attack_seen.reports;

    if (reports)
        REQUIRE(attack_seen.last.kind == kind);
    attack_seen.reports = 0;
    return reports;
}

/* --- what is attacked ------------------------------------------------------------------------- */

ATTACK_UNUSED static void make_slab(struct ward_slab *slab, size_t size, unsigned policy,
                                    uint32_t capacity)
{
    const struct ward_slab_spec spec = { { size, 1 }, policy, 0, 0 };

    REQUIRE(ward_slab_map(slab, &spec, capacity) == 0);
}

/* A block, filled, of a program that thinks it needs all of it. */
ATTACK_UNUSED static unsigned char *make_block(struct ward_slab *slab, size_t size)
{
    unsigned char *block = (unsigned char *)ward_slab_alloc(slab, size);

    REQUIRE(block);
    memset(block, 'a', size);
    return block;
}

/* The live block at the lowest (highest) address of a slab that has been allocated from until it
 * was full. */
ATTACK_UNUSED static unsigned char *fill_slab(struct ward_slab *slab, size_t size, bool highest)
{
    unsigned char *block, *found = NULL;

    while ((block = (unsigned char *)ward_slab_alloc(slab, size)))
        if (!found || (highest ? block > found : block < found))
            found = block;
    REQUIRE(found);
    return found;
}

/* Blocks of 64 bytes whose free ones are linked through their own first word. */
struct naive {
    void *free;
    union {
        void *next;
        unsigned char bytes[64];
    } slots[16];
};

ATTACK_UNUSED static void naive_free(struct naive *pool, void *block)
{
    memcpy(launder(block), &pool->free, sizeof pool->free);
    pool->free = block;
}

ATTACK_UNUSED static void naive_init(struct naive *pool)
{
    pool->free = NULL;
    for (int i = 15; i >= 0; i--)
        naive_free(pool, &pool->slots[i]);
}

ATTACK_UNUSED static void *naive_alloc(struct naive *pool)
{
    void *block = pool->free;

    if (block)
        memcpy(&pool->free, launder(block), sizeof pool->free);
    return launder(block);
}

#endif
