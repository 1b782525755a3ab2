/* SPDX-License-Identifier: MIT */
/*
 * Code made at run time, with an exception table of its own: its faults are recovered while the
 * table is registered, and are deaths before and after.
 */
#include "access.h"

#include <pthread.h>

struct pair {
    uint64_t value, kind;
};

/* What is made: clear the second result register, load from the argument (or, in the second piece,
 * an instruction that does not exist), return. */
#if defined(__x86_64__)
enum { KIND = 2 /* rdx */, INSN = 2, FIXUP = 5, ILLEGAL_IS_A_FAULT = 0 };
static const unsigned char load[] = { 0x31, 0xd2, 0x48, 0x8b, 0x07, 0xc3 };
static const unsigned char illegal[] = { 0x31, 0xd2, 0x0f, 0x0b, 0x90, 0xc3 };
#elif defined(__aarch64__)
enum { KIND = 1 /* x1 */, INSN = 4, FIXUP = 8, ILLEGAL_IS_A_FAULT = 1 };
static const uint32_t load[] = { 0xd2800001, 0xf9400000, 0xd65f03c0 };
static const uint32_t illegal[] = { 0xd2800001, 0x00000000, 0xd65f03c0 };
#else
enum { KIND = 11 /* a1 */, INSN = 4, FIXUP = 8, ILLEGAL_IS_A_FAULT = 0 };
static const uint32_t load[] = { 0x00000593, 0x00053503, 0x00008067 };
static const uint32_t illegal[] = { 0x00000593, 0x00000000, 0x00008067 };
#endif

/* One page: the code, and behind it the table. */
struct made {
    unsigned char *page;
    struct ward_recover_table table;
    union {
        void *at;
        struct pair (*call)(uint64_t a);
    } code;
};

enum { ENTRY_AT = 64 };

static void make(struct made *made, const void *code, size_t bytes)
{
    struct ward_recover_entry entry = {
        .insn = INSN - ENTRY_AT,
        .fixup = FIXUP - ENTRY_AT - (int32_t)offsetof(struct ward_recover_entry, fixup),
        .what = KIND,
    };

    memset(made, 0, sizeof *made);
    made->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(made->page != MAP_FAILED);
    memcpy(made->page, code, bytes);
    memcpy(made->page + ENTRY_AT, &entry, sizeof entry);
    assert_int_equal(mprotect(made->page, PAGE, PROT_READ | PROT_EXEC), 0);
    __builtin___clear_cache((char *)made->page, (char *)made->page + bytes);
    made->code.at = made->page;
    made->table.begin = (const void *)(made->page + ENTRY_AT);
    made->table.end = made->table.begin + 1;
}

static void unmake(struct made *made)
{
    assert_int_equal(munmap(made->page, PAGE), 0);
}

static unsigned char *bad; /* a page without access */

static int call_with_bad(void *made)
{
    struct pair got;

    use_ward();
    got = ((struct made *)made)->code.call(address(bad));
    return got.kind == WARD_FAULT_PROT ? 0 : 1;
}

static void faults_in_it_are_recovered_while_its_table_is_registered(void **state)
{
    uint64_t word = 4711;
    struct made made;
    struct pair got;

    (void)state;
    use_ward();
    make(&made, load, sizeof load);
    assert_int_equal(in_child(call_with_bad, &made), -SIGSEGV);
    assert_int_equal(ward_recover_register(&made.table), 0);
    got = made.code.call(address(&word));
    assert_true(got.value == 4711 && got.kind == 0);
    got = made.code.call(address(bad));
    assert_int_equal(got.kind, WARD_FAULT_PROT);
    got = made.code.call(8);
    assert_int_equal(got.kind, WARD_FAULT_UNMAPPED);
    got = made.code.call(UINT64_C(0x1234567812345678));
    assert_true(got.kind != 0);
    assert_int_equal(in_child(call_with_bad, &made), 0);
    assert_int_equal(ward_recover_unregister(&made.table), 0);
    assert_int_equal(in_child(call_with_bad, &made), -SIGSEGV);
    unmake(&made);
}

/* --- Threads fault while code comes and goes -------------------------------------------------- */

static _Atomic bool stop;
static _Atomic unsigned wrong;

static void *fault_on(void *unused)
{
    uint64_t word;

    while (!stop)
        if (ward_self_read_u64(address(bad), &word, NULL) != -EFAULT)
            wrong++;
    return unused;
}

static void code_comes_and_goes_while_threads_fault(void **state)
{
    pthread_t threads[2];
    struct made made;

    (void)state;
    use_ward();
    stop = false;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fault_on, NULL), 0);
    for (size_t i = 0; i < 300; i++) {
        make(&made, load, sizeof load);
        assert_int_equal(ward_recover_register(&made.table), 0);
        assert_int_equal(made.code.call(address(bad)).kind, WARD_FAULT_PROT);
        assert_int_equal(ward_recover_unregister(&made.table), 0);
        unmake(&made);
    }
    stop = true;
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
}

/* --- Instructions the machine refuses --------------------------------------------------------- */

static int call_illegal(void *made)
{
    use_ward();
    if (ILLEGAL_IS_A_FAULT && sigaction(SIGILL, &ward_handler, NULL))
        return 1;
    return ((struct made *)made)->code.call(0).kind == WARD_FAULT_DENIED ? 0 : 1;
}

/* Where some faults come as SIGILL, an entry covers that too; elsewhere it is no fault. */
static void an_illegal_instruction_with_an_entry_is_a_fault_where_the_machine_says_it_so(
    void **state)
{
    struct made made;

    (void)state;
    make(&made, illegal, sizeof illegal);
    assert_int_equal(in_child(call_illegal, &made), -SIGILL);
    assert_int_equal(ward_recover_register(&made.table), 0);
    assert_int_equal(in_child(call_illegal, &made), ILLEGAL_IS_A_FAULT ? 0 : -SIGILL);
    assert_int_equal(ward_recover_unregister(&made.table), 0);
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_in_it_are_recovered_while_its_table_is_registered),
        cmocka_unit_test(code_comes_and_goes_while_threads_fault),
        cmocka_unit_test(
            an_illegal_instruction_with_an_entry_is_a_fault_where_the_machine_says_it_so),
    };

    install_first();
    bad = map_edge(1) + PAGE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
