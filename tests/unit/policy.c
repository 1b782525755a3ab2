/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <limits.h>

#include <ward/policy.h>
#include <ward/slab.h>

WARD_STATIC_ASSERT(WARD_POLICY_OK(WARD_PLAIN) && WARD_POLICY_OK(WARD_HARDENED) &&
                       WARD_POLICY_OK(WARD_PARANOID),
                   "the presets make sense, in a constant expression");

static int try_policy(unsigned policy)
{
    const struct ward_slab_spec spec = { { 32, 8 }, policy, 0, 0 };
    struct ward_slab slab;
    int error;

    dirty(slab);
    error = ward_slab_map(&slab, &spec, 4);
    if (error)
        assert_all_zero(slab);
    else
        assert_int_equal(ward_slab_fini(&slab), 0);
    return error;
}

static bool makes_sense(unsigned policy)
{
    bool both = policy & WARD_ZERO && policy & WARD_POISON;
    bool alone = policy & WARD_LOCK_REQUIRE && !(policy & WARD_LOCK_META);

    return policy <= WARD_POLICY_ALL_ && !both && !alone;
}

static void every_combination_is_known_to_make_sense_or_not(void **state)
{
    (void)state;
    for (unsigned policy = 0; policy < 4096; policy++)
        assert_true(WARD_POLICY_OK(policy) == makes_sense(policy));
    assert_false(WARD_POLICY_OK(UINT_MAX));
    assert_false(WARD_POLICY_OK(1u << 31));
}

static void what_makes_no_sense_is_refused_at_run_time(void **state)
{
    bool no_key = ward_host_key() < 0;

    (void)state;
    for (unsigned policy = 0; policy < 4096; policy += policy < 1024 ? 1 : 101) {
        int error = try_policy(policy);

        if (!makes_sense(policy))
            assert_int_equal(error, -EINVAL);
        else if (policy & WARD_LOCK_REQUIRE && no_key)
            assert_true(error == -ENOTSUP || error == -ENOSPC);
        else
            assert_int_equal(error, 0);
    }
    assert_int_equal(try_policy(UINT_MAX), -EINVAL);
}

static void the_numbers_of_the_bits_are_stable(void **state)
{
    (void)state;
    assert_int_equal(WARD_RANDOM_SLOT, 1);
    assert_int_equal(WARD_ZERO, 2);
    assert_int_equal(WARD_POISON, 4);
    assert_int_equal(WARD_CANARY, 8);
    assert_int_equal(WARD_QUARANTINE, 16);
    assert_int_equal(WARD_GENERATION, 32);
    assert_int_equal(WARD_SPAN_GUARD, 64);
    assert_int_equal(WARD_LOCK_META, 128);
    assert_int_equal(WARD_LOCK_REQUIRE, 256);
    assert_int_equal(WARD_STATISTICS, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_known_to_make_sense_or_not),
        cmocka_unit_test(what_makes_no_sense_is_refused_at_run_time),
        cmocka_unit_test(the_numbers_of_the_bits_are_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
