/* SPDX-License-Identifier: MIT */
/*
 * A supervisor reads the memory of a thread that waits in a system call, and answers it. The call
 * is chdir, which nobody here means.
 */
#include "target.h"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <ward/notif.h>

enum { TAG = 0x11, PAGES = 3 };

static unsigned char *pages; /* the same address on both sides; the last one is closed */

/* --- The side that is supervised -------------------------------------------------------------- */

/* The answer to a call with this argument: as from syscall(2), errors negative. */
static long ask(const void *argument)
{
    long got = syscall(SYS_chdir, argument);

    return got < 0 ? -errno : got;
}

static void *ask_in_thread(void *argument)
{
    return (void *)ask(argument);
}

static void ignore(int sig)
{
    (void)sig;
}

/* The system call with this number asks. */
static int filter_calls(unsigned number)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        abort();
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &filter);
}

enum { LISTENER = 200 }; /* the listener's number in the target */

static void prepare(void *arg)
{
    struct sigaction action = { .sa_handler = ignore }; /* without SA_RESTART */
    int listener = filter_calls(SYS_chdir);

    memset(arg, TAG, PAGES * PAGE);
    if (mprotect(pages + 2 * PAGE, PAGE, PROT_NONE) || sigaction(SIGUSR1, &action, NULL))
        abort();
    if (listener >= 0 && dup2(listener, LISTENER) != LISTENER)
        abort();
}

/* What the last call came to, for the supervisor to look at. */
static long *result_in(unsigned char *at)
{
    return (void *)(at + PAGE - 64);
}

static void obey(void *arg, char what, int orders, int answers)
{
    long *result = result_in(arg);
    pthread_t thread;
    void *got;

    (void)orders, (void)answers;
    if (what == 'm') {
        *result = ask(arg);
    } else if (what == 't') {
        if (pthread_create(&thread, NULL, ask_in_thread, arg) || pthread_join(thread, &got))
            abort();
        *result = (long)got;
    } else if (what == 'f') { /* the answer is a descriptor that can be written to */
        *result = ask(arg);
        *result = write((int)*result, "hello", 5) == 5 ? fcntl((int)*result, F_GETFD) : -1;
    }
}

/* --- The supervisor --------------------------------------------------------------------------- */

static struct target target;
static int listener = -1;

static int start(void **state)
{
    int pidfd;

    (void)state;
    pages = map_pages(PAGES);
    start_target(&target, prepare, obey, pages);
    pidfd = (int)syscall(SYS_pidfd_open, target.pid, 0);
    listener = (int)syscall(SYS_pidfd_getfd, pidfd, LISTENER, 0);
    close(pidfd);
    return 0;
}

static int end(void **state)
{
    (void)state;
    close(listener);
    stop_target(&target);
    unmap_pages(pages, PAGES);
    return 0;
}

#define needs_listener()                                                                           \
    skip_unless(listener >= 0, "no seccomp notifications here (Linux 5.6), or not under valgrind")

/* The next system call that waits. */
static void receive(struct seccomp_notif *request)
{
    memset(request, 0, sizeof *request);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request))
        abort();
}

static void have_it_ask(char how, struct seccomp_notif *request, struct ward_notif *notif)
{
    order(&target, how);
    receive(request);
    assert_int_equal(ward_notif_init(notif, listener, request), 0);
}

static long result(void)
{
    struct ward_process process;
    uint64_t value = 0;

    await(&target);
    assert_int_equal(ward_process_open(&process, target.pid, 0), 0);
    assert_int_equal(ward_space_read_u64(&process.space, address(result_in(pages)), &value, NULL),
                     0);
    ward_process_close(&process);
    return (long)value;
}

static void assert_gone(struct ward_notif *notif)
{
    unsigned char bytes[16];
    struct ward_fault why;

    memset(bytes, 0x77, sizeof bytes);
    assert_int_equal(ward_space_read(&notif->process.space, address(pages), bytes, 16, &why),
                     -ESRCH);
    assert_true(why.kind == WARD_FAULT_GONE && why.done == 0 && is_all(bytes, 16, 0));
    assert_int_equal(ward_space_write(&notif->process.space, address(pages), "x", 1, NULL), -ESRCH);
    assert_int_equal(ward_notif_verify(notif), -ESRCH);
    assert_int_equal(ward_notif_answer(notif, 0, 0), -ESRCH);
    assert_int_equal(ward_notif_answer_fd(notif, 0, true), -ESRCH);
}

static void arguments_are_read_and_the_call_is_answered(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;
    unsigned char bytes[64];

    (void)state;
    needs_listener();
    for (int i = 0; i < 2; i++) {
        have_it_ask('m', &request, &notif);
        assert_true(ward_space_ok(&notif.process.space));
        assert_int_equal(notif.process.pointer_bytes, sizeof(void *));
        assert_true(request.data.args[0] == address(pages));
        assert_int_equal(
            ward_space_read(&notif.process.space, request.data.args[0], bytes, 64, NULL), 0);
        assert_true(is_all(bytes, 64, TAG));
        assert_int_equal(ward_notif_verify(&notif), 0);
        assert_int_equal(ward_notif_answer(&notif, 4711, i ? EXDEV : 0), 0);
        assert_gone(&notif);
        assert_int_equal(result(), i ? -EXDEV : 4711);
    }
}

static void counts_are_exact_and_memory_can_be_written(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;
    unsigned char bytes[64];
    struct ward_fault why;

    (void)state;
    needs_listener();
    have_it_ask('m', &request, &notif);
    assert_int_equal(
        ward_space_read(&notif.process.space, address(pages + 2 * PAGE - 20), bytes, 64, &why),
        -EFAULT);
    assert_true(why.done == 20 && is_all(bytes, 20, TAG) && is_all(bytes + 20, 44, 0));
    assert_int_equal(
        ward_space_write(&notif.process.space, address(pages + 2 * PAGE - 4), "abcdefgh", 8, &why),
        -EFAULT);
    assert_int_equal(why.done, 4);
    assert_int_equal(
        ward_space_read(&notif.process.space, address(pages + 2 * PAGE - 4), bytes, 4, &why), 0);
    assert_memory_equal(bytes, "abcd", 4);
    memset(bytes, TAG, 4);
    assert_int_equal(
        ward_space_write(&notif.process.space, address(pages + 2 * PAGE - 4), bytes, 4, NULL), 0);
    assert_int_equal(ward_notif_answer(&notif, 0, -1), -EINVAL);
    assert_int_equal(ward_notif_answer(&notif, 0, 4096), -EINVAL);
    assert_int_equal(ward_notif_answer(&notif, 0, 0), 0);
    assert_int_equal(result(), 0);
}

static void any_thread_of_the_process_may_be_the_one_that_waits(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;
    unsigned char byte;

    (void)state;
    needs_listener();
    have_it_ask('t', &request, &notif);
    assert_true((pid_t)request.pid != target.pid);
    assert_int_equal(ward_space_read(&notif.process.space, address(pages), &byte, 1, NULL), 0);
    assert_int_equal(byte, TAG);
    assert_int_equal(ward_notif_answer(&notif, 7, 0), 0);
    assert_int_equal(result(), 7);
}

static void a_descriptor_is_given_and_answered_in_one_step(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;
    char text[8] = { 0 };
    int ends[2], given;

    (void)state;
    needs_listener();
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        have_it_ask('f', &request, &notif);
        assert_int_equal(ward_notif_answer_fd(&notif, -1, true), -EBADF);
        given = ward_notif_answer_fd(&notif, ends[1], i == 0);
        assert_true(given > 2);
        assert_gone(&notif);
        assert_int_equal(result(), i == 0 ? FD_CLOEXEC : 0);
        assert_int_equal(read(ends[0], text, 5), 5);
        assert_string_equal(text, "hello");
    }
    close(ends[0]);
    close(ends[1]);
}

static void a_signal_that_ends_the_wait_ends_the_space_though_the_thread_lives(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;

    (void)state;
    needs_listener();
    have_it_ask('m', &request, &notif);
    kill(target.pid, SIGUSR1);
    assert_int_equal(result(), -EINTR); /* the thread has returned */
    assert_gone(&notif);
    assert_int_equal(ward_notif_init(&notif, listener, &request), -ESRCH);
    assert_all_zero(notif);
}

static void what_is_no_notification_is_refused(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif, second;

    (void)state;
    needs_listener();
    have_it_ask('m', &request, &notif);
    dirty(second);
    assert_int_equal(ward_notif_init(&second, -1, &request), -EBADF);
    assert_all_zero(second);
    assert_int_equal(ward_notif_init(&second, target.orders, &request), -EINVAL);
    assert_int_equal(ward_notif_init(&second, listener, NULL), -EINVAL);
    assert_int_equal(ward_notif_init(NULL, listener, &request), -EINVAL);
    request.id++;
    assert_int_equal(ward_notif_init(&second, listener, &request), -ESRCH);
    request.id--;
    request.pid = 0;
    assert_int_equal(ward_notif_init(&second, listener, &request), -ESRCH);
    assert_all_zero(second);
    assert_int_equal(ward_notif_answer(&notif, 0, 0), 0);
    assert_int_equal(result(), 0);
}

static void pointers_are_as_wide_as_those_of_the_call(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;

    (void)state;
    needs_listener();
    have_it_ask('m', &request, &notif);
    request.data.arch = AUDIT_ARCH_I386;
    assert_int_equal(ward_notif_init(&notif, listener, &request), 0);
    assert_int_equal(notif.process.pointer_bytes, 4);
    assert_true(notif.process.space.last == UINT32_MAX);
    request.data.arch = AUDIT_ARCH_X86_64;
    request.data.nr |= 0x40000000; /* x32 */
    assert_int_equal(ward_notif_init(&notif, listener, &request), 0);
    assert_int_equal(notif.process.pointer_bytes, 4);
    request.data.nr = SYS_chdir;
    assert_int_equal(ward_notif_init(&notif, listener, &request), 0);
    assert_int_equal(notif.process.pointer_bytes, 8);
    assert_int_equal(ward_notif_answer(&notif, 0, 0), 0);
    assert_int_equal(result(), 0);
}

/* --- Another system --------------------------------------------------------------------------- */

/* The manual of process_vm_readv lets a system refuse a range of which any part is bad. A
 * supervisor plays that system: the calls of its child come here. */
struct whole {
    unsigned refused, served;
};

static size_t total(const struct iovec *vec, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += vec[i].iov_len;
    return bytes;
}

/* All of the ranges, or -EFAULT. */
static void serve_whole(void *arg, int from, const struct seccomp_notif *request)
{
    struct whole *whole = arg;
    struct iovec local[2], foreign[2], here;
    unsigned char bytes[2048];
    size_t count = request->data.args[2], put = 0;
    struct ward_space *caller;
    struct ward_notif notif;

    if (count > 2 || request->data.args[4] != count || ward_notif_init(&notif, from, request))
        abort();
    caller = &notif.process.space;
    if (ward_space_read(caller, request->data.args[1], local, count * sizeof *local, NULL) ||
        ward_space_read(caller, request->data.args[3], foreign, count * sizeof *foreign, NULL))
        abort();
    here = (struct iovec){ bytes, total(local, count) };
    if (here.iov_len > sizeof bytes)
        abort();
    if (process_vm_readv((pid_t)request->data.args[0], &here, 1, foreign, count, 0) !=
        (ssize_t)here.iov_len) {
        whole->refused++;
        if (ward_notif_answer(&notif, 0, EFAULT))
            abort();
        return;
    }
    for (size_t i = 0; i < count; put += local[i++].iov_len)
        if (ward_space_write(caller, address(local[i].iov_base), bytes + put, local[i].iov_len,
                             NULL))
            abort();
    whole->served++;
    if (ward_notif_answer(&notif, (int64_t)put, 0))
        abort();
}

/* In the child: opens the process and reads 1000 bytes of which the last 300 are not there, and 600
 * that all are, over the end of a page. */
static int read_by_whole(pid_t of)
{
    struct ward_process process;
    unsigned char bytes[1000];
    uint64_t end_of_open = address(pages + 2 * PAGE);
    struct ward_fault why;

    EXPECT(ward_process_open(&process, of, 0) == 0);
    EXPECT(ward_space_read(&process.space, end_of_open - 700, bytes, 1000, &why) == -EFAULT);
    EXPECT(why.done == 700 && why.addr == end_of_open && why.kind == WARD_FAULT_DENIED);
    EXPECT(is_all(bytes, 700, TAG) && is_all(bytes + 700, 300, 0));
    EXPECT(ward_space_read(&process.space, end_of_open - PAGE - 300, bytes, 1000, &why) == 0);
    EXPECT(is_all(bytes, 200, TAG) && is_all(bytes + 300, 700, TAG)); /* a result between */
    EXPECT(ward_space_read(&process.space, end_of_open, bytes, 1000, &why) == -EFAULT);
    EXPECT(why.done == 0);
    return 0;
}

static int take_listener(pid_t child, int number)
{
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    int taken = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

    close(pidfd);
    return taken;
}

static void be_reader(pid_t of, int ready)
{
    int got = filter_calls(SYS_process_vm_readv);

    become_child();
    if (write(ready, &got, sizeof got) != (ssize_t)sizeof got)
        _exit(9);
    _exit(read_by_whole(of));
}

/* Serves the child's calls until it ends. Its exit status. */
static int serve_child(pid_t child, int from,
                       void serve(void *arg, int from, const struct seccomp_notif *request),
                       void *arg)
{
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd waiting[2] = { { .fd = from, .events = POLLIN },
                                 { .fd = pidfd, .events = POLLIN } };
    struct seccomp_notif request;
    int status;

    while (poll(waiting, 2, -1) > 0 && waiting[1].revents == 0) {
        memset(&request, 0, sizeof request);
        if ((waiting[0].revents & POLLIN) != 0 &&
            ioctl(from, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0)
            serve(arg, from, &request);
    }
    close(pidfd);
    waitpid(child, &status, 0);
    return status;
}

static void counts_are_exact_where_a_system_refuses_ranges_whole(void **state)
{
    struct whole whole = { 0 };
    int ready[2], number = -1, from, status;
    pid_t child;

    (void)state;
    needs_listener();
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    child = fork();
    if (child == 0)
        be_reader(target.pid, ready[1]);
    assert_int_equal(read(ready[0], &number, sizeof number), sizeof number);
    from = take_listener(child, number);
    assert_true(from >= 0);
    status = serve_child(child, from, serve_whole, &whole);
    assert_int_equal(status, 0);
    assert_true(whole.refused >= 3 && whole.served >= 2);
    close(from);
    close(ready[0]);
    close(ready[1]);
}

/* Every other call is interrupted; the rest go on. */
static void interrupt(void *arg, int from, const struct seccomp_notif *request)
{
    struct seccomp_notif_resp answer = { .id = request->id };
    unsigned *calls = arg;

    if (++*calls % 2)
        answer.error = -EINTR;
    else
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (ioctl(from, SECCOMP_IOCTL_NOTIF_SEND, &answer))
        abort();
}

static int answer_interrupted(const struct seccomp_notif *request)
{
    struct ward_notif notif;
    uint8_t byte;

    EXPECT(ward_notif_init(&notif, listener, request) == 0);
    EXPECT(ward_notif_verify(&notif) == 0);
    EXPECT(ward_space_read_u8(&notif.process.space, address(pages), &byte, NULL) == 0);
    EXPECT(byte == TAG);
    EXPECT(ward_notif_answer(&notif, 4711, 0) == 0);
    return 0;
}

/* Several supervisors of one listener wait for each other in the system, and a signal ends that. It
 * says nothing about the notification. */
static void a_signal_to_the_supervisor_changes_nothing(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;
    unsigned calls = 0;
    int ready[2], number = -1, from;
    pid_t child;

    (void)state;
    needs_listener();
    have_it_ask('m', &request, &notif);
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        number = filter_calls(SYS_ioctl);
        become_child();
        if (write(ready[1], &number, sizeof number) != (ssize_t)sizeof number)
            _exit(9);
        _exit(answer_interrupted(&request));
    }
    assert_int_equal(read(ready[0], &number, sizeof number), sizeof number);
    from = take_listener(child, number);
    assert_true(from >= 0);
    assert_int_equal(serve_child(child, from, interrupt, &calls), 0);
    assert_true(calls >= 8);
    assert_int_equal(result(), 4711);
    close(from);
    close(ready[0]);
    close(ready[1]);
}

static void *kill_it(void *arg)
{
    (void)arg;
    kill(target.pid, SIGKILL);
    return NULL;
}

/* The target is another in each round. */
static void a_caller_that_is_killed_meanwhile_is_read_right_or_gone(void **state)
{
    struct seccomp_notif request;
    struct ward_notif notif;
    unsigned char bytes[256];
    pthread_t killer;
    int error;

    needs_listener();
    for (int i = 0; i < 100; i++) {
        have_it_ask('m', &request, &notif);
        assert_int_equal(pthread_create(&killer, NULL, kill_it, NULL), 0);
        do {
            memset(bytes, 0x77, sizeof bytes);
            error = ward_space_read(&notif.process.space, address(pages), bytes, 256, NULL);
            assert_true(error == 0 || error == -ESRCH);
            assert_true(is_all(bytes, 256, error ? 0 : TAG));
        } while (error == 0);
        assert_gone(&notif);
        pthread_join(killer, NULL);
        end(state);
        start(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_read_and_the_call_is_answered),
        cmocka_unit_test(counts_are_exact_and_memory_can_be_written),
        cmocka_unit_test(any_thread_of_the_process_may_be_the_one_that_waits),
        cmocka_unit_test(a_descriptor_is_given_and_answered_in_one_step),
        cmocka_unit_test(a_signal_that_ends_the_wait_ends_the_space_though_the_thread_lives),
        cmocka_unit_test(what_is_no_notification_is_refused),
        cmocka_unit_test(pointers_are_as_wide_as_those_of_the_call),
        cmocka_unit_test(counts_are_exact_where_a_system_refuses_ranges_whole),
        cmocka_unit_test(a_signal_to_the_supervisor_changes_nothing),
        cmocka_unit_test(a_caller_that_is_killed_meanwhile_is_read_right_or_gone),
    };

    exit_without_pidfd();
    return cmocka_run_group_tests(tests, start, end);
}
