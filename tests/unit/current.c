/* SPDX-License-Identifier: MIT */
/* The space that system-call code works on without naming it. */
#include "access.h"

#include <pthread.h>

#include <ward/user.h>

/* A space in which every byte is `value`. */
struct constant {
    struct ward_space space;
    unsigned char value;
};

static size_t read_constant(struct ward_space *space, uint64_t a, void *dst, size_t n,
                            struct ward_fault *why)
{
    (void)a, (void)why;
    memset(dst, ((struct constant *)space)->value, n);
    return n;
}

static const struct ward_space_ops ops = { .name = "constant", .read = read_constant };
static struct constant one = { { .ops = &ops, .last = UINT64_MAX }, 1 };
static struct constant two = { { .ops = &ops, .last = UINT64_MAX }, 2 };

/* A system call, as one would write it. */
static int get_byte(uint64_t from)
{
    uint8_t byte;
    int error = ward_u8_read(WARD_HERE, ward_u8_in_at(from), &byte, NULL);

    return error ? error : byte;
}

static int before_installing(void *arg)
{
    unsigned char byte = 7;

    (void)arg;
    EXPECT(ward_space_current_get() == ward_space_self_by_calls());
    EXPECT(get_byte(address(&byte)) == by_calls(7));
    EXPECT(ward_recover_install() == 0);
    EXPECT(ward_space_current_get() == ward_space_self_by_table());
    EXPECT(get_byte(address(&byte)) == 7);
    return 0;
}

static void it_is_self_until_one_is_set_by_the_best_way_there_is(void **state)
{
    (void)state;
    assert_int_equal(in_child(before_installing, NULL), 0);
}

/* What a call does that works on another space for a while. */
static int inner(void)
{
    struct ward_space *before = ward_space_current_set(&two.space);
    int got = get_byte(3);

    (void)ward_space_current_set(before);
    return got;
}

static void it_nests_and_is_put_back(void **state)
{
    (void)state;
    assert_int_equal(inner(), 2);
    assert_ptr_equal(ward_space_current_get(), ward_space_self());
    assert_null(ward_space_current_set(&one.space));
    assert_int_equal(get_byte(3), 1);
    assert_int_equal(inner(), 2);
    assert_int_equal(get_byte(3), 1);
    assert_ptr_equal(ward_space_current_set(NULL), &one.space);
    assert_ptr_equal(ward_space_current_get(), ward_space_self());
}

static void *in_thread(void *unused)
{
    bool is_self = ward_space_current_get() == ward_space_self();

    (void)unused;
    (void)ward_space_current_set(&two.space);
    return is_self && get_byte(3) == 2 ? NULL : &one;
}

static void each_thread_has_its_own(void **state)
{
    pthread_t thread;
    void *failed;

    (void)state;
    assert_null(ward_space_current_set(&one.space));
    assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(get_byte(3), 1);
    assert_ptr_equal(ward_space_current_set(NULL), &one.space);
}

static volatile int seen, seen_inside;

static void use_in_handler(int sig)
{
    (void)sig;
    seen = get_byte(3);
    seen_inside = inner();
}

static void a_signal_handler_has_that_of_the_thread_and_puts_it_back(void **state)
{
    (void)state;
    signal(SIGUSR1, use_in_handler);
    assert_null(ward_space_current_set(&one.space));
    raise(SIGUSR1);
    assert_int_equal(seen, 1);
    assert_int_equal(seen_inside, 2);
    assert_int_equal(get_byte(3), 1);
    assert_ptr_equal(ward_space_current_set(NULL), &one.space);
}

static int get_in_child(void *unused)
{
    (void)unused;
    return get_byte(3) == 1 ? 0 : 1;
}

static void a_forked_child_keeps_it(void **state)
{
    (void)state;
    assert_null(ward_space_current_set(&one.space));
    assert_int_equal(in_child(get_in_child, NULL), 0);
    assert_ptr_equal(ward_space_current_set(NULL), &one.space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_self_until_one_is_set_by_the_best_way_there_is),
        cmocka_unit_test(it_nests_and_is_put_back),
        cmocka_unit_test(each_thread_has_its_own),
        cmocka_unit_test(a_signal_handler_has_that_of_the_thread_and_puts_it_back),
        cmocka_unit_test(a_forked_child_keeps_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
