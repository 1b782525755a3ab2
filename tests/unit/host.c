/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define SYS_MSEAL 462

static unsigned char *map(size_t pages)
{
    void *at = NULL;

    assert_int_equal(ward_host_map(&at, pages * PAGE, WARD_HOST_ANON, WARD_RW, 0), 0);
    assert_non_null(at);
    return at;
}

static void unmap(void *at, size_t pages)
{
    assert_int_equal(ward_host_unmap(at, pages * PAGE), 0);
}

static int advise(void *at, size_t pages, enum ward_host_advice advice)
{
    return ward_host_advise(at, pages * PAGE, advice);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static uint32_t gate;

static void *wait_at_gate(void *unused)
{
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0)
        ward_host_wait(&gate, 0);
    return unused;
}

static void who_waits_is_woken(void **state)
{
    pthread_t threads[2];

    (void)state;
    gate = 0;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_at_gate, NULL), 0);
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    ward_host_wake(&gate);
    ward_host_wake(&gate);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void nobody_waits_for_a_word_that_changed(void **state)
{
    uint32_t word = 1;

    (void)state;
    ward_host_wait(&word, 2);
    ward_host_wake(&word);
}

/* --- Mappings --------------------------------------------------------------------------------- */

static void the_page_size_is_the_systems(void **state)
{
    (void)state;
    assert_int_equal(ward_host_page_size(), sysconf(_SC_PAGESIZE));
}

static void a_mapping_is_zeroed_and_ends_with_unmap(void **state)
{
    unsigned char *at = map(4);

    (void)state;
    assert_int_equal((uintptr_t)at % PAGE, 0);
    assert_true(is_all(at, 4 * PAGE, 0));
    memset(at, 1, 4 * PAGE);
    unmap(at + PAGE, 1);
    assert_false(can_read(at + PAGE));
    assert_true(can_write(at) && can_write(at + 2 * PAGE));
    unmap(at, 1);
    unmap(at + 2 * PAGE, 2);
    assert_true(is_closed(at, 4 * PAGE));
}

static void a_mapping_has_the_protection_asked_for(void **state)
{
    void *at = NULL;

    (void)state;
    assert_int_equal(ward_host_map(&at, PAGE, WARD_HOST_ANON, WARD_NONE, 0), 0);
    assert_false(can_read(at));
    unmap(at, 1);
    at = NULL;
    assert_int_equal(ward_host_map(&at, PAGE, WARD_HOST_ANON, WARD_READ, 0), 0);
    assert_true(can_read(at));
    assert_false(can_write(at));
    unmap(at, 1);
}

static void a_mapping_at_an_address_never_replaces_another(void **state)
{
    unsigned char *at = map(3);
    void *wanted = at + PAGE;

    (void)state;
    memset(at, 0x5a, 3 * PAGE);
    assert_int_equal(ward_host_map(&wanted, PAGE, WARD_HOST_ANON, WARD_RW, 0), -EBUSY);
    assert_null(wanted);
    assert_true(is_all(at, 3 * PAGE, 0x5a));
    unmap(at + PAGE, 1);
    wanted = at + PAGE;
    assert_int_equal(ward_host_map(&wanted, PAGE, WARD_HOST_ANON, WARD_RW, 0), 0);
    assert_ptr_equal(wanted, at + PAGE);
    assert_true(is_all(wanted, PAGE, 0));
    unmap(at, 3);
}

static void pages_move_with_what_they_hold(void **state)
{
    unsigned char *at = map(6), *to = map(8);

    (void)state;
    memset(at, 0x5a, 6 * PAGE);
    memset(to, 1, 8 * PAGE);
    assert_int_equal(ward_host_move(at + PAGE, 4 * PAGE, to + PAGE, 6 * PAGE), 0);
    assert_true(is_all(to + PAGE, 4 * PAGE, 0x5a));
    assert_true(is_all(to + 5 * PAGE, 2 * PAGE, 0));
    assert_true(is_all(to, PAGE, 1) && is_all(to + 7 * PAGE, PAGE, 1));
    assert_true(is_closed(at + PAGE, 4 * PAGE));
    assert_true(is_all(at, PAGE, 0x5a) && is_all(at + 5 * PAGE, PAGE, 0x5a));
    assert_true(can_write(to + 6 * PAGE));
    unmap(at, 6);
    unmap(to, 8);
}

static void what_is_behind_is_not_taken_by_asking_whether_pages_can_move(void **state)
{
    unsigned char *at = map(3), *to = map(2);

    (void)state;
    unmap(at + PAGE, 2); /* it could grow */
    assert_int_equal(ward_host_move(at, PAGE, to, 2 * PAGE), 0);
    assert_true(is_closed(at, 3 * PAGE));
    unmap(to, 2);
}

static void pages_that_differ_do_not_move_and_nothing_changes(void **state)
{
    unsigned char *at = map(3), *to = map(3);

    (void)state;
    memset(at, 0x5a, 3 * PAGE);
    memset(to, 1, 3 * PAGE);
    assert_int_equal(ward_host_protect(at + PAGE, PAGE, WARD_READ), 0);
    assert_int_equal(ward_host_move(at, 3 * PAGE, to, 3 * PAGE), -EFAULT);
    assert_true(is_all(at, 3 * PAGE, 0x5a) && is_all(to, 3 * PAGE, 1));
    assert_true(can_write(at) && can_write(to));
    unmap(at, 3);
    unmap(to, 3);
}

static void no_room_is_enomem_and_errno_is_left_alone(void **state)
{
    void *at = NULL;

    (void)state;
    errno = 4711;
    assert_int_equal(ward_host_map(&at, (size_t)1 << 60, WARD_HOST_ANON, WARD_RW, 0), -ENOMEM);
    assert_null(at);
    at = (void *)PAGE; /* below what a process may map, or free to map: never a wrong answer */
    if (ward_host_map(&at, PAGE, WARD_HOST_ANON, WARD_RW, 0) == 0)
        unmap(at, 1);
    else
        assert_null(at);
    assert_true(ward_host_advise((void *)((uintptr_t)1 << 60), PAGE, WARD_HOST_RELEASE) < 0);
    assert_true(ward_host_protect((void *)((uintptr_t)1 << 60), PAGE, WARD_RW) < 0);
    assert_int_equal(errno, 4711);
}

static void a_huge_page_of_a_size_nobody_has_is_not_supported(void **state)
{
    void *at = NULL;

    (void)state;
    assert_int_equal(ward_host_map(&at, (size_t)1 << 20, WARD_HOST_HUGE, WARD_RW, (size_t)1 << 20),
                     -ENOTSUP);
    assert_null(at);
}

static void protection_is_set_and_set_back(void **state)
{
    unsigned char *at = map(2);

    (void)state;
    memset(at, 0x5a, 2 * PAGE);
    assert_int_equal(ward_host_protect(at, PAGE, WARD_READ), 0);
    assert_true(is_all(at, 2 * PAGE, 0x5a));
    assert_write_dies(at);
    assert_true(can_write(at + PAGE));
    assert_int_equal(ward_host_protect(at, PAGE, WARD_NONE), 0);
    assert_read_dies(at);
    assert_int_equal(ward_host_protect(at, PAGE, WARD_RW), 0);
    assert_true(is_all(at, PAGE, 0x5a));
    assert_true(can_write(at));
    unmap(at, 2);
}

/* --- Advice ----------------------------------------------------------------------------------- */

static bool host_has(enum ward_host_advice advice)
{
    unsigned char *at = map(1);
    int answer = advise(at, 1, advice);

    unmap(at, 1);
    assert_true(answer == 0 || answer == -ENOTSUP);
    return answer == 0;
}

static void release_reads_zero(void **state)
{
    unsigned char *at = map(3);

    (void)state;
    memset(at, 0x5a, 3 * PAGE);
    assert_int_equal(advise(at + PAGE, 1, WARD_HOST_RELEASE), 0);
    assert_true(is_all(at, PAGE, 0x5a) && is_all(at + 2 * PAGE, PAGE, 0x5a));
    assert_true(is_all(at + PAGE, PAGE, 0));
    unmap(at, 3);
}

static void release_reads_zero_also_where_memory_is_locked(void **state)
{
    unsigned char *at = map(1);

    (void)state;
    memset(at, 0x5a, PAGE);
    assert_int_equal(advise(at, 1, WARD_HOST_LOCK), 0);
    assert_true(has_vm_flag(at, "lo"));
    assert_int_equal(advise(at, 1, WARD_HOST_RELEASE), 0);
    assert_true(is_all(at, PAGE, 0));
    assert_int_equal(advise(at, 1, WARD_HOST_UNLOCK), 0);
    assert_false(has_vm_flag(at, "lo"));
    unmap(at, 1);
}

static void a_guard_closes_and_empties_and_adds_no_mapping(void **state)
{
    unsigned char *at;

    (void)state;
    skip_unless(host_has(WARD_HOST_GUARD), "no guard markers (MADV_GUARD_INSTALL)");
    at = map(5);
    memset(at, 0x5a, 5 * PAGE);
    assert_int_equal(advise(at + PAGE, 2, WARD_HOST_GUARD), 0);
    assert_read_dies(at + PAGE);
    assert_write_dies(at + 3 * PAGE - 1);
    assert_true(is_all(at, PAGE, 0x5a) && is_all(at + 3 * PAGE, 2 * PAGE, 0x5a));
    assert_int_equal(mappings_in(at, 5 * PAGE), 1);
    assert_int_equal(advise(at, 5, WARD_HOST_UNGUARD), 0);
    assert_true(is_all(at + PAGE, 2 * PAGE, 0));
    assert_true(is_all(at, PAGE, 0x5a));
    unmap(at, 5);
}

static void a_guard_in_locked_memory_is_not_supported(void **state)
{
    unsigned char *at = map(1);

    (void)state;
    assert_int_equal(advise(at, 1, WARD_HOST_LOCK), 0);
    assert_int_equal(advise(at, 1, WARD_HOST_GUARD), -ENOTSUP);
    assert_true(can_write(at));
    unmap(at, 1);
}

static void populate_faults_in(void **state)
{
    unsigned char *at;

    (void)state;
    skip_unless(host_has(WARD_HOST_POPULATE), "no MADV_POPULATE_WRITE");
    at = map(8);
    assert_int_equal(resident_pages(at, 8 * PAGE), 0);
    assert_int_equal(advise(at + PAGE, 3, WARD_HOST_POPULATE), 0);
    assert_int_equal(resident_pages(at, 8 * PAGE), 3);
    unmap(at, 8);
}

static void advice_shows_in_the_mapping(void **state)
{
    static const struct {
        enum ward_host_advice advice;
        const char *flag;
    } advices[] = {
        { WARD_HOST_HUGE_ON, "hg" },        { WARD_HOST_HUGE_OFF, "nh" },
        { WARD_HOST_NO_DUMP, "dd" },        { WARD_HOST_WIPE_ON_FORK, "wf" },
        { WARD_HOST_ABSENT_ON_FORK, "dc" }, { WARD_HOST_LOCK, "lo" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        unsigned char *at = map(2);
        int answer = advise(at, 1, advices[i].advice);

        if (answer != -ENOTSUP) {
            assert_int_equal(answer, 0);
            assert_true(has_vm_flag(at, advices[i].flag));
            assert_false(has_vm_flag(at + PAGE, advices[i].flag));
        }
        unmap(at, 2);
    }
}

static int read_it(void *arg)
{
    return *(volatile unsigned char *)arg;
}

static void a_child_sees_zeroes_where_memory_is_wiped(void **state)
{
    unsigned char *at;

    (void)state;
    skip_unless(host_has(WARD_HOST_WIPE_ON_FORK), "no MADV_WIPEONFORK");
    at = map(2);
    memset(at, 7, 2 * PAGE);
    assert_int_equal(advise(at, 1, WARD_HOST_WIPE_ON_FORK), 0);
    assert_int_equal(in_child(read_it, at), 0);
    assert_int_equal(in_child(read_it, at + PAGE), 7);
    assert_int_equal(at[0], 7);
    unmap(at, 2);
}

static void a_child_faults_where_memory_is_absent(void **state)
{
    unsigned char *at = map(2);

    (void)state;
    memset(at, 7, 2 * PAGE);
    assert_int_equal(advise(at, 1, WARD_HOST_ABSENT_ON_FORK), 0);
    assert_int_equal(in_child(read_it, at), -SIGSEGV);
    assert_int_equal(in_child(read_it, at + PAGE), 7);
    unmap(at, 2);
}

static int lock_beyond_the_limit(void *arg)
{
    const struct rlimit page = { PAGE, PAGE };
    unsigned char *at = map(8);
    int answer;

    (void)arg;
    EXPECT(setrlimit(RLIMIT_MEMLOCK, &page) == 0);
    EXPECT(geteuid() != 0 || setuid(65534) == 0);
    answer = advise(at, 8, WARD_HOST_LOCK);
    EXPECT(answer == -ENOMEM || answer == -EPERM);
    EXPECT(!has_vm_flag(at, "lo"));
    return 0;
}

static void locking_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    assert_int_equal(in_child(lock_beyond_the_limit, NULL), 0);
}

static bool can_seal(void)
{
    int answer = ward_host_advise(NULL, 0, WARD_HOST_SEAL);

    assert_true(answer == 0 || answer == -ENOTSUP);
    return answer == 0;
}

/* In a child, as what is sealed stays for the life of the process. */
static int seal_a_page(void *arg)
{
    unsigned char *at = map(3);

    (void)arg;
    memset(at, 0x5a, 3 * PAGE);
    EXPECT(advise(at + PAGE, 1, WARD_HOST_SEAL) == 0);
    EXPECT(ward_host_unmap(at, 3 * PAGE) == -EPERM);
    EXPECT(is_all(at, 3 * PAGE, 0x5a));
    EXPECT(ward_host_protect(at + PAGE, PAGE, WARD_READ) == -EPERM);
    EXPECT(can_write(at + PAGE));
    EXPECT(advise(at + PAGE, 1, WARD_HOST_RELEASE) == 0);
    EXPECT(is_all(at + PAGE, PAGE, 0));
    EXPECT(ward_host_unmap(at, PAGE) == 0);
    return 0;
}

static void what_is_sealed_is_never_unmapped_or_protected(void **state)
{
    (void)state;
    skip_unless(can_seal(), "no sealing (mseal)");
    assert_int_equal(in_child(seal_a_page, NULL), 0);
}

static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);

    close(fd);
    return fd;
}

static void secret_memory_is_memory(void **state)
{
    int descriptor = next_descriptor();
    void *at = NULL;
    int answer = ward_host_map(&at, 2 * PAGE, WARD_HOST_SECRET, WARD_RW, 0);

    (void)state;
    skip_unless(answer != -ENOTSUP, "no secret memory (memfd_secret)");
    assert_int_equal(answer, 0);
    assert_int_equal(advise(at, 2, WARD_HOST_POPULATE), 0);
    assert_true(is_all(at, 2 * PAGE, 0));
    memset(at, 1, 2 * PAGE);
    assert_true(has_vm_flag(at, "sh"));
    unmap(at, 2);
    assert_int_equal(next_descriptor(), descriptor); /* none stays open */
}

/* --- What old kernels and filters answer ------------------------------------------------------ */

/* The system call `number`, if its third argument is `third`, fails from now on. */
static int forbid(int number, unsigned third, int error)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, third, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

/* The action instead of the call: SECCOMP_RET_... */
static int answer_by(int number, unsigned action)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

static int forbid_on_death(int number)
{
    return answer_by(number, SECCOMP_RET_KILL_PROCESS);
}

static int trap(int number)
{
    return answer_by(number, SECCOMP_RET_TRAP);
}

static bool has_filters(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static int move_without_the_call(void *arg)
{
    unsigned char *at = map(1), *to = map(1);

    (void)arg;
    EXPECT(forbid(SYS_mremap, (unsigned)(2 * PAGE), ENOSYS) ==
           0); /* of the question whether it can */
    at[0] = 1, to[0] = 2;
    EXPECT(ward_host_move(at, PAGE, to, PAGE) == -ENOTSUP);
    EXPECT(at[0] == 1 && to[0] == 2);
    return 0;
}

/* Whose the addresses are that were to be replaced is not known then. */
static int move_that_fails_late(void *arg)
{
    unsigned char *at = map(1), *to = map(1);

    (void)arg;
    EXPECT(forbid(SYS_mremap, (unsigned)PAGE, ENOMEM) == 0);
    at[0] = 1;
    EXPECT(ward_host_move(at, PAGE, to, PAGE) == -EBUSY);
    EXPECT(at[0] == 1);
    return 0;
}

static void what_cannot_be_moved_is_as_it_was(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to take mremap away with");
    assert_int_equal(in_child(move_without_the_call, NULL), 0);
    assert_int_equal(in_child(move_that_fails_late, NULL), 0);
}

static int without_optional_calls(void *arg)
{
    static const int errors[] = { ENOSYS, EPERM, EINVAL };
    int error = errors[*(int *)arg];
    unsigned char *at = map(1);
    void *secret = NULL;

    EXPECT(forbid(SYS_MSEAL, 0, error) == 0);
    EXPECT(forbid(447, 0, error) == 0);
    EXPECT(forbid(SYS_madvise, 102, error) == 0);
    EXPECT(ward_host_advise(NULL, 0, WARD_HOST_SEAL) == -ENOTSUP);
    EXPECT(advise(at, 1, WARD_HOST_SEAL) == -ENOTSUP);
    EXPECT(ward_host_map(&secret, PAGE, WARD_HOST_SECRET, WARD_RW, 0) == -ENOTSUP);
    EXPECT(secret == NULL);
    EXPECT(advise(at, 1, WARD_HOST_GUARD) == (error == EPERM ? -EPERM : -ENOTSUP));
    EXPECT(can_write(at));
    return 0;
}

static void what_the_kernel_does_not_know_is_not_supported(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to play an old kernel with");
    for (int i = 0; i < 3; i++)
        assert_int_equal(in_child(without_optional_calls, &i), 0);
}

/* --- Limits and randomness -------------------------------------------------------------------- */

static void the_split_budget_is_half_of_the_limit(void **state)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    size_t limit = 0;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu", &limit), 1);
    fclose(file);
    assert_int_equal(ward_host_split_budget(), limit / 2);
    assert_int_equal(ward_host_split_budget(), limit / 2);
}

static int budget_without_proc(void *arg)
{
    (void)arg;
    EXPECT(forbid(SYS_openat, O_RDONLY | O_CLOEXEC, ENOENT) == 0);
    EXPECT(ward_host_split_budget() == 65530 / 2);
    return 0;
}

static void without_proc_the_split_budget_is_that_of_the_default_limit(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to hide /proc with");
    assert_int_equal(in_child(budget_without_proc, NULL), 0);
}

static void random_bytes_are_many_and_different(void **state)
{
    static unsigned char a[100000], b[100000];
    unsigned count[256] = { 0 };

    (void)state;
    assert_int_equal(ward_host_random(a, sizeof a), 0);
    assert_int_equal(ward_host_random(b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + sizeof a - 16, b + sizeof b - 16, 16);
    for (size_t i = 0; i < sizeof a; i++)
        count[a[i]]++;
    /* 390.6 of each are expected, with a deviation of 19.7: ten of them are 10^-22 away. */
    for (size_t i = 0; i < 256; i++)
        assert_in_range(count[i], 194, 588);
}

static void random_writes_its_bytes_and_no_others(void **state)
{
    unsigned char bytes[64];

    (void)state;
    for (size_t len = 0; len <= 32; len++) {
        memset(bytes, 0x5a, sizeof bytes);
        assert_int_equal(ward_host_random(bytes + 16, len), 0);
        assert_true(is_all(bytes, 16, 0x5a));
        assert_true(is_all(bytes + 16 + len, 48 - len, 0x5a));
    }
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

/* A signal cuts a long getrandom short. */
static void random_goes_on_after_signals(void **state)
{
    const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
    const size_t len = (size_t)8 << 20;
    unsigned char *bytes = malloc(len);

    (void)state;
    assert_non_null(bytes);
    signal(SIGALRM, on_alarm);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int round = 0; round < 20 && alarms < 3; round++) {
        memset(bytes, 0, len);
        assert_int_equal(ward_host_random(bytes, len), 0);
        for (size_t off = 0; off < len; off += 64)
            assert_false(is_all(bytes + off, 64, 0));
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    signal(SIGALRM, SIG_IGN); /* one may still be on its way */
    free(bytes);
    assert_true(alarms >= 3);
}

static int without_getrandom(void *arg)
{
    unsigned char byte;

    (void)arg;
    EXPECT(forbid(SYS_getrandom, 0, ENOSYS) == 0);
    EXPECT(ward_host_random(&byte, 1) == -ENOTSUP);
    return 0;
}

static int epoch_without_getrandom(void *arg)
{
    if (forbid(SYS_getrandom, 0, ENOSYS))
        return 1;
    (void)arg;
    return (int)(ward_host_fork_epoch() & 1);
}

static void without_a_source_nothing_goes_on(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to take getrandom away with");
    assert_int_equal(in_child(without_getrandom, NULL), 0);
    assert_int_equal(in_child(epoch_without_getrandom, NULL), -SIGABRT);
}

/* Long enough that one is drawn in pieces. */
enum { DRAWN = 500 };

static int random_is_taken_away(void *error)
{
    unsigned char first[DRAWN], second[DRAWN];

    EXPECT(ward_host_fork_epoch() != 0);
    EXPECT(forbid(SYS_getrandom, 0, *(int *)error) == 0);
    EXPECT(ward_host_random(first, DRAWN) == 0);
    EXPECT(ward_host_random(second, DRAWN) == 0);
    EXPECT(memcmp(first, second, DRAWN) != 0);
    EXPECT(memcmp(first, first + DRAWN / 2, DRAWN / 2) != 0);
    return 0;
}

static void a_source_that_is_taken_away_later_is_not_missed(void **state)
{
    static int errors[] = { ENOSYS, EPERM, EACCES };

    (void)state;
    skip_unless(has_filters(), "no seccomp to take getrandom away with");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(in_child(random_is_taken_away, &errors[i]), 0);
}

/* A filter that answers getrandom by an error, and the others by the end of the process. */
static int drawing_asks_nothing(void *unused)
{
    unsigned char drawn[DRAWN];

    (void)unused;
    EXPECT(ward_host_fork_epoch() != 0);
    EXPECT(forbid(SYS_getrandom, 0, EPERM) == 0);
    EXPECT(forbid_on_death(SYS_clock_gettime) == 0);
    EXPECT(forbid_on_death(SYS_getpid) == 0);
    EXPECT(ward_host_random(drawn, DRAWN) == 0);
    return 0;
}

static void a_seed_is_drawn_from_without_other_calls(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to take calls away with");
    assert_int_equal(in_child(drawing_asks_nothing, NULL), 0);
}

static pid_t forked = -1;

/* A fork that cuts off who asks for the process: both go on with one answer. */
static void fork_once(int number)
{
    (void)number;
    if (forked < 0)
        forked = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int fork_while_the_process_is_asked_for(void *unused)
{
    unsigned char drawn[DRAWN], childs[DRAWN];
    int ends[2], status = -1;

    (void)unused;
    EXPECT(pipe(ends) == 0 && signal(SIGSYS, fork_once) != SIG_ERR);
    EXPECT(trap(SYS_getpid) == 0);
    EXPECT(ward_host_fork_epoch() != 0);
    EXPECT(forked >= 0 && forbid(SYS_getrandom, 0, EPERM) == 0);
    EXPECT(ward_host_random(drawn, DRAWN) == 0);
    if (forked == 0)
        _exit(write(ends[1], drawn, DRAWN) != DRAWN);
    EXPECT(waitpid(forked, &status, 0) == forked && status == 0);
    EXPECT(read(ends[0], childs, DRAWN) == DRAWN);
    EXPECT(memcmp(drawn, childs, DRAWN) != 0);
    return 0;
}

static void a_child_whose_fork_cut_the_question_off_draws_others(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to fork in the middle");
    assert_int_equal(in_child(fork_while_the_process_is_asked_for, NULL), 0);
}

/* --- The key ---------------------------------------------------------------------------------- */

static void there_is_one_key_for_the_process(void **state)
{
    int key = ward_host_key();

    (void)state;
    skip_unless(key != -ENOTSUP, "no protection keys in this machine");
    assert_true(key > 0);
    assert_int_equal(ward_host_key(), key);
}

static void keyed_memory_is_inaccessible_until_the_key_is_taken_off(void **state)
{
    unsigned char *at;

    (void)state;
    skip_unless(ward_host_key() >= 0, "no protection keys in this machine");
    at = map(1);
    at[0] = 7;
    assert_int_equal(ward_host_protect(at, PAGE, WARD_RW | WARD_KEYED), 0);
    assert_read_dies(at);
    assert_write_dies(at);
    assert_int_equal(ward_host_protect(at, PAGE, WARD_RW), 0);
    assert_int_equal(at[0], 7);
    unmap(at, 1);
}

static void without_a_key_keyed_protection_is_refused(void **state)
{
    unsigned char *at;

    (void)state;
    skip_unless(ward_host_key() == -ENOTSUP, "this machine has protection keys");
    at = map(1);
    assert_int_equal(ward_host_protect(at, PAGE, WARD_READ | WARD_KEYED), -ENOTSUP);
    assert_true(can_write(at));
    unmap(at, 1);
}

/* --- Fork: all of it in children, so that each sees a first use ------------------------------- */

static int epoch_changes_in_child(void *arg)
{
    const volatile uint64_t *word = ward_host_fork_word();
    uint64_t mine = ward_host_fork_epoch();

    EXPECT(mine != *(uint64_t *)arg);
    EXPECT(*word == mine);
    EXPECT(ward_host_fork_epoch() == mine);
    return 0;
}

static int child_reads_zero(void *arg)
{
    const volatile uint64_t *word = ward_host_fork_word();

    EXPECT(word == *(const volatile uint64_t **)arg);
    EXPECT(*word == 0);
    return 0;
}

static int first_use(void *arg)
{
    const volatile uint64_t *word = ward_host_fork_word();
    uint64_t epoch = ward_host_fork_epoch();

    (void)arg;
    EXPECT(epoch != 0);
    EXPECT(*word == epoch);
    EXPECT(ward_host_fork_epoch() == epoch);
    EXPECT(ward_host_fork_word() == word);
    EXPECT(in_child(child_reads_zero, &word) == 0);
    EXPECT(in_child(epoch_changes_in_child, &epoch) == 0);
    EXPECT(in_child(epoch_changes_in_child, &epoch) == 0);
    EXPECT(*word == epoch && ward_host_fork_epoch() == epoch);
    return 0;
}

static void the_fork_word_is_zero_in_a_child_until_made_new(void **state)
{
    (void)state;
    skip_unless(host_has(WARD_HOST_WIPE_ON_FORK), "no MADV_WIPEONFORK");
    assert_int_equal(in_child(first_use, NULL), 0);
}

static int word_stands_between_guards(void *arg)
{
    const unsigned char *word = (const unsigned char *)(uintptr_t)ward_host_fork_word();

    (void)arg;
    EXPECT(can_read(word) && can_read(word + PAGE - 1));
    EXPECT(is_closed(word - 65536, 65536));
    EXPECT(is_closed(word + 2 * PAGE, 65536)); /* behind the seed's page */
    return 0;
}

static void the_page_of_the_fork_word_has_guards_on_both_sides(void **state)
{
    (void)state;
    skip_unless(host_has(WARD_HOST_WIPE_ON_FORK), "no MADV_WIPEONFORK");
    assert_int_equal(in_child(word_stands_between_guards, NULL), 0);
}

static int grandchild_differs_from_all(void *arg)
{
    uint64_t *seen = arg;

    for (int i = 0; i < 4; i++) {
        seen[i] = ward_host_fork_epoch();
        for (int k = 0; k < i; k++)
            EXPECT(seen[k] != seen[i]);
        if (i < 3) {
            int status;
            pid_t child = fork();

            if (child > 0) {
                EXPECT(waitpid(child, &status, 0) == child);
                return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
            }
        }
    }
    return 0;
}

static void every_generation_has_an_epoch_of_its_own(void **state)
{
    uint64_t seen[4];

    (void)state;
    assert_int_equal(in_child(grandchild_differs_from_all, seen), 0);
}

static int first_use_without_wipe(void *arg)
{
    uint64_t epoch;

    (void)arg;
    EXPECT(forbid(SYS_madvise, MADV_WIPEONFORK, EINVAL) == 0);
    epoch = ward_host_fork_epoch();
    EXPECT(epoch != 0);
    EXPECT(*ward_host_fork_word() == epoch && ward_host_fork_epoch() == epoch);
    EXPECT(in_child(epoch_changes_in_child, &epoch) == 0);
    EXPECT(ward_host_fork_epoch() == epoch);
    return grandchild_differs_from_all((uint64_t[4]){ 0 });
}

static void without_wiping_the_word_changes_when_the_child_asks(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to take MADV_WIPEONFORK away with");
    assert_int_equal(in_child(first_use_without_wipe, NULL), 0);
}

/* --- Forks after randomness was taken away ---------------------------------------------------- */

static int generations_without_getrandom(void *wipes)
{
    uint64_t seen[4];

    if (!*(bool *)wipes)
        EXPECT(forbid(SYS_madvise, MADV_WIPEONFORK, EINVAL) == 0);
    EXPECT(ward_host_fork_epoch() != 0);
    EXPECT(forbid(SYS_getrandom, 0, EPERM) == 0);
    return grandchild_differs_from_all(seen);
}

static void without_getrandom_every_generation_still_has_its_epoch(void **state)
{
    static bool wipes[] = { true, false };

    (void)state;
    skip_unless(has_filters(), "no seccomp to take getrandom away with");
    assert_int_equal(in_child(generations_without_getrandom, &wipes[0]), 0);
    assert_int_equal(in_child(generations_without_getrandom, &wipes[1]), 0);
}

/* What a child draws first. space: CLONE_NEWPID, and its number is 1; or 0. */
static bool child_draws(long space, unsigned char drawn[32])
{
    int ends[2], status = -1;
    long child;

    if (pipe(ends))
        return false;
    child = syscall(SYS_clone, SIGCHLD | space, 0, 0, 0, 0);
    if (child == 0)
        _exit(ward_host_random(drawn, 32) || write(ends[1], drawn, 32) != 32);
    if (child > 0 && waitpid((pid_t)child, &status, 0) == child && status == 0)
        status = read(ends[0], drawn, 32) != 32;
    close(ends[0]);
    close(ends[1]);
    return status == 0;
}

static int two_children_draw(void *space)
{
    unsigned char drawn[3][32];

    EXPECT(ward_host_fork_epoch() != 0);
    EXPECT(forbid(SYS_getrandom, 0, ENOSYS) == 0);
    if (!*(long *)space)
        EXPECT(forbid(SYS_clock_gettime, 0, EPERM) == 0);
    EXPECT(child_draws(*(long *)space, drawn[0]));
    EXPECT(child_draws(*(long *)space, drawn[1]));
    EXPECT(ward_host_random(drawn[2], 32) == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(memcmp(drawn[i], drawn[(i + 1) % 3], 32) != 0);
    return 0;
}

static void without_getrandom_or_a_clock_children_are_told_by_their_numbers(void **state)
{
    static long here = 0;

    (void)state;
    skip_unless(has_filters(), "no seccomp to take getrandom away with");
    assert_int_equal(in_child(two_children_draw, &here), 0);
}

static void without_getrandom_children_of_one_number_are_told_by_the_time(void **state)
{
    static long elsewhere = CLONE_NEWPID;

    (void)state;
    skip_unless(has_filters(), "no seccomp to take getrandom away with");
    skip_unless(geteuid() == 0, "not root: no children of the same number");
    assert_int_equal(in_child(two_children_draw, &elsewhere), 0);
}

enum { RACERS = 8 };

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    const volatile uint64_t *word;
    uint64_t epoch;
    int key;
};

static void *race(void *arg)
{
    struct racer *racer = arg;

    pthread_barrier_wait(racer->start);
    racer->word = ward_host_fork_word();
    racer->epoch = ward_host_fork_epoch();
    racer->key = ward_host_key();
    return NULL;
}

static int race_for_the_first_use(void *arg)
{
    pthread_barrier_t start;
    struct racer racers[RACERS];

    (void)arg;
    EXPECT(pthread_barrier_init(&start, NULL, RACERS) == 0);
    for (int i = 0; i < RACERS; i++) {
        racers[i].start = &start;
        EXPECT(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
    }
    for (int i = 0; i < RACERS; i++)
        EXPECT(pthread_join(racers[i].thread, NULL) == 0);
    for (int i = 1; i < RACERS; i++) {
        EXPECT(racers[i].word == racers[0].word);
        EXPECT(racers[i].epoch == racers[0].epoch);
        EXPECT(racers[i].key == racers[0].key);
    }
    return 0;
}

static void threads_that_race_for_the_first_use_get_the_same(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++)
        assert_int_equal(in_child(race_for_the_first_use, NULL), 0);
}

/* --- The end ---------------------------------------------------------------------------------- */

static char letter(size_t at)
{
    return (char)('a' + at % 23);
}

enum { MUCH = 1 << 20 };

static char *much(int *ends, void (*handler)(int))
{
    char *text = malloc(MUCH);
    const struct sigaction action = { .sa_handler = handler }; /* without SA_RESTART */

    for (size_t i = 0; text && i < MUCH; i++)
        text[i] = letter(i);
    if (!text || dup2(ends[1], 2) != 2 || sigaction(SIGALRM, &action, NULL))
        abort();
    close(ends[0]);
    close(ends[1]);
    return text;
}

/* How a child ends that writes `much` and is interrupted again and again. */
static int read_much(int (*work)(int *ends))
{
    static char text[4096];
    size_t total = 0;
    ssize_t got;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        become_child();
        _exit(work(ends));
    }
    close(ends[1]);
    while ((got = read(ends[0], text, sizeof text)) > 0) {
        if (total < MUCH / 2) /* the rest is more than a pipe holds */
            assert_int_equal(kill(child, SIGALRM), 0);
        for (ssize_t i = 0; i < got; i++)
            assert_int_equal(text[i], letter(total++));
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(total, MUCH);
    return status;
}

static int write_much(int *ends)
{
    ward_host_write(much(ends, on_alarm), MUCH);
    return alarms == 0;
}

static void write_writes_everything_whatever_interrupts_it(void **state)
{
    (void)state;
    assert_int_equal(read_much(write_much), 0);
}

static sigjmp_buf away;

static void come_back(int signal)
{
    (void)signal;
}

static void jump_away(int signal)
{
    (void)signal;
    siglongjmp(away, 1);
}

static void block_abort(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int die(void *arg)
{
    switch (*(int *)arg) {
    case 1: signal(SIGABRT, SIG_IGN); break;
    case 2: signal(SIGABRT, come_back); break;
    case 3: block_abort(); break;
    case 4:
        if (sigsetjmp(away, 1))
            return 0;
        signal(SIGABRT, jump_away);
        break;
    default: break;
    }
    ward_host_die("", 0);
}

static void die_cannot_be_prevented(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++)
        assert_int_equal(in_child(die, &how), -SIGABRT);
}

static int die_with_much(int *ends)
{
    if (sigsetjmp(away, 1) == 0)
        ward_host_die(much(ends, jump_away), MUCH);
    return 0;
}

static void nobody_jumps_away_between_the_last_words_and_the_end(void **state)
{
    int status;

    (void)state;
    status = read_much(die_with_much);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Even where no signal can be sent. */
static int die_without_signals(void *arg)
{
    (void)arg;
    if (forbid(SYS_tgkill, SIGABRT, EPERM))
        return 1;
    ward_host_die("", 0);
}

static void die_without_signals_traps(void **state)
{
    int died;

    (void)state;
    skip_unless(has_filters(), "no seccomp to forbid signals with");
    died = in_child(die_without_signals, NULL);
    assert_true(died == -SIGILL || died == -SIGTRAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_size_is_the_systems),
        cmocka_unit_test(a_mapping_is_zeroed_and_ends_with_unmap),
        cmocka_unit_test(a_mapping_has_the_protection_asked_for),
        cmocka_unit_test(a_mapping_at_an_address_never_replaces_another),
        cmocka_unit_test(pages_move_with_what_they_hold),
        cmocka_unit_test(what_is_behind_is_not_taken_by_asking_whether_pages_can_move),
        cmocka_unit_test(pages_that_differ_do_not_move_and_nothing_changes),
        cmocka_unit_test(what_cannot_be_moved_is_as_it_was),
        cmocka_unit_test(no_room_is_enomem_and_errno_is_left_alone),
        cmocka_unit_test(a_huge_page_of_a_size_nobody_has_is_not_supported),
        cmocka_unit_test(protection_is_set_and_set_back),
        cmocka_unit_test(release_reads_zero),
        cmocka_unit_test(release_reads_zero_also_where_memory_is_locked),
        cmocka_unit_test(a_guard_closes_and_empties_and_adds_no_mapping),
        cmocka_unit_test(a_guard_in_locked_memory_is_not_supported),
        cmocka_unit_test(populate_faults_in),
        cmocka_unit_test(advice_shows_in_the_mapping),
        cmocka_unit_test(a_child_sees_zeroes_where_memory_is_wiped),
        cmocka_unit_test(a_child_faults_where_memory_is_absent),
        cmocka_unit_test(locking_beyond_the_limit_is_refused),
        cmocka_unit_test(what_is_sealed_is_never_unmapped_or_protected),
        cmocka_unit_test(secret_memory_is_memory),
        cmocka_unit_test(what_the_kernel_does_not_know_is_not_supported),
        cmocka_unit_test(without_proc_the_split_budget_is_that_of_the_default_limit),
        cmocka_unit_test(the_split_budget_is_half_of_the_limit),
        cmocka_unit_test(random_bytes_are_many_and_different),
        cmocka_unit_test(random_writes_its_bytes_and_no_others),
        cmocka_unit_test(random_goes_on_after_signals),
        cmocka_unit_test(without_a_source_nothing_goes_on),
        cmocka_unit_test(a_source_that_is_taken_away_later_is_not_missed),
        cmocka_unit_test(a_seed_is_drawn_from_without_other_calls),
        cmocka_unit_test(a_child_whose_fork_cut_the_question_off_draws_others),
        cmocka_unit_test(without_getrandom_every_generation_still_has_its_epoch),
        cmocka_unit_test(without_getrandom_or_a_clock_children_are_told_by_their_numbers),
        cmocka_unit_test(without_getrandom_children_of_one_number_are_told_by_the_time),
        cmocka_unit_test(threads_that_race_for_the_first_use_get_the_same),
        cmocka_unit_test(there_is_one_key_for_the_process),
        cmocka_unit_test(keyed_memory_is_inaccessible_until_the_key_is_taken_off),
        cmocka_unit_test(without_a_key_keyed_protection_is_refused),
        cmocka_unit_test(the_fork_word_is_zero_in_a_child_until_made_new),
        cmocka_unit_test(the_page_of_the_fork_word_has_guards_on_both_sides),
        cmocka_unit_test(every_generation_has_an_epoch_of_its_own),
        cmocka_unit_test(without_wiping_the_word_changes_when_the_child_asks),
        cmocka_unit_test(write_writes_everything_whatever_interrupts_it),
        cmocka_unit_test(who_waits_is_woken),
        cmocka_unit_test(nobody_waits_for_a_word_that_changed),
        cmocka_unit_test(die_cannot_be_prevented),
        cmocka_unit_test(nobody_jumps_away_between_the_last_words_and_the_end),
        cmocka_unit_test(die_without_signals_traps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
