/* survives */
/* SPDX-License-Identifier: MIT */
/* Commits every bug with a handler that jumps out of the middle of the operation, as a server
 * does that gives up a request: the slab stays consistent, loses the block concerned and no
 * other, and never issues it again. */
#include "attack.h"

enum { SIZE = 56, SLOTS = 200, BAD_MAX = 16 };

static struct ward_slab slab;
static sigjmp_buf request;
static enum ward_bug_kind seen;
static unsigned char *lost[BAD_MAX];
static unsigned losses;

static enum ward_verdict jump(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    seen = bug->kind;
    siglongjmp(request, 1);
}

static void lose(unsigned char *block)
{
    lost[losses++] = block;
}

static void double_free(void)
{
    unsigned char *block = make_block(&slab, SIZE);

    ward_slab_free(&slab, block, SIZE);
    ward_slab_free(&slab, launder(block), SIZE);
}

static void wild_free(void)
{
    ward_slab_free(&slab, launder(&slab), SIZE);
}

static void interior_free(void)
{
    ward_slab_free(&slab, launder(make_block(&slab, SIZE) + 8), SIZE);
}

static void wrong_size(void)
{
    ward_slab_free(&slab, make_block(&slab, SIZE), SIZE - 1);
}

static void overflow(void)
{
    unsigned char *block = make_block(&slab, SIZE);

    lose(block);
    poke(block, SIZE, (unsigned char)~peek(block, SIZE));
    ward_slab_free(&slab, block, SIZE);
}

static void overflow_then_resize(void)
{
    unsigned char *block = make_block(&slab, SIZE);

    lose(block);
    poke(block, SIZE, (unsigned char)~peek(block, SIZE));
    REQUIRE(ward_slab_resize(&slab, block, SIZE, 8));
}

static void underflow(void)
{
    unsigned char *block = fill_slab(&slab, SIZE, false);

    lose(block);
    poke(block, -1, (unsigned char)~peek(block, -1));
    ward_slab_free(&slab, block, SIZE);
}

static void write_after_free(void)
{
    unsigned char *block = make_block(&slab, SIZE);

    lose(block);
    ward_slab_free(&slab, block, SIZE);
    poke(block, 8, 1);
    fill_slab(&slab, SIZE, true);
}

static void stale_handle(void)
{
    unsigned char *block = make_block(&slab, SIZE);
    ward_handle handle = ward_slab_handle(&slab, block);

    ward_slab_free(&slab, block, SIZE);
    ward_slab_free_handle(&slab, handle);
}

static bool free_it(void *block, size_t size, void *arg)
{
    (void)arg;
    ward_slab_free(&slab, block, size);
    return true;
}

struct mischief {
    void (*commit)(void);
    enum ward_bug_kind kind;
};

static const struct mischiefs {
    struct mischief all[9];
} mischiefs = { {
    { underflow, WARD_BUG_UNDERFLOW }, /* first: it needs the lowest slot */
    { double_free, WARD_BUG_DOUBLE_FREE },
    { wild_free, WARD_BUG_WILD_FREE },
    { interior_free, WARD_BUG_INTERIOR_FREE },
    { wrong_size, WARD_BUG_WRONG_SIZE },
    { overflow, WARD_BUG_OVERFLOW },
    { overflow_then_resize, WARD_BUG_OVERFLOW },
    { write_after_free, WARD_BUG_WRITE_AFTER_FREE },
    { stale_handle, WARD_BUG_STALE_HANDLE },
} };

static void commit(const struct mischief *mischief)
{
    seen = WARD_BUG_KIND_END_;
    if (sigsetjmp(request, 0) == 0)
        mischief->commit();
    if (seen != mischief->kind)
        fprintf(stderr, "expected %s, got %s\n", ward_bug_code(mischief->kind),
                ward_bug_code(seen));
    REQUIRE(seen == mischief->kind);
    REQUIRE(ward_slab_verify(&slab));
    ward_slab_each(&slab, free_it, NULL); /* the request's blocks */
    REQUIRE(ward_slab_verify(&slab));
}

/* Everything that is not lost can be had, once. */
static void count(void)
{
    struct ward_slab_info info;
    unsigned char *block;
    unsigned had = 0;

    ward_slab_info_get(&slab, &info);
    REQUIRE(info.retired == losses);
    for (; (block = (unsigned char *)ward_slab_alloc(&slab, SIZE)); had++)
        for (unsigned i = 0; i < losses; i++)
            REQUIRE(block != lost[i]);
    REQUIRE(had == info.capacity - losses);
    ward_slab_each(&slab, free_it, NULL);
}

static void attack(unsigned policy)
{
    losses = 0;
    make_slab(&slab, SIZE, policy, SLOTS);
    ward_bug_handle(jump, NULL);
    for (size_t i = 0; i < sizeof mischiefs.all / sizeof mischiefs.all[0]; i++)
        commit(&mischiefs.all[i]);
    ward_bug_handle(NULL, NULL);
    count();
    REQUIRE(ward_slab_fini(&slab) == 0);
}

int main(void)
{
    attack(WARD_HARDENED | WARD_GENERATION);
    attack(WARD_CANARY | WARD_POISON | WARD_GENERATION | WARD_STATISTICS);
    attack(WARD_PARANOID);
    return 0;
}
