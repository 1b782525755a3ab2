/* dies: forked */
/* SPDX-License-Identifier: MIT */
/* A child goes on with keys that lie in memory it does not have: what it reads there is not the
 * key, and where it reads nothing it crashes without a word. Every call is refused and reported.
 * */
#include "attack.h"

#include <sys/wait.h>

static struct ward_slab slab;

static bool never(void *block, size_t size, void *arg)
{
    (void)block, (void)size, (void)arg;
    exit(1);
}

static void every_call(unsigned char *block)
{
    const ward_handle handle = { 1 };

    contain_bugs();
    REQUIRE(!ward_slab_alloc(&slab, 32) && reports_of(WARD_BUG_FORKED) == 1);
    ward_slab_free(&slab, block, 32);
    REQUIRE(reports_of(WARD_BUG_FORKED) == 1);
    REQUIRE(ward_slab_resize(&slab, block, 32, 16) == -EFAULT && reports_of(WARD_BUG_FORKED) == 1);
    ward_slab_free_handle(&slab, handle);
    REQUIRE(reports_of(WARD_BUG_FORKED) == 1);
    ward_slab_each(&slab, never, NULL);
    REQUIRE(reports_of(WARD_BUG_FORKED) == 1);
    REQUIRE(ward_slab_release(&slab) == -EFAULT && reports_of(WARD_BUG_FORKED) == 1);
    REQUIRE(ward_slab_reset(&slab) == -EFAULT && reports_of(WARD_BUG_FORKED) == 1);
    REQUIRE(!ward_slab_verify(&slab) && ward_slab_usable(&slab, block) == 0);
    ward_bug_handle(NULL, NULL);
}

/* What tells all this must not be wiped itself: such metadata is refused. */
static void wiped_metadata(void)
{
    const struct ward_slab_spec spec = { { 32, 1 }, WARD_HARDENED, 0, 0 };
    struct ward_map data, meta;
    struct ward_split split;
    struct ward_slab on_wiped;

    REQUIRE(ward_map_init(&data, 65536, 0) == 0);
    REQUIRE(ward_map_init(&meta, 1 << 20, WARD_MAP_WIPE_ON_FORK) == 0);
    REQUIRE(ward_split_init_with(&split, &data.region, &meta.region) == 0);
    REQUIRE(ward_slab_init(&on_wiped, &spec, &split.region) == -ENOTSUP);
}

int main(void)
{
    const struct ward_slab_spec spec = { { 32, 1 }, WARD_HARDENED | WARD_GENERATION, 0, 0 };
    unsigned char *key;
    int status, err = ward_slab_map_secret(&slab, &spec, 100);
    pid_t pid;

    wiped_metadata();
    if (err == -ENOMEM || err == -EPERM || err == -ENOTSUP) {
        printf("no secret or locked memory here (%d)\n", err);
        return 77;
    }
    REQUIRE(err == 0);
    key = make_block(&slab, 32);
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        every_call(key);
        (void)!ward_slab_alloc(&slab, 32);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    REQUIRE(ward_slab_verify(&slab) && key[0] == 'a');
    ward_slab_free(&slab, key, 32);
    raise(WTERMSIG(status)); /* as the child did */
    return 0;
}
