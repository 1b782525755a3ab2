/* survives */
/* SPDX-License-Identifier: MIT */
/* Forks in the middle of things: parent and child both go on with the blocks they share a past
 * with, every canary still holds, every bug is still seen, neither disturbs the other, and
 * nobody learns from a child (which may crash and be forked again at will) where the parent's
 * next blocks lie. */
#include "attack.h"

#include <sys/wait.h>

enum { BLOCKS = 64, SLOTS = 4096, NEXT = 24 };

static struct ward_slab slab;
static unsigned char *blocks[BLOCKS];

/* The places of the next blocks. */
static void allocate(unsigned char *next[NEXT])
{
    for (int i = 0; i < NEXT; i++)
        next[i] = make_block(&slab, 64);
}

static void go_on(void)
{
    for (int i = 0; i < BLOCKS; i += 2)
        ward_slab_free(&slab, blocks[i], 64);
    REQUIRE(attack_seen.reports == 0);
    ward_slab_free(&slab, blocks[0], 64);
    REQUIRE(reports_of(WARD_BUG_DOUBLE_FREE) == 1);
    poke(blocks[1], 64, (unsigned char)(peek(blocks[1], 64) + 1));
    ward_slab_free(&slab, blocks[1], 64);
    REQUIRE(reports_of(WARD_BUG_OVERFLOW) == 1);
    REQUIRE(ward_slab_verify(&slab));
}

static void child(int to)
{
    unsigned char *next[NEXT];

    allocate(next);
    REQUIRE(write(to, next, sizeof next) == (ssize_t)sizeof next);
    go_on();
    _exit(0);
}

/* What a child allocates next. */
static void ask_child(unsigned char *next[NEXT])
{
    int ends[2], status;
    pid_t pid;

    REQUIRE(pipe(ends) == 0);
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        child(ends[1]);
    REQUIRE(read(ends[0], next, NEXT * sizeof *next) == (ssize_t)(NEXT * sizeof *next));
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    unsigned char *first[NEXT], *second[NEXT], *ours[NEXT];

    contain_bugs();
    make_slab(&slab, 64, WARD_HARDENED, SLOTS);
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = make_block(&slab, 64);
    ask_child(first);
    ask_child(second);
    REQUIRE(ward_slab_verify(&slab));
    allocate(ours);
    REQUIRE(memcmp(first, second, sizeof first) != 0);
    REQUIRE(memcmp(first, ours, sizeof first) != 0 && memcmp(second, ours, sizeof second) != 0);
    go_on();
    return 0;
}
