/* SPDX-License-Identifier: MIT */
/*
 * Metadata behind a protection key: closed to everybody but an operation under way, and the key's
 * register as it was afterwards, whoever calls and however it ends.
 *
 * A process allocates its key once, so each test runs in a child that has none yet. Where there are
 * no keys at all every test says so and skips.
 */
#include "slabs.h"

#include <pthread.h>

#include <ward/seal.h>

enum { NO_KEYS = 77, NO_SEAL = 78 };

static const struct ward_slab_spec spec = {
    { 40, 8 }, WARD_PARANOID | WARD_LOCK_REQUIRE | WARD_STATISTICS, 4, 0
};

static struct ward_slab slab;

/* The slab everybody here works on. In a child: what it exits with if not 0. */
static int make_locked_slab(void)
{
    struct ward_slab_info info;

    if (ward_host_key() < 0)
        return NO_KEYS;
    EXPECT(ward_slab_map(&slab, &spec, 64) == 0);
    ward_slab_info_get(&slab, &info);
    EXPECT(info.locked && info.geometry_fixed);
    return 0;
}

#define MAKE_LOCKED_SLAB()                                                                         \
    do {                                                                                           \
        int made_ = make_locked_slab();                                                            \
        if (made_)                                                                                 \
            return made_;                                                                          \
    } while (0)

/* The kernel honours the key on our behalf: what it cannot read, nobody can. */
static bool is_closed_now(void)
{
    const struct ward_slab_geometry_ *g = slab.geometry;

    return !can_read(g->state) && !can_read(&g->rows[0]) && !can_read(g->generations) &&
           can_read(g);
}

static uint32_t register_now(void)
{
    uint32_t now = ward_key_close_(slab.geometry->key);

    ward_key_restore_(now);
    return now;
}

static int use(void)
{
    void *block[40];

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 40; i++) {
            block[i] = ward_slab_alloc(&slab, (size_t)i + 1);
            EXPECT(block[i]);
            memset(block[i], i, (size_t)i + 1);
        }
        for (int i = 0; i < 40; i++)
            ward_slab_free(&slab, block[i], (size_t)i + 1);
    }
    EXPECT(is_whole(&slab) && is_closed_now());
    return 0;
}

/* Skips for what a child found missing. */
static void skip_without(int result)
{
    if (result == NO_KEYS)
        print_message("this machine or system has no protection keys\n");
    if (result == NO_SEAL)
        print_message("this system cannot seal\n");
    if (result == NO_KEYS || result == NO_SEAL)
        skip();
}

static void in_fresh_process(int (*work)(void *))
{
    int result = in_child(work, NULL);

    skip_without(result);
    assert_int_equal(result, 0);
}

/* --- stray accesses --------------------------------------------------------------------------- */

static void exit_by_code(int number, siginfo_t *info, void *context)
{
    (void)context;
    _exit(number == SIGSEGV && info->si_code == SEGV_PKUERR ? 0 : 1);
}

static void expect_key_fault(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = exit_by_code;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSEGV, &action, NULL))
        abort();
}

static int write_state(void *arg)
{
    (void)arg;
    MAKE_LOCKED_SLAB();
    EXPECT(use() == 0);
    expect_key_fault();
    *(volatile uint32_t *)&slab.geometry->state->top = 7;
    return 1;
}

static int read_rows(void *arg)
{
    (void)arg;
    MAKE_LOCKED_SLAB();
    EXPECT(use() == 0);
    expect_key_fault();
    (void)*(volatile uint32_t *)&slab.geometry->rows[0].word;
    return 1;
}

static void a_stray_write_to_the_metadata_faults_by_the_key(void **state)
{
    (void)state;
    in_fresh_process(write_state);
}

static void a_stray_read_faults_too(void **state)
{
    (void)state;
    in_fresh_process(read_rows);
}

/* --- the register ----------------------------------------------------------------------------- */

static bool look(void *block, size_t size, void *arg)
{
    (void)block;
    (void)size;
    *(bool *)arg = *(bool *)arg && is_closed_now();
    return true;
}

static unsigned try_everything(uint32_t want)
{
    void *block = ward_slab_alloc(&slab, 10);
    ward_handle handle = ward_slab_handle(&slab, block);
    bool closed = true;
    unsigned wrong = 0;
    int ignored;

    wrong += register_now() != want;
    wrong += ward_slab_get(&slab, handle) != block || register_now() != want;
    wrong += ward_slab_usable(&slab, block) != 10 || register_now() != want;
    wrong += ward_slab_resize(&slab, block, 10, 20) != 0 || register_now() != want;
    wrong += ward_slab_verify(&slab) != true || register_now() != want;
    ward_slab_each(&slab, look, &closed);
    wrong += register_now() != want;
    ward_slab_free_handle(&slab, handle);
    wrong += register_now() != want;
    ward_slab_free(&slab, ward_slab_alloc(&slab, 5), 5);
    wrong += register_now() != want;
    wrong += ward_slab_release(&slab) < 0 || register_now() != want;
    wrong += ward_slab_reset(&slab) != 0 || register_now() != want;
    ward_slab_free(&slab, &closed, 1); /* a bug, contained */
    wrong += register_now() != want;
    ignored = ward_slab_resize(&slab, (void *)8, 1, 2);
    wrong += ignored != -EFAULT || register_now() != want;
    return wrong;
}

/* Whatever rights the program gave itself, to ward's key or to others. */
static int keep_the_register(void *arg)
{
    uint32_t start;
    int mine;

    (void)arg;
    MAKE_LOCKED_SLAB();
    contain_bugs();
    mine = pkey_alloc(0, 0);
    EXPECT(mine > 0 && mine != slab.geometry->key);
    for (uint32_t rights = 0; rights < 16; rights++) {
        start = register_now() & ~(UINT32_C(3) << 2 * mine | UINT32_C(3) << 2 * slab.geometry->key);
        start |= (rights & 3) << 2 * mine | rights >> 2 << 2 * slab.geometry->key;
        ward_key_restore_(start);
        EXPECT(try_everything(start) == 0);
    }
    return 0;
}

static void every_call_restores_the_register_exactly(void **state)
{
    (void)state;
    in_fresh_process(keep_the_register);
}

/* --- who calls -------------------------------------------------------------------------------- */

static int go[2];

/* Was there before the process had a key. */
static void *older_thread(void *arg)
{
    char byte;

    *(int *)arg = read(go[0], &byte, 1) == 1 && is_closed_now() && use() == 0 ? 0 : 1;
    return NULL;
}

static int use_from_older_thread(void *arg)
{
    pthread_t thread;
    int result = 2;

    (void)arg;
    EXPECT(pipe(go) == 0);
    EXPECT(pthread_create(&thread, NULL, older_thread, &result) == 0);
    MAKE_LOCKED_SLAB();
    EXPECT(write(go[1], "", 1) == 1);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(result == 0);
    return use();
}

static void a_thread_older_than_the_key_works(void **state)
{
    (void)state;
    in_fresh_process(use_from_older_thread);
}

static volatile sig_atomic_t in_handler;

static void use_in_handler(int number)
{
    (void)number;
    in_handler = is_closed_now() && use() == 0 ? 1 : 2;
}

static int use_from_signal_handler(void *arg)
{
    uint32_t before;

    (void)arg;
    MAKE_LOCKED_SLAB();
    before = register_now();
    signal(SIGUSR1, use_in_handler);
    EXPECT(raise(SIGUSR1) == 0);
    EXPECT(in_handler == 1);
    EXPECT(register_now() == before);
    return use();
}

static void a_signal_handler_works(void **state)
{
    (void)state;
    in_fresh_process(use_from_signal_handler);
}

static int use_here(void *arg)
{
    (void)arg;
    EXPECT(is_closed_now());
    return use();
}

static int use_from_forked_child(void *arg)
{
    (void)arg;
    MAKE_LOCKED_SLAB();
    EXPECT(ward_slab_alloc(&slab, 7));
    EXPECT(in_child(use_here, NULL) == 0);
    return use();
}

static void a_forked_child_works(void **state)
{
    (void)state;
    in_fresh_process(use_from_forked_child);
}

/* --- bugs ------------------------------------------------------------------------------------- */

static sigjmp_buf out;
static bool closed_in_handler;

static enum ward_verdict jump(const struct ward_bug *bug, void *arg)
{
    (void)bug;
    (void)arg;
    closed_in_handler = is_closed_now();
    siglongjmp(out, 1);
}

static int jump_out_of_a_bug(void *arg)
{
    unsigned char *block;
    uint32_t before;

    (void)arg;
    MAKE_LOCKED_SLAB();
    block = ward_slab_alloc(&slab, 20);
    before = register_now();
    ward_bug_handle(jump, NULL);
    if (sigsetjmp(out, 1) == 0) {
        block[20] ^= 1;
        ward_slab_free(&slab, block, 20);
        return 1;
    }
    EXPECT(closed_in_handler && is_closed_now());
    /* Closed it is, which of the two bits says so aside; other keys are as they were. */
    EXPECT(((register_now() ^ before) & ~(UINT32_C(3) << 2 * slab.geometry->key)) == 0);
    EXPECT(info_of(&slab).retired == 1 && info_of(&slab).bugs == 1);
    return use();
}

static void the_metadata_is_closed_after_a_jump_out_of_a_bug_handler(void **state)
{
    (void)state;
    in_fresh_process(jump_out_of_a_bug);
}

/* Jumps from a signal handler that came in the middle of an operation: a handler of the fault that
 * a write into a guard makes, here with the slab's own bytes gone. */
static void leave(int number)
{
    (void)number;
    siglongjmp(out, 1);
}

static int jump_out_of_a_fault(void *arg)
{
    struct ward_region *data;
    unsigned char *block;

    (void)arg;
    MAKE_LOCKED_SLAB();
    data = ward_slab_data(&slab);
    block = ward_slab_alloc(&slab, 20);
    EXPECT(ward_region_protect(data, 0, ward_region_committed(data), WARD_READ) == 0);
    signal(SIGSEGV, leave);
    if (sigsetjmp(out, 1) == 0) {
        ward_slab_free(&slab, block, 20); /* cannot clear the block */
        return 1;
    }
    EXPECT(ward_region_protect(data, 0, ward_region_committed(data), WARD_RW) == 0);
    ward_slab_free(&slab, ward_slab_alloc(&slab, 20), 20); /* opens it itself, whatever the state */
    EXPECT(info_of(&slab).locked);
    return 0;
}

static void an_operation_that_is_jumped_out_of_leaves_the_slab_to_be_used(void **state)
{
    (void)state;
    in_fresh_process(jump_out_of_a_fault);
}

static enum ward_verdict refuse(const struct ward_bug *bug, void *arg)
{
    (void)bug;
    (void)arg;
    return is_closed_now() ? WARD_ABORT : WARD_CONTAIN;
}

static int print_a_report(void *arg)
{
    void *block;

    (void)arg;
    MAKE_LOCKED_SLAB();
    block = ward_slab_alloc(&slab, 20);
    ward_bug_handle(refuse, NULL);
    ward_slab_free(&slab, block, 20);
    ward_slab_free(&slab, block, 20);
    return 1;
}

static void a_report_is_printed_with_the_metadata_closed(void **state)
{
    int ends[2], was = dup(2), result;
    char text[2048] = "";

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], 2) == 2);
    result = in_child(print_a_report, NULL);
    assert_true(dup2(was, 2) == 2);
    close(was);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) >= 0);
    close(ends[0]);
    skip_without(result);
    assert_int_equal(result, -SIGABRT);
    assert_non_null(strstr(text, "WARD-DOUBLE-FREE (CWE-415)"));
    assert_non_null(strstr(text, "an attack on it.\n"));
}

static int look_from_each(void *arg)
{
    bool closed = true;

    (void)arg;
    MAKE_LOCKED_SLAB();
    for (int i = 0; i < 10; i++)
        EXPECT(ward_slab_alloc(&slab, 10));
    ward_slab_each(&slab, look, &closed);
    EXPECT(closed);
    return 0;
}

static void what_each_calls_finds_the_metadata_closed(void **state)
{
    (void)state;
    in_fresh_process(look_from_each);
}

/* --- life ------------------------------------------------------------------------------------- */

static int seal_it(void *arg)
{
    struct ward_seal seal;
    struct ward_region *meta;
    int error;

    (void)arg;
    MAKE_LOCKED_SLAB();
    meta = ward_slab_meta(&slab);
    error = ward_seal_init(&seal, meta);
    if (error == -ENOTSUP)
        return NO_SEAL;
    EXPECT(error == 0);
    EXPECT(use() == 0);
    EXPECT(ward_region_protect(meta, 0, meta->size, WARD_RW) == -EPERM);
    EXPECT(mprotect(meta->base, meta->size, PROT_READ | PROT_WRITE) != 0);
    EXPECT(pkey_mprotect(meta->base, meta->size, PROT_READ | PROT_WRITE, 0) != 0);
    EXPECT(is_closed_now());
    return use();
}

static void metadata_is_keyed_first_and_then_sealed(void **state)
{
    (void)state;
    in_fresh_process(seal_it);
}

/* Two slabs share the process's one key; an end takes it off. */
static int end_and_begin_again(void *arg)
{
    struct ward_slab second;
    struct ward_split split;
    struct ward_map map;

    (void)arg;
    MAKE_LOCKED_SLAB();
    EXPECT(ward_slab_map(&second, &spec, 10) == 0);
    EXPECT(second.geometry->key == slab.geometry->key);
    EXPECT(ward_slab_alloc(&second, 10) && use() == 0);
    EXPECT(ward_slab_fini(&second) == 0 && ward_slab_fini(&slab) == 0);
    EXPECT(ward_map_init(&map, 64 * PAGE, 0) == 0);
    EXPECT(ward_split_init(&split, &map.region, 16 * PAGE) == 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(ward_slab_init(&slab, &spec, &split.region) == 0);
        EXPECT(!can_read(split.meta->base + PAGE));
        EXPECT(use() == 0);
        EXPECT(ward_slab_fini(&slab) == 0);
        EXPECT(can_write(split.meta->base + PAGE));
        EXPECT(is_all(split.meta->base, split.meta->size, 0));
    }
    return 0;
}

static void slabs_share_the_key_and_leave_plain_memory_behind(void **state)
{
    (void)state;
    in_fresh_process(end_and_begin_again);
}

/* Before ward asks for its own: in this process there is none left for it. */
static int without_a_key_left(void *arg)
{
    struct ward_slab_spec optional = spec;
    struct ward_slab_info info;
    int last = -1, key;

    (void)arg;
    while ((key = pkey_alloc(0, 0)) > 0)
        last = key;
    if (last < 0)
        return NO_KEYS;
    EXPECT(ward_host_key() == -ENOSPC);
    EXPECT(ward_slab_map(&slab, &spec, 64) == -ENOSPC);
    EXPECT(is_all(&slab, sizeof slab, 0));
    optional.policy &= ~(unsigned)WARD_LOCK_REQUIRE;
    EXPECT(ward_slab_map(&slab, &optional, 64) == 0);
    ward_slab_info_get(&slab, &info);
    EXPECT(!info.locked);
    EXPECT(ward_slab_alloc(&slab, 10) && is_whole(&slab));
    EXPECT(ward_slab_fini(&slab) == 0);
    EXPECT(pkey_free(last) == 0); /* asked again, the host has one */
    EXPECT(ward_host_key() == last);
    EXPECT(ward_slab_map(&slab, &spec, 64) == 0);
    return use();
}

static void with_all_keys_taken_a_slab_goes_on_without_or_refuses(void **state)
{
    (void)state;
    in_fresh_process(without_a_key_left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stray_write_to_the_metadata_faults_by_the_key),
        cmocka_unit_test(a_stray_read_faults_too),
        cmocka_unit_test(every_call_restores_the_register_exactly),
        cmocka_unit_test(a_thread_older_than_the_key_works),
        cmocka_unit_test(a_signal_handler_works),
        cmocka_unit_test(a_forked_child_works),
        cmocka_unit_test(the_metadata_is_closed_after_a_jump_out_of_a_bug_handler),
        cmocka_unit_test(an_operation_that_is_jumped_out_of_leaves_the_slab_to_be_used),
        cmocka_unit_test(a_report_is_printed_with_the_metadata_closed),
        cmocka_unit_test(what_each_calls_finds_the_metadata_closed),
        cmocka_unit_test(metadata_is_keyed_first_and_then_sealed),
        cmocka_unit_test(slabs_share_the_key_and_leave_plain_memory_behind),
        cmocka_unit_test(with_all_keys_taken_a_slab_goes_on_without_or_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
