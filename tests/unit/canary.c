/* SPDX-License-Identifier: MIT */
/* The word behind a block: what its first byte may be, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ward/inline/canary.h>

static const uint64_t key[2] = { UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344) };

/* With 8192 of each, six standard deviations are 543. A value that came up twice as often would be
 * 8192 too many. */
static void each_first_byte_but_zero_is_as_likely(void **state)
{
    enum { EACH = 8192, OFF_MOST = 543 };
    static unsigned counts[256];

    (void)state;
    for (uint64_t index = 0; index < (uint64_t)255 * EACH; index++)
        counts[(unsigned char)ward_canary_word_(key, index * 16)]++;
    assert_int_equal(counts[0], 0);
    for (unsigned byte = 1; byte < 256; byte++)
        assert_in_range(counts[byte], EACH - OFF_MOST, EACH + OFF_MOST);
}

static void a_word_is_the_slots_own(void **state)
{
    unsigned same = 0;

    (void)state;
    for (uint64_t index = 1; index < 100000; index++)
        same += ward_canary_word_(key, index) == ward_canary_word_(key, index - 1);
    assert_int_equal(same, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_first_byte_but_zero_is_as_likely),
        cmocka_unit_test(a_word_is_the_slots_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
