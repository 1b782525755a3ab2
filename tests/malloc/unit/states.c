/* SPDX-License-Identifier: MIT */
/* Which slots of a row may be issued, found by both ways there are, against looking at each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "malloc/states.h"

enum { ROUNDS = 20000 };

static bool may_be_issued(uint32_t state)
{
    return state == SLOT_NEW || state == SLOT_FREE;
}

static uint64_t looked_at(const _Atomic uint16_t *states, uint32_t count)
{
    uint64_t bits = 0;

    for (uint32_t i = 0; i < count; i++)
        bits |= (uint64_t)may_be_issued(LOAD(&states[i])) << i;
    return bits;
}

static uint16_t some_state(void)
{
    static const uint16_t edges[] = { SLOT_NEW, SLOT_FREE, SLOT_WAITING, SLOT_PENDING,
                                      SLOT_BIG, SLOT_LIVE, INT16_MAX,    (uint16_t)INT16_MIN,
                                      0x8001,   0xfffe,    (uint16_t)-1 };

    return rand() % 3 ? edges[(size_t)rand() % (sizeof edges / sizeof *edges)] : (uint16_t)rand();
}

static void both_ways_find_what_looking_at_each_finds(void **state)
{
    WARD_ALIGNED(64) _Atomic uint16_t states[64];

    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t count = (uint32_t)rand() % 65;

        for (int i = 0; i < 64; i++)
            STORE(&states[i], some_state());
        assert_int_equal(states_free(states, count), looked_at(states, count));
        for (int i = 0; i < 64; i += 16)
            assert_int_equal(states_free16_anywhere(&states[i]), looked_at(&states[i], 16));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_find_what_looking_at_each_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
