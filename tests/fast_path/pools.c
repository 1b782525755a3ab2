/* SPDX-License-Identifier: MIT */
/*
 * The fast paths as they fold into a program, one function each, for tests/fast_path/run to look
 * at. 40 bytes: the stride is no power of two, so finding a slot wants a division if anything does.
 */
#include <ward/slab.h>

struct odd {
    char bytes[40];
};

#define FAST(NAME, POLICY)                                                                         \
    WARD_SLAB_DEFINE(NAME, struct odd, POLICY);                                                    \
    struct odd *fast_alloc_##NAME(struct NAME *pool);                                              \
    void fast_free_##NAME(struct NAME *pool, struct odd *block);                                   \
    struct odd *fast_alloc_##NAME(struct NAME *pool)                                               \
    {                                                                                              \
        return NAME##_alloc(pool);                                                                 \
    }                                                                                              \
    void fast_free_##NAME(struct NAME *pool, struct odd *block)                                    \
    {                                                                                              \
        NAME##_free(pool, block);                                                                  \
    }

FAST(plain, WARD_PLAIN)
FAST(hardened, WARD_HARDENED)
FAST(unlocked, WARD_POLICY_ALL_ & ~(WARD_ZERO | WARD_LOCK_META | WARD_LOCK_REQUIRE))
