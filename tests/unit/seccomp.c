/* SPDX-License-Identifier: MIT */
/* The ways to self where a filter forbids system calls: an answer, never a crash. Each test runs in
 * a child, since filters stay. */
#include "access.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { NOT_THERE = 77 };

/* From now on these calls answer `error`, and all others are as ever. */
static int forbid(const int *numbers, unsigned count, int error)
{
    struct sock_filter code[16] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, nr)) };
    struct sock_fprog program = { .len = (unsigned short)(count + 3), .filter = code };

    for (unsigned i = 0; i < count; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i],
                                                   (unsigned char)(count - i), 0);
    code[1 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[2 + count] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

#define FORBID(ERROR, ...)                                                                         \
    do {                                                                                           \
        const int numbers[] = { __VA_ARGS__ };                                                     \
        if (forbid(numbers, sizeof numbers / sizeof *numbers, ERROR))                              \
            return NOT_THERE;                                                                      \
    } while (0)

#define THE_CALLS SYS_process_vm_readv, SYS_process_vm_writev

static void assert_child(int (*work)(void *), void *arg)
{
    int status = in_child(work, arg);

    if (status == NOT_THERE) {
        print_message("no seccomp filters here\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static unsigned char *pages; /* one, and a fault behind it */

static bool is_refused(struct ward_space *space, int error, unsigned kind)
{
    unsigned char bytes[16];
    struct ward_fault why;
    uint64_t at = address(pages), word = 7;

    dirty(bytes);
    if (ward_space_read(space, at, bytes, 16, &why) != error || !is_all(bytes, 16, 0) ||
        why.kind != kind || why.addr != at || why.done != 0)
        return false;
    if (ward_space_write(space, at, bytes, 16, &why) != error || why.kind != kind)
        return false;
    if (ward_space_read_u64(space, at, &word, &why) != error || word != 0 || why.kind != kind)
        return false;
    return ward_space_read_str(space, at, (char *)bytes, 16, &why) == error && why.kind == kind;
}

static bool serves(struct ward_space *space)
{
    struct ward_fault why;
    uint64_t word = 7;

    return ward_space_read_u64(space, address(pages), &word, NULL) == 0 && word == 0 &&
           ward_space_read_u64(space, address(pages + PAGE), &word, &why) == -EFAULT;
}

static int calls_eperm(void *unused)
{
    (void)unused;
    FORBID(EPERM, THE_CALLS);
    EXPECT(is_refused(by(1), -EPERM, WARD_FAULT_FORBIDDEN));
    return 0;
}

static int calls_enosys(void *unused)
{
    (void)unused;
    FORBID(ENOSYS, THE_CALLS);
    EXPECT(is_refused(by(1), -ENOTSUP, WARD_FAULT_CANNOT));
    return 0;
}

static void calls_that_are_forbidden_are_said_to_be(void **state)
{
    (void)state;
    assert_child(calls_eperm, NULL);
    assert_child(calls_enosys, NULL);
}

static int populate_eperm(void *unused)
{
    struct ward_fault why;

    (void)unused;
    FORBID(EPERM, SYS_madvise);
    EXPECT(ward_space_populate(by(0), address(pages), PAGE, WARD_READ, &why) == -EPERM);
    EXPECT(why.kind == WARD_FAULT_FORBIDDEN && why.addr == address(pages));
    return 0;
}

static void populating_that_is_forbidden_is_said_to_be(void **state)
{
    (void)state;
    assert_child(populate_eperm, NULL);
}

static int scope_without_calls(void *unused)
{
    (void)unused;
    use_ward();
    FORBID(EPERM, THE_CALLS);
    EXPECT(ward_access_begin() == by(0));
    EXPECT(serves(by(0)) && serves(ward_space_self_auto()));
    ward_access_end();
    EXPECT(is_refused(ward_space_self_auto(), -EPERM, WARD_FAULT_FORBIDDEN));
    return 0;
}

static void a_scope_goes_by_table_where_calls_are_forbidden(void **state)
{
    (void)state;
    assert_child(scope_without_calls, NULL);
}

/* No answer is no. */
static int scope_unasked(void *number)
{
    use_ward();
    FORBID(EPERM, *(const int *)number);
    EXPECT(ward_access_begin() == by(1));
    EXPECT(serves(by(1)) && serves(ward_space_self_auto()));
    ward_access_end();
    return 0;
}

static void a_scope_goes_by_calls_where_it_cannot_ask(void **state)
{
    int numbers[] = { SYS_rt_sigaction, SYS_rt_sigprocmask };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_child(scope_unasked, &numbers[i]);
}

static int nothing_works(void *unused)
{
    sigset_t mask;

    (void)unused;
    use_ward();
    sigemptyset(&mask);
    sigaddset(&mask, SIGSEGV);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    FORBID(EPERM, THE_CALLS);
    EXPECT(ward_access_begin() == by(1));
    EXPECT(is_refused(ward_space_self_auto(), -EPERM, WARD_FAULT_FORBIDDEN));
    return 0;
}

static void where_neither_way_is_open_that_is_the_answer(void **state)
{
    (void)state;
    assert_child(nothing_works, NULL);
}

static int install_forbidden(void *unused)
{
    (void)unused;
    FORBID(EPERM, SYS_rt_sigaction);
    EXPECT(ward_recover_install() == -EPERM);
    EXPECT(!ward_recover_is_installed());
    EXPECT(ward_space_self() == by(1) && serves(ward_space_self()));
    return 0;
}

/* sigaction of one signal is refused, and only where it changes something. */
static int forbid_handler(int sig)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)sig, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof code / sizeof *code, .filter = code };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static int install_half(void *unused)
{
    struct sigaction now;

    (void)unused;
    if (forbid_handler(SIGBUS))
        return NOT_THERE;
    errno = 0;
    EXPECT(ward_recover_install() == -EPERM && !ward_recover_is_installed() && errno == 0);
    EXPECT(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    EXPECT(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    return 0;
}

static void where_one_handler_is_refused_none_stays(void **state)
{
    (void)state;
    assert_child(install_half, NULL);
}

static void where_no_handler_may_be_installed_self_goes_by_calls(void **state)
{
    (void)state;
    assert_child(install_forbidden, NULL);
}

int main(void)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(where_no_handler_may_be_installed_self_goes_by_calls),
        cmocka_unit_test(where_one_handler_is_refused_none_stays),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_are_forbidden_are_said_to_be),
        cmocka_unit_test(populating_that_is_forbidden_is_said_to_be),
        cmocka_unit_test(a_scope_goes_by_table_where_calls_are_forbidden),
        cmocka_unit_test(a_scope_goes_by_calls_where_it_cannot_ask),
        cmocka_unit_test(where_neither_way_is_open_that_is_the_answer),
    };
    int failed;

    skip_where_emulated();
    pages = map_edge(1);
    failed = cmocka_run_group_tests(before, NULL, NULL);
    install_first();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
