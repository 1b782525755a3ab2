/* SPDX-License-Identifier: MIT */
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include <ward/locked.h>
#include <ward/map.h>

#include "inject.h"

static int setup(void **state)
{
    (void)state;
    inject_reset();
    return 0;
}

typedef int init_kind(struct ward_locked *, size_t);

static struct ward_locked locked;

static void make(init_kind *init, size_t size)
{
    dirty(locked);
    assert_int_equal(init(&locked, size), 0);
    assert_true(ward_region_ok(&locked.region));
}

static void end(void)
{
    assert_int_equal(ward_region_fini(&locked.region), 0);
    assert_all_zero(locked);
    assert_int_equal(inject_mapped()->count, 0);
}

static bool is_secret(void)
{
    return (locked.region.facts & WARD_IS_SECRET) != 0;
}

static bool has_secret(void)
{
    void *at = NULL;

    if (ward_host_map(&at, PAGE, WARD_HOST_SECRET, WARD_RW, 0))
        return false;
    if (ward_host_unmap(at, PAGE))
        abort();
    return true;
}

#define skip_without_secret() skip_unless(has_secret(), "no secret memory (memfd_secret)")

static unsigned char *end_of(void)
{
    return locked.region.base + locked.region.size;
}

static bool is_guarded(void)
{
    size_t front = (size_t)(locked.region.base - locked.origin);
    size_t back = (size_t)(locked.origin + locked.reserved - end_of());

    return front >= WARD_MAP_GUARD_BYTES && back >= WARD_MAP_GUARD_BYTES &&
           is_closed(locked.origin, front) && is_closed(end_of(), back);
}

/* --- Both kinds ------------------------------------------------------------------------------- */

static init_kind *const kinds[] = { ward_locked_init, ward_secret_init };

#define each_kind(K) for (size_t K = 0; K < 2; K++)

static void the_memory_is_zeroed_and_writable_between_guards(void **state)
{
    (void)state;
    each_kind(k)
    {
        make(kinds[k], 3 * PAGE - 1);
        assert_int_equal(locked.region.size, 3 * PAGE);
        assert_int_equal(locked.region.grain, PAGE);
        assert_int_equal(ward_region_committed(&locked.region), 3 * PAGE);
        assert_true(is_all(locked.region.base, 3 * PAGE, 0));
        memset(locked.region.base, 0x5a, 3 * PAGE);
        assert_true(is_all(locked.region.base, 3 * PAGE, 0x5a));
        assert_true(is_guarded());
        assert_write_dies(locked.origin + locked.reserved - 1);
        end();
    }
}

/* Some kernels do not call secret memory locked; it never leaves memory by its nature. */
static bool is_kept(const void *at)
{
    return is_secret() || has_vm_flag(at, "lo");
}

static void the_memory_is_locked_and_not_dumped(void **state)
{
    (void)state;
    each_kind(k)
    {
        make(kinds[k], 2 * PAGE);
        assert_true(is_kept(locked.region.base) && is_kept(end_of() - 1));
        assert_true(has_vm_flag(locked.region.base, "dd") && has_vm_flag(end_of() - 1, "dd"));
        assert_true(locked.region.facts & WARD_IS_LOCKED);
        assert_true(locked.region.facts & WARD_IS_NO_DUMP);
        assert_false(has_vm_flag(end_of(), "lo"));
        end();
    }
}

static void release_reads_zero_and_reaches_nothing_else(void **state)
{
    (void)state;
    each_kind(k)
    {
        make(kinds[k], 4 * PAGE);
        memset(locked.region.base, 0x5a, 4 * PAGE);
        assert_int_equal(ward_region_release(&locked.region, PAGE, 2 * PAGE), 0);
        assert_true(is_all(locked.region.base, PAGE, 0x5a));
        assert_true(is_all(locked.region.base + PAGE, 2 * PAGE, 0));
        assert_true(is_all(locked.region.base + 3 * PAGE, PAGE, 0x5a));
        assert_int_equal(ward_region_release(&locked.region, 0, 5 * PAGE), -ERANGE);
        assert_int_equal(ward_region_release(&locked.region, 8, 8), -EINVAL);
        assert_true(is_all(locked.region.base, PAGE, 0x5a));
        assert_true(is_kept(locked.region.base + PAGE));
        end();
    }
}

static void guards_inside_are_not_supported(void **state)
{
    (void)state;
    each_kind(k)
    {
        make(kinds[k], 2 * PAGE);
        memset(locked.region.base, 0x5a, 2 * PAGE);
        assert_int_equal(ward_region_protect(&locked.region, 0, PAGE, WARD_GUARD), -ENOTSUP);
        assert_true(is_all(locked.region.base, 2 * PAGE, 0x5a));
        end();
    }
}

static void what_cannot_be_written_cannot_be_released(void **state)
{
    (void)state;
    each_kind(k)
    {
        make(kinds[k], 2 * PAGE);
        memset(locked.region.base, 0x5a, 2 * PAGE);
        assert_int_equal(ward_region_protect(&locked.region, 0, PAGE, WARD_READ), 0);
        assert_write_dies(locked.region.base);
        assert_int_equal(ward_region_release(&locked.region, 0, 2 * PAGE), -EPERM);
        assert_true(is_all(locked.region.base, 2 * PAGE, 0x5a));
        assert_int_equal(ward_region_protect(&locked.region, 0, PAGE, WARD_RW), 0);
        assert_int_equal(ward_region_release(&locked.region, 0, 2 * PAGE), -EPERM);
        assert_int_equal(ward_region_protect(&locked.region, 0, 2 * PAGE, WARD_RW), 0);
        assert_int_equal(ward_region_release(&locked.region, 0, 2 * PAGE), 0);
        assert_true(is_all(locked.region.base, 2 * PAGE, 0));
        end();
    }
}

/* fini fails once: what the memory held is gone by then. */
static void the_memory_is_cleared_before_it_is_unmapped(void **state)
{
    static const unsigned prots[] = { WARD_RW, WARD_READ, WARD_NONE };

    (void)state;
    each_kind(k)
    {
        for (size_t i = 0; i < sizeof prots / sizeof prots[0]; i++) {
            make(kinds[k], 2 * PAGE);
            memset(locked.region.base, 0x5a, 2 * PAGE);
            assert_int_equal(ward_region_protect(&locked.region, PAGE, PAGE, prots[i]), 0);
            inject_arm(prots[i] == WARD_RW ? 1 : 2, ENOMEM);
            assert_int_equal(ward_region_fini(&locked.region), -ENOMEM);
            assert_true(inject_fired());
            inject_arm(0, 0);
            assert_true(is_all(locked.region.base, 2 * PAGE, 0));
            end();
        }
    }
}

static void bad_arguments_are_refused_and_leave_a_zero_object(void **state)
{
    static const size_t bad[] = { 0, SIZE_MAX, SIZE_MAX - 4095, (size_t)PTRDIFF_MAX + 1 };

    (void)state;
    each_kind(k)
    {
        assert_int_equal(kinds[k](NULL, PAGE), -EINVAL);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            dirty(locked);
            assert_int_equal(kinds[k](&locked, bad[i]), -EINVAL);
            assert_all_zero(locked);
        }
    }
    assert_int_equal(inject_count(), 0);
}

static int init_locked(void *object)
{
    return ward_locked_init(object, 2 * PAGE);
}

static int init_secret(void *object)
{
    return ward_secret_init(object, 2 * PAGE);
}

static void a_host_call_that_fails_leaves_nothing_mapped(void **state)
{
    (void)state;
    assert_true(fail_each_call(init_locked, &locked, sizeof locked) >= 5);
    assert_true(fail_each_call(init_secret, &locked, sizeof locked) >= 5);
    inject_take(INJECT_NO_SECRET);
    assert_true(fail_each_call(init_secret, &locked, sizeof locked) >= 5);
    assert_int_equal(inject_mapped()->count, 0);
}

static void a_promise_that_cannot_be_kept_fails_the_init(void **state)
{
    static const enum ward_host_advice needs[] = { WARD_HOST_NO_DUMP, WARD_HOST_WIPE_ON_FORK,
                                                   WARD_HOST_LOCK };

    (void)state;
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        inject_take(INJECT_NO_ADVICE(needs[i]) | INJECT_NO_SECRET);
        each_kind(k)
        {
            dirty(locked);
            assert_int_equal(kinds[k](&locked, PAGE), -ENOTSUP);
            assert_all_zero(locked);
            assert_int_equal(inject_mapped()->count, 0);
        }
    }
}

static int init_beyond_the_limit(void *arg)
{
    const struct rlimit limit = { *(rlim_t *)arg, *(rlim_t *)arg };

    EXPECT(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    EXPECT(geteuid() != 0 || setuid(65534) == 0);
    each_kind(k)
    {
        int error;

        dirty(locked);
        error = kinds[k](&locked, 8 * PAGE);
        EXPECT(error == -ENOMEM || error == -EPERM);
        EXPECT(is_all(&locked, sizeof locked, 0));
        EXPECT(inject_mapped()->count == 0);
    }
    return 0;
}

static void beyond_the_limit_for_locked_memory_init_fails(void **state)
{
    rlim_t limit = 0;

    (void)state;
    assert_int_equal(in_child(init_beyond_the_limit, &limit), 0);
    limit = 4 * PAGE;
    assert_int_equal(in_child(init_beyond_the_limit, &limit), 0);
}

/* --- Locked ----------------------------------------------------------------------------------- */

static int read_first(void *arg)
{
    (void)arg;
    return locked.region.base[0];
}

static void a_child_sees_zeroes_in_locked_memory(void **state)
{
    (void)state;
    make(ward_locked_init, PAGE);
    assert_string_equal(ward_region_name(&locked.region), "locked");
    assert_false(is_secret());
    assert_true(locked.region.facts & WARD_IS_WIPED_ON_FORK);
    locked.region.base[0] = 7;
    assert_int_equal(in_child(read_first, NULL), 0);
    assert_int_equal(locked.region.base[0], 7);
    end();
}

static void locked_memory_is_in_memory_at_once(void **state)
{
    (void)state;
    make(ward_locked_init, 8 * PAGE);
    assert_int_equal(resident_pages(locked.region.base, 8 * PAGE), 8);
    end();
}

static void release_of_locked_memory_takes_fresh_pages(void **state)
{
    (void)state;
    make(ward_locked_init, 4 * PAGE);
    assert_int_equal(ward_region_release(&locked.region, 0, 3 * PAGE), 0);
    assert_int_equal(resident_pages(locked.region.base, 4 * PAGE), 1);
    inject_take(INJECT_NO_ADVICE(WARD_HOST_RELEASE));
    memset(locked.region.base, 0x5a, 4 * PAGE);
    assert_int_equal(ward_region_release(&locked.region, 0, 4 * PAGE), 0);
    assert_true(is_all(locked.region.base, 4 * PAGE, 0));
    end();
}

/* --- Secret ----------------------------------------------------------------------------------- */

static void without_secret_memory_it_is_locked_and_says_so(void **state)
{
    (void)state;
    inject_take(INJECT_NO_SECRET);
    make(ward_secret_init, PAGE);
    assert_false(is_secret());
    assert_string_equal(ward_region_name(&locked.region), "locked");
    assert_true(has_vm_flag(locked.region.base, "lo"));
    end();
}

static void secret_memory_says_so(void **state)
{
    (void)state;
    skip_without_secret();
    make(ward_secret_init, PAGE);
    assert_true(is_secret());
    assert_string_equal(ward_region_name(&locked.region), "secret");
    assert_true(locked.region.facts & WARD_IS_ABSENT_ON_FORK);
    assert_false(locked.region.facts & WARD_IS_WIPED_ON_FORK);
    end();
}

static bool leaks_through_the_kernel(const void *at)
{
    char byte = 0;
    const struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)at, 1 };
    int file = open("/proc/self/mem", O_RDONLY);
    bool leaks = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;

    assert_true(file >= 0);
    leaks = leaks || pread(file, &byte, 1, (off_t)(uintptr_t)at) == 1;
    close(file);
    return leaks;
}

static void secret_memory_cannot_be_read_through_the_kernel(void **state)
{
    char open_secret = 7;

    (void)state;
    skip_without_secret();
    make(ward_secret_init, PAGE);
    locked.region.base[0] = 7;
    assert_true(leaks_through_the_kernel(&open_secret));
    assert_false(leaks_through_the_kernel(locked.region.base));
    assert_int_equal(locked.region.base[0], 7);
    end();
}

/* What a child's calls answer; 0: as they should, and what lies there now is untouched. */
static int use_what_is_gone(void *unused)
{
    unsigned char *there;

    (void)unused;
    there = mmap(locked.region.base, PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (there != locked.region.base)
        return 1;
    memset(there, 0x5a, PAGE);
    if (ward_region_release(&locked.region, 0, PAGE) != -EFAULT)
        return 2;
    if (ward_region_protect(&locked.region, 0, PAGE, WARD_READ) != -EFAULT)
        return 3;
    if (ward_region_fini(&locked.region))
        return 4;
    return is_all(there, PAGE, 0x5a) && is_all(&locked, sizeof locked, 0) ? 0 : 5;
}

static void a_child_touches_nothing_where_secret_memory_was(void **state)
{
    (void)state;
    skip_without_secret();
    make(ward_secret_init, PAGE);
    assert_int_equal(in_child(use_what_is_gone, NULL), 0);
    end();
}

static void a_child_has_no_secret_memory(void **state)
{
    (void)state;
    skip_without_secret();
    make(ward_secret_init, PAGE);
    locked.region.base[0] = 7;
    assert_int_equal(in_child(read_first, NULL), -SIGSEGV);
    assert_int_equal(locked.region.base[0], 7);
    end();
}

static void secret_memory_without_its_promises_is_not_given(void **state)
{
    static const enum ward_host_advice needs[] = { WARD_HOST_ABSENT_ON_FORK, WARD_HOST_NO_DUMP,
                                                   WARD_HOST_POPULATE };

    (void)state;
    skip_without_secret();
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        inject_take(INJECT_NO_ADVICE(needs[i]));
        dirty(locked);
        if (ward_secret_init(&locked, PAGE) == 0) {
            assert_false(is_secret());
            end();
        }
        assert_all_zero(locked);
        assert_int_equal(inject_mapped()->count, 0);
    }
}

#define test(NAME) cmocka_unit_test_setup(NAME, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_memory_is_zeroed_and_writable_between_guards),
        test(the_memory_is_locked_and_not_dumped),
        test(release_reads_zero_and_reaches_nothing_else),
        test(guards_inside_are_not_supported),
        test(what_cannot_be_written_cannot_be_released),
        test(the_memory_is_cleared_before_it_is_unmapped),
        test(bad_arguments_are_refused_and_leave_a_zero_object),
        test(a_host_call_that_fails_leaves_nothing_mapped),
        test(a_promise_that_cannot_be_kept_fails_the_init),
        test(beyond_the_limit_for_locked_memory_init_fails),
        test(a_child_sees_zeroes_in_locked_memory),
        test(locked_memory_is_in_memory_at_once),
        test(release_of_locked_memory_takes_fresh_pages),
        test(without_secret_memory_it_is_locked_and_says_so),
        test(secret_memory_says_so),
        test(secret_memory_cannot_be_read_through_the_kernel),
        test(a_child_has_no_secret_memory),
        test(a_child_touches_nothing_where_secret_memory_was),
        test(secret_memory_without_its_promises_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
