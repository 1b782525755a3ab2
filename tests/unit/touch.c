/* SPDX-License-Identifier: MIT */
/*
 * What the compiler is told of an access that is made by number: that it reads and writes memory.
 * An object that is only ever named by its address as an integer must not live in a register, and a
 * store to it must not be put off or left out.
 */
#include "access.h"

#include <ward/inline/touch.h>

#define NOINLINE __attribute__((noinline))

/* Nothing but the access reads what is stored here: a compiler that does not know it leaves the
 * stores out. */
#define LOADS(BITS)                                                                                \
    static NOINLINE bool load##BITS##_sees_stores(uint##BITS##_t first, uint##BITS##_t second)     \
    {                                                                                              \
        uint##BITS##_t word;                                                                       \
        uintptr_t at = (uintptr_t)&word;                                                           \
        uint64_t was = 0, is = 0;                                                                  \
                                                                                                   \
        word = first;                                                                              \
        if (ward_touch_load_(at, BITS / 8, &was))                                                  \
            return false;                                                                          \
        word = second;                                                                             \
        return !ward_touch_load_(at, BITS / 8, &is) && was == first && is == second;               \
    }

/* The value from before must not be taken for the one that is there now. */
#define STORES(BITS)                                                                               \
    static NOINLINE bool store##BITS##_is_seen(uint##BITS##_t first, uint##BITS##_t second)        \
    {                                                                                              \
        uint##BITS##_t word = first, before = word;                                                \
        uint64_t put = second;                                                                     \
                                                                                                   \
        return !ward_touch_store_((uintptr_t)&word, BITS / 8, &put) && before == first &&          \
               word == second;                                                                     \
    }

LOADS(8)
LOADS(16)
LOADS(32)
LOADS(64)
STORES(8)
STORES(16)
STORES(32)
STORES(64)

static void a_load_sees_what_was_stored_just_before(void **state)
{
    (void)state;
    assert_true(load8_sees_stores(11, 222));
    assert_true(load16_sees_stores(1111, 22222));
    assert_true(load32_sees_stores(1111111, 22222222));
    assert_true(load64_sees_stores(UINT64_C(1) << 40, UINT64_C(2) << 50));
}

static void what_is_stored_is_seen_just_behind(void **state)
{
    (void)state;
    assert_true(store8_is_seen(11, 222));
    assert_true(store16_is_seen(1111, 22222));
    assert_true(store32_is_seen(1111111, 22222222));
    assert_true(store64_is_seen(UINT64_C(1) << 40, UINT64_C(2) << 50));
}

static NOINLINE bool atomic_is_seen(uint64_t first, uint64_t second)
{
    uint64_t word = first, value = second;

    return !ward_touch_exchange_((uintptr_t)&word, 8, &value) && value == first && word == second;
}

static void an_atomic_sees_and_is_seen(void **state)
{
    (void)state;
    assert_true(atomic_is_seen(3, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_sees_what_was_stored_just_before),
        cmocka_unit_test(what_is_stored_is_seen_just_behind),
        cmocka_unit_test(an_atomic_sees_and_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
