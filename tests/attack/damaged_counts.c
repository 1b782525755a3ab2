/* survives */
/* SPDX-License-Identifier: MIT */
/* Writes chosen values over several counts of the slab's state at once, as a write to a guessed
 * address could: no block may come from outside the data, none twice, and nothing outside the
 * metadata may be touched (both sides stand between guards: it would be a SIGSEGV). */
#include "attack.h"

enum { SLOTS = 64 };

static const struct ward_slab_spec spec = { { 32, 8 }, WARD_HARDENED, 0, 0 };

static enum ward_verdict contain(const struct ward_bug *bug, void *count)
{
    (void)bug;
    ++*(unsigned *)count;
    return WARD_CONTAIN;
}

static bool issues_each_once(struct ward_slab *slab)
{
    const struct ward_slab_geometry_ *g = slab->geometry;
    bool issued[SLOTS] = { false };
    void *block;

    for (unsigned i = 0; i < 2 * SLOTS && (block = ward_slab_alloc(slab, 32)); i++) {
        uint64_t index = ward_slab_index_(g, &g->spec, block);

        if (index >= SLOTS || issued[index])
            return false;
        issued[index] = true;
        memset(block, 0x41, 32);
    }
    return true;
}

int main(void)
{
    const uint32_t values[] = { 0, 1, SLOTS - 1, SLOTS, SLOTS + 1, 1u << 24, UINT32_MAX };
    enum { VALUES = sizeof values / sizeof *values };
    unsigned reports = 0;

    ward_bug_handle(contain, &reports);
    for (unsigned i = 0; i < VALUES * VALUES * VALUES; i++) {
        struct ward_slab slab;
        void *kept;

        if (ward_slab_map(&slab, &spec, SLOTS))
            return 1;
        kept = ward_slab_alloc(&slab, 32);
        ward_slab_free(&slab, ward_slab_alloc(&slab, 32), 32);
        ward_slab_free(&slab, kept, 32);
        slab.geometry->state->top = values[i % VALUES];
        slab.geometry->state->fresh = values[i / VALUES % VALUES];
        slab.geometry->state->quarantined = values[i / VALUES / VALUES];
        if (!issues_each_once(&slab) || ward_slab_fini(&slab))
            return 1;
    }
    printf("%u reports\n", reports);
    return reports > 0 ? 0 : 1;
}
