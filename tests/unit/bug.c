/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <limits.h>

#include <ward/bug.h>
#include <ward/static.h>

static const struct {
    enum ward_bug_kind kind;
    int number;
    const char *code;
    unsigned cwe;
} table[] = {
    { WARD_BUG_DOUBLE_FREE, 1, "WARD-DOUBLE-FREE", 415 },
    { WARD_BUG_WILD_FREE, 2, "WARD-WILD-FREE", 590 },
    { WARD_BUG_INTERIOR_FREE, 3, "WARD-INTERIOR-FREE", 761 },
    { WARD_BUG_WRONG_SIZE, 4, "WARD-WRONG-SIZE", 763 },
    { WARD_BUG_OVERFLOW, 5, "WARD-OVERFLOW", 787 },
    { WARD_BUG_UNDERFLOW, 6, "WARD-UNDERFLOW", 124 },
    { WARD_BUG_WRITE_AFTER_FREE, 7, "WARD-WRITE-AFTER-FREE", 416 },
    { WARD_BUG_STALE_HANDLE, 8, "WARD-STALE-HANDLE", 825 },
    { WARD_BUG_METADATA, 9, "WARD-METADATA", 1284 },
    { WARD_BUG_FORKED, 10, "WARD-FORKED", 666 },
    { WARD_BUG_OUT_OF_BOUNDS, 11, "WARD-OUT-OF-BOUNDS", 119 },
    { WARD_BUG_USE_AFTER_FREE, 12, "WARD-USE-AFTER-FREE", 416 },
    { WARD_BUG_MISMATCH, 13, "WARD-MISMATCH", 762 },
};

enum { KINDS = sizeof table / sizeof table[0] };

static unsigned char memory[4096];

static struct ward_bug some_bug(void)
{
    struct ward_bug bug = {
        WARD_BUG_OVERFLOW, memory + 100, memory, 100, NULL, "a test raised it"
    };

    return bug;
}

static void every_kind_has_its_stable_number_code_and_cwe(void **state)
{
    (void)state;
    assert_int_equal(KINDS, WARD_BUG_KIND_END_ - 1);
    for (int i = 0; i < KINDS; i++) {
        assert_int_equal(table[i].kind, table[i].number);
        assert_string_equal(ward_bug_code(table[i].kind), table[i].code);
        assert_int_equal(ward_bug_cwe(table[i].kind), table[i].cwe);
    }
}

static void what_is_no_kind_is_unknown(void **state)
{
    const int none[] = {
        0, WARD_BUG_KIND_END_, WARD_BUG_KIND_END_ + 1, 1000, -1, INT_MIN, INT_MAX
    };

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_string_equal(ward_bug_code((enum ward_bug_kind)none[i]), "WARD-UNKNOWN");
        assert_int_equal(ward_bug_cwe((enum ward_bug_kind)none[i]), 0);
    }
}

static void assert_report_has(const struct ward_bug *bug, const char *part)
{
    char text[1024];
    size_t len = ward_bug_print(bug, text, sizeof text);

    assert_int_equal(len, strlen(text));
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void the_report_names_code_cwe_and_message(void **state)
{
    struct ward_bug bug = some_bug();

    (void)state;
    for (int i = 0; i < KINDS; i++) {
        char cwe[32];

        bug.kind = table[i].kind;
        snprintf(cwe, sizeof cwe, "(CWE-%u): ", table[i].cwe);
        assert_report_has(&bug, table[i].code);
        assert_report_has(&bug, cwe);
        assert_report_has(&bug, "found    a test raised it\n");
        assert_report_has(&bug, "==ward== WARD-");
    }
}

static void the_report_says_where_the_address_lies_seen_from_the_block(void **state)
{
    struct ward_bug bug = some_bug();

    (void)state;
    assert_report_has(&bug, ", 1 byte past the end of the block\n");
    bug.addr = memory + 109;
    assert_report_has(&bug, ", 10 bytes past the end of the block\n");
    bug.addr = memory + 99;
    assert_report_has(&bug, ", 99 bytes into the block\n");
    bug.addr = memory + 1;
    assert_report_has(&bug, ", 1 byte into the block\n");
    bug.addr = memory;
    bug.block = memory + 8;
    assert_report_has(&bug, ", 8 bytes before the block\n");
}

static void a_block_of_unknown_size_has_no_end(void **state)
{
    struct ward_bug bug = some_bug();

    (void)state;
    bug.kind = WARD_BUG_DOUBLE_FREE;
    bug.size = 0;
    assert_report_has(&bug, ", 100 bytes into the block\n");
}

static void a_live_block_may_have_no_byte(void **state)
{
    struct ward_bug bug = some_bug();

    (void)state;
    bug.kind = WARD_BUG_OVERFLOW;
    bug.size = 0;
    bug.addr = memory + 1;
    assert_report_has(&bug, ", 2 bytes past the end of the block\n");
    assert_report_has(&bug, ", 0 bytes requested\n");
}

static void the_report_prints_every_address_in_full(void **state)
{
    struct ward_static region;
    struct ward_bug bug = some_bug();
    char text[64];

    (void)state;
    assert_int_equal(ward_static_init(&region, memory, sizeof memory), 0);
    bug.region = &region.region;
    snprintf(text, sizeof text, "address  %p, ", (const void *)(memory + 100));
    assert_report_has(&bug, text);
    snprintf(text, sizeof text, "block    %p, 100 bytes requested\n", (void *)memory);
    assert_report_has(&bug, text);
    snprintf(text, sizeof text, "region   %p to %p, static\n", (void *)memory,
             (void *)(memory + sizeof memory));
    assert_report_has(&bug, text);
}

static void what_is_not_known_is_left_out(void **state)
{
    struct ward_bug bug = { WARD_BUG_WILD_FREE, NULL, NULL, 0, NULL, NULL };
    char text[1024];

    (void)state;
    assert_true(ward_bug_print(&bug, text, sizeof text) > 0);
    assert_non_null(strstr(text, "address  0x0\n"));
    assert_null(strstr(text, "block   "));
    assert_null(strstr(text, "region "));
    assert_null(strstr(text, "past the end"));
}

static void the_largest_numbers_are_printed_right(void **state)
{
    struct ward_bug bug = some_bug();

    (void)state;
    bug.addr = (const void *)UINTPTR_MAX;
    bug.block = (const void *)1;
    bug.kind = WARD_BUG_DOUBLE_FREE;
    bug.size = 0;
    assert_report_has(&bug, "address  0xffffffffffffffff, 18446744073709551614 bytes into");
}

/* The text cut at every cap: always the beginning of the whole, always terminated, nothing
 * behind. */
static void a_report_is_cut_at_every_cap(void **state)
{
    struct ward_bug bug = some_bug();
    char whole[1024], cut[1026];
    size_t len = ward_bug_print(&bug, whole, sizeof whole);

    (void)state;
    assert_true(len > 100 && len < sizeof whole - 1);
    for (size_t cap = 0; cap <= sizeof whole; cap++) {
        size_t want = cap == 0 ? 0 : cap - 1 < len ? cap - 1 : len;

        memset(cut, 0x5a, sizeof cut);
        assert_int_equal(ward_bug_print(&bug, cut, cap), want);
        assert_memory_equal(cut, whole, want);
        if (cap)
            assert_int_equal(cut[want], 0);
        assert_true(is_all(cut + cap, sizeof cut - cap, 0x5a));
    }
    assert_int_equal(ward_bug_print(&bug, NULL, 0), 0);
}

/* --- raising ---------------------------------------------------------------------------------- */

static unsigned asked;

static enum ward_verdict contain(const struct ward_bug *bug, void *arg)
{
    struct ward_bug *copy = (struct ward_bug *)arg;

    asked++;
    *copy = *bug;
    return WARD_CONTAIN;
}

static enum ward_verdict refuse(const struct ward_bug *bug, void *arg)
{
    (void)bug;
    (void)arg;
    return WARD_ABORT;
}

/* Raises a bug in a child whose standard error comes here. The signal that ended it. */
static int death_of(int (*work)(void *arg), char *text, size_t cap)
{
    int ends[2], was = dup(2), result;
    size_t len = 0;
    ssize_t got;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    assert_true(dup2(ends[1], 2) == 2);
    result = in_child(work, NULL);
    assert_true(dup2(was, 2) == 2);
    close(was);
    close(ends[1]);
    while (len < cap - 1 && (got = read(ends[0], text + len, cap - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(ends[0]);
    return result;
}

static int raise_one(void *arg)
{
    struct ward_bug bug = some_bug();

    (void)arg;
    ward_bug_raise(&bug);
    return 0;
}

static int raise_one_refused(void *arg)
{
    ward_bug_handle(refuse, NULL);
    return raise_one(arg);
}

static int raise_one_after_uninstalling(void *arg)
{
    struct ward_bug copy;

    ward_bug_handle(contain, &copy);
    ward_bug_handle(NULL, NULL);
    return raise_one(arg);
}

static void ignore_abort(int number)
{
    (void)number;
}

static int raise_one_with_abort_handled(void *arg)
{
    sigset_t all;

    signal(SIGABRT, ignore_abort);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    return raise_one(arg);
}

static void by_default_the_report_is_printed_and_the_process_aborts(void **state)
{
    int (*const ways[])(void *) = { raise_one, raise_one_refused, raise_one_after_uninstalling,
                                    raise_one_with_abort_handled };
    struct ward_bug bug = some_bug();
    char want[1024], text[2048];

    (void)state;
    ward_bug_print(&bug, want, sizeof want);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        assert_int_equal(death_of(ways[i], text, sizeof text), -SIGABRT);
        assert_string_equal(text, want);
    }
}

static void a_handler_sees_the_bug_and_may_contain_it(void **state)
{
    struct ward_bug bug = some_bug(), copy;

    (void)state;
    dirty(copy);
    asked = 0;
    ward_bug_handle(contain, &copy);
    ward_bug_raise(&bug);
    ward_bug_raise(&bug);
    ward_bug_handle(NULL, NULL);
    assert_int_equal(asked, 2);
    assert_int_equal(copy.kind, bug.kind);
    assert_ptr_equal(copy.addr, bug.addr);
    assert_ptr_equal(copy.block, bug.block);
    assert_int_equal(copy.size, bug.size);
    assert_ptr_equal(copy.region, bug.region);
    assert_ptr_equal(copy.message, bug.message);
}

static int contain_quietly(void *arg)
{
    struct ward_bug copy;

    ward_bug_handle(contain, &copy);
    return raise_one(arg);
}

static void a_contained_bug_prints_nothing(void **state)
{
    char text[2048];

    (void)state;
    assert_int_equal(death_of(contain_quietly, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static jmp_buf out;

static enum ward_verdict jump(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    longjmp(out, (int)bug->kind);
}

static void a_handler_may_jump_away(void **state)
{
    struct ward_bug bug = some_bug();
    int kind;

    (void)state;
    ward_bug_handle(jump, NULL);
    kind = setjmp(out);
    if (kind == 0)
        ward_bug_raise(&bug);
    ward_bug_handle(NULL, NULL);
    assert_int_equal(kind, WARD_BUG_OVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_stable_number_code_and_cwe),
        cmocka_unit_test(what_is_no_kind_is_unknown),
        cmocka_unit_test(the_report_names_code_cwe_and_message),
        cmocka_unit_test(the_report_says_where_the_address_lies_seen_from_the_block),
        cmocka_unit_test(a_block_of_unknown_size_has_no_end),
        cmocka_unit_test(a_live_block_may_have_no_byte),
        cmocka_unit_test(the_report_prints_every_address_in_full),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(the_largest_numbers_are_printed_right),
        cmocka_unit_test(a_report_is_cut_at_every_cap),
        cmocka_unit_test(by_default_the_report_is_printed_and_the_process_aborts),
        cmocka_unit_test(a_handler_sees_the_bug_and_may_contain_it),
        cmocka_unit_test(a_contained_bug_prints_nothing),
        cmocka_unit_test(a_handler_may_jump_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
