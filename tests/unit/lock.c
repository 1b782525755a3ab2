/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <pthread.h>

#include "core/lock.h"

enum { THREADS = 4, ROUNDS = 20000 };

static uint32_t lock;
static uint64_t guarded;

static void *count_up(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        ward_lock_enter_(&lock);
        guarded++;
        ward_lock_leave_(&lock);
    }
    return unused;
}

static void one_at_a_time_is_inside(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    lock = ward_lock_free_();
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(guarded == (uint64_t)THREADS * ROUNDS);
    assert_int_equal(ward_lock_enter_(&lock), WARD_LOCK_AS_LEFT_);
    ward_lock_leave_(&lock);
}

static void *enter_and_leave(void *entered)
{
    ward_lock_enter_(&lock);
    __atomic_store_n((bool *)entered, true, __ATOMIC_RELEASE);
    ward_lock_leave_(&lock);
    return NULL;
}

/* The word says that somebody sleeps: until then nobody is let in. */
static void who_finds_it_held_sleeps_until_it_is_left(void **state)
{
    bool entered = false;
    pthread_t thread;
    uint32_t held;

    (void)state;
    lock = ward_lock_free_();
    ward_lock_enter_(&lock);
    held = lock;
    assert_int_equal(pthread_create(&thread, NULL, enter_and_leave, &entered), 0);
    while (__atomic_load_n(&lock, __ATOMIC_ACQUIRE) == held)
        sched_yield();
    assert_false(__atomic_load_n(&entered, __ATOMIC_ACQUIRE));
    ward_lock_leave_(&lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(entered);
}

static int enter_twice(void *expected)
{
    EXPECT(ward_lock_enter_(&lock) == *(enum ward_lock_found_ *)expected);
    ward_lock_leave_(&lock);
    EXPECT(ward_lock_enter_(&lock) == WARD_LOCK_AS_LEFT_);
    ward_lock_leave_(&lock);
    return 0;
}

static void a_child_is_told_once_and_takes_over_what_was_held(void **state)
{
    enum ward_lock_found_ forked = WARD_LOCK_FORKED_, torn = WARD_LOCK_TORN_;

    (void)state;
    lock = ward_lock_free_();
    assert_int_equal(in_child(enter_twice, &forked), 0);
    assert_int_equal(ward_lock_enter_(&lock), WARD_LOCK_AS_LEFT_);
    assert_int_equal(in_child(enter_twice, &torn), 0);
    ward_lock_leave_(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time_is_inside),
        cmocka_unit_test(who_finds_it_held_sleeps_until_it_is_left),
        cmocka_unit_test(a_child_is_told_once_and_takes_over_what_was_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
