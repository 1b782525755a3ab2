/* SPDX-License-Identifier: MIT */
/* Slots of every class are cleared whole, and a byte that is not clear is seen wherever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "malloc/clear.h"
#include "malloc/root.h"

struct ward_root ward_root_;

enum { BYTES_MAX = 2048, LARGE_MAX = 200000, ROOM = 64 };

static _Alignas(64) unsigned char memory[ROOM + BYTES_MAX + ROOM];
static unsigned char *const slot = memory + ROOM;

static bool is_clear(size_t bytes)
{
    bool clear = slot_is_clear(slot, bytes, CLASS_SMALL_MAX);

    if (bytes <= CLASS_FINE_MAX)
        assert_int_equal(slot_is_clear(slot, bytes, CLASS_FINE_MAX), clear);
    return clear;
}

static void each_byte_is_seen(void **state)
{
    (void)state;
    memset(memory, 0, sizeof memory);
    for (unsigned class = 0; class_bytes(class) <= BYTES_MAX; class ++) {
        size_t bytes = class_bytes(class);

        slot[-1] = slot[bytes] = 1;
        assert_true(is_clear(bytes));
        slot[-1] = slot[bytes] = 0;
        for (size_t i = 0; i < bytes; i++) {
            slot[i] = 0x80;
            assert_false(is_clear(bytes));
            slot[i] = 0;
        }
    }
}

static void is_cleared_to(size_t bytes)
{
    for (size_t i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i], i < ROOM || i >= ROOM + bytes ? 0xff : 0);
}

static void all_bytes_are_cleared_and_no_more(void **state)
{
    (void)state;
    for (unsigned class = 0; class_bytes(class) <= BYTES_MAX; class ++) {
        size_t bytes = class_bytes(class);

        memset(memory, 0xff, sizeof memory);
        slot_clear(slot, bytes, CLASS_SMALL_MAX);
        is_cleared_to(bytes);
        memset(memory, 0xff, sizeof memory);
        slot_clear_used(slot, bytes, 1);
        is_cleared_to(bytes);
    }
}

static _Alignas(64) unsigned char large[ROOM + LARGE_MAX + ROOM];

static bool large_is(size_t from, size_t to, unsigned char byte)
{
    while (from < to && large[from] == byte)
        from++;
    return from == to;
}

/* What is written: `len` bytes from `at` on; then all but those. */
static void clear_large(size_t bytes, size_t at, size_t len)
{
    for (int round = 0; round < 2; round++) {
        memset(large, 0xff, sizeof large);
        memset(large + ROOM, round == 0 ? 0 : 0xff, bytes);
        memset(large + ROOM + at, round == 0 ? 0xff : 0, len);
        ward_clear_make_(large + ROOM, bytes);
        assert_true(large_is(0, ROOM, 0xff));
        assert_true(large_is(ROOM, ROOM + bytes, 0));
        assert_true(large_is(ROOM + bytes, sizeof large, 0xff));
    }
}

static void large_memory_is_cleared_and_no_more(void **state)
{
    (void)state;
    for (size_t bytes = 16 << 10; bytes <= LARGE_MAX; bytes += bytes / 7)
        for (size_t at = 0; at < bytes; at += 1 + bytes / 61) {
            clear_large(bytes, at, 1);
            clear_large(bytes, at, bytes - at);
            clear_large(bytes, at, (bytes - at) / 3);
        }
}

static void each_byte_of_large_memory_is_seen(void **state)
{
    (void)state;
    memset(large, 0xff, sizeof large);
    for (size_t bytes = PIECES_MAX + 16; bytes <= 5 * PIECES_MAX; bytes += 16) {
        memset(large + ROOM, 0, bytes);
        assert_true(ward_clear_is_(large + ROOM, bytes));
        for (size_t i = 0; i < bytes; i++) {
            large[ROOM + i] = 1;
            assert_false(ward_clear_is_(large + ROOM, bytes));
            large[ROOM + i] = 0;
        }
    }
}

/* Of what is looked at in part: whatever starts or ends it, and now and then the rest. */
static void large_memory_is_looked_at_in_part(void **state)
{
    enum { BYTES = 64 << 10, END = 1024, TURNS = 64 };

    (void)state;
    memset(large, 0xff, sizeof large);
    memset(large + ROOM, 0, BYTES);
    for (size_t i = 0; i < BYTES; i += 61) {
        unsigned seen = 0;

        large[ROOM + i] = 1;
        for (uint64_t turn = 0; turn < TURNS; turn++)
            seen += !ward_clear_seems_(large + ROOM, BYTES, turn << 41);
        large[ROOM + i] = 0;
        assert_int_equal(seen, i < END || i >= BYTES - END ? TURNS : TURNS / 8);
    }
    assert_true(ward_clear_seems_(large + ROOM, BYTES, 0));
    ward_root_.policy = POLICY_WHOLE;
    large[ROOM + BYTES / 2] = 1;
    assert_false(ward_clear_seems_(large + ROOM, BYTES, 0));
    ward_root_.policy = 0;
}

static void up_to_16_kib_all_of_it_is_looked_at(void **state)
{
    (void)state;
    memset(large, 0xff, sizeof large);
    memset(large + ROOM, 0, CHECKED_WHOLE);
    for (size_t bytes = 4096; bytes <= CHECKED_WHOLE; bytes += 4096)
        for (size_t i = 0; i < bytes; i += 61) {
            large[ROOM + i] = 1;
            assert_false(ward_clear_seems_(large + ROOM, bytes, 0));
            large[ROOM + i] = 0;
            assert_true(ward_clear_seems_(large + ROOM, bytes, 0));
        }
}

static int by_cache_lines(void **state)
{
    (void)state;
    ward_root_.lines = ward_clear_has_lines_();
    if (!ward_root_.lines)
        print_message("not by cache lines: this processor has no loads of them\n");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_seen),
        cmocka_unit_test(all_bytes_are_cleared_and_no_more),
        cmocka_unit_test(large_memory_is_cleared_and_no_more),
        cmocka_unit_test(each_byte_of_large_memory_is_seen),
        cmocka_unit_test(large_memory_is_looked_at_in_part),
        cmocka_unit_test(up_to_16_kib_all_of_it_is_looked_at),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);

    return bad + cmocka_run_group_tests_name("by cache lines", tests, by_cache_lines, NULL);
}
