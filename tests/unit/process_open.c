/* SPDX-License-Identifier: MIT */
/*
 * Who may be opened, by which way, and what is said when it cannot be: other users, seccomp
 * filters, old systems, 32-bit programs.
 */
#include "target.h"

#include <elf.h>
#include <pthread.h>
#include <sched.h>

enum { TAG = 0x11, NOBODY = 65534 };

static void fill_with_tag(void *arg)
{
    memset(arg, TAG, PAGE);
}

static unsigned char *page; /* the same address in target and test */
static struct target target;

static int start(void **state)
{
    (void)state;
    page = map_pages(1);
    start_target(&target, fill_with_tag, NULL, page);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stop_target(&target);
    unmap_pages(page, 1);
    return 0;
}

/* A failed open leaves nothing behind. Returns its error. */
static int fail_to_open(int pid, unsigned flags)
{
    unsigned descriptors = count_descriptors();
    struct ward_process process;
    int error;

    dirty(process);
    error = ward_process_open(&process, pid, flags);
    if (error == 0) {
        ward_process_close(&process);
        return 0;
    }
    if (!is_all(&process, sizeof process, 0) || count_descriptors() != descriptors)
        abort();
    ward_process_close(&process); /* nothing happens */
    if (count_descriptors() != descriptors)
        abort();
    return error;
}

/* 0: the target was opened, and read right. */
static int read_target(unsigned flags)
{
    struct ward_process process;
    unsigned char bytes[64];
    int error = ward_process_open(&process, target.pid, flags);

    if (error)
        return error;
    error = ward_space_read(&process.space, address(page), bytes, sizeof bytes, NULL);
    ward_process_close(&process);
    if (!is_all(bytes, sizeof bytes, error ? 0 : TAG))
        abort();
    return error;
}

/* --- Which process ---------------------------------------------------------------------------- */

static void *wait_for(void *arg)
{
    int *tid = arg;
    char byte;

    tid[1] = (int)syscall(SYS_gettid);
    if (write(tid[2], "", 1) != 1 || read(tid[3], &byte, 1) < 0)
        abort();
    return NULL;
}

static void what_is_no_process_is_not_opened(void **state)
{
    int ready[2], over[2], with[4] = { 0 };
    pthread_t thread;
    pid_t ended = fork();
    char byte;

    (void)state;
    if (ended == 0)
        _exit(0);
    waitpid(ended, NULL, 0);
    assert_int_equal(fail_to_open(ended, 0), -ESRCH);
    assert_int_equal(fail_to_open(0, 0), -EINVAL);
    assert_int_equal(fail_to_open(-1, 0), -EINVAL);
    assert_int_equal(fail_to_open(target.pid, 2), -EINVAL);
    assert_int_equal(fail_to_open(INT32_MAX, 0), -ESRCH);
    assert_int_equal(ward_process_open(NULL, target.pid, 0), -EINVAL);
    assert_int_equal(pipe(ready) | pipe(over), 0);
    with[2] = ready[1];
    with[3] = over[0];
    assert_int_equal(pthread_create(&thread, NULL, wait_for, with), 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(fail_to_open(with[1], 0), -ESRCH); /* a thread, not a process */
    close(over[1]);
    pthread_join(thread, NULL);
    close(ready[0]);
    close(ready[1]);
    close(over[0]);
}

static void a_thread_of_the_kernel_has_no_memory(void **state)
{
    char name[32] = { 0 };
    FILE *file = fopen("/proc/2/comm", "r");

    (void)state;
    if (file) {
        assert_non_null(fgets(name, sizeof name, file));
        fclose(file);
    }
    skip_unless(strcmp(name, "kthreadd\n") == 0, "process 2 is no thread of the kernel here");
    assert_int_equal(fail_to_open(2, 0), -ESRCH);
    assert_int_equal(fail_to_open(2, WARD_PROCESS_FORCE), -ESRCH);
}

static void the_own_process_can_be_opened(void **state)
{
    struct ward_process process;
    uint64_t word = 42, copy = 0;

    (void)state;
    assert_int_equal(ward_process_open(&process, getpid(), 0), 0);
    assert_int_equal(ward_space_read_u64(&process.space, address(&word), &copy, NULL), 0);
    assert_true(copy == 42);
    ward_process_close(&process);
    assert_all_zero(process);
}

static void what_was_found_is_told(void **state)
{
    struct ward_process process;
    struct ward_process_info info;

    (void)state;
    for (unsigned flags = 0; flags <= WARD_PROCESS_FORCE; flags++) {
        assert_int_equal(ward_process_open(&process, target.pid, flags), 0);
        assert_true(ward_space_ok(&process.space));
        ward_process_info_get(&process, &info);
        assert_int_equal(info.pid, target.pid);
        assert_int_equal(info.rung, WARD_PROCESS_BY_CALLS);
        assert_true(info.forces == (flags != 0) && info.notices_exec);
        assert_int_equal(info.pointer_bytes, sizeof(void *));
        ward_process_close(&process);
    }
}

/* --- Who may ---------------------------------------------------------------------------------- */

static int open_as_nobody(void *arg)
{
    struct target other;

    (void)arg;
    EXPECT(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    EXPECT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    EXPECT(fail_to_open(target.pid, 0) == -EPERM);
    EXPECT(fail_to_open(target.pid, WARD_PROCESS_FORCE) == -EPERM);
    start_target(&other, NULL, NULL, NULL); /* one of its own, as a control */
    EXPECT(fail_to_open(other.pid, 0) == 0);
    stop_target(&other);
    return 0;
}

static void another_users_process_is_eperm(void **state)
{
    (void)state;
    skip_unless(geteuid() == 0, "only root can become another user");
    assert_int_equal(in_child(open_as_nobody, NULL), 0);
}

static void hide(void *arg, char order_, int orders, int answers)
{
    (void)arg, (void)order_, (void)orders, (void)answers;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        abort();
}

static int watch_it_hide(void *arg)
{
    struct ward_process process;
    struct ward_fault why;
    struct target other;
    unsigned char byte = 1;

    (void)arg;
    if (geteuid() == 0)
        EXPECT(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    EXPECT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    start_target(&other, fill_with_tag, hide, page);
    EXPECT(ward_process_open(&process, other.pid, 0) == 0);
    EXPECT(ward_space_read(&process.space, address(page), &byte, 1, NULL) == 0 && byte == TAG);
    order(&other, 'h');
    await(&other);
    EXPECT(ward_space_read(&process.space, address(page), &byte, 1, &why) == -EPERM);
    EXPECT(byte == 0 && why.kind == WARD_FAULT_FORBIDDEN);
    EXPECT(ward_space_write(&process.space, address(page), "x", 1, NULL) == -EPERM);
    EXPECT(ward_process_verify(&process) == -EPERM);
    EXPECT(fail_to_open(other.pid, 0) == -EPERM);
    stop_target(&other);
    EXPECT(ward_space_read(&process.space, address(page), &byte, 1, NULL) == -ESRCH);
    ward_process_close(&process);
    return 0;
}

static void a_process_that_cannot_be_dumped_is_eperm(void **state)
{
    (void)state;
    assert_int_equal(in_child(watch_it_hide, NULL), 0);
}

/* --- What the system lacks, or a filter forbids ----------------------------------------------- */

struct lack {
    long number;
    int error;
};

static void tag_and_close(void *arg)
{
    fill_with_tag(arg);
    if (mprotect(arg, PAGE, PROT_NONE))
        abort();
}

static int without_calls(void *arg)
{
    struct ward_process_info info;
    struct ward_process process;
    unsigned char *closed = map_pages(1), byte = 0;
    struct target other;

    start_target(&other, tag_and_close, NULL, closed);
    EXPECT(forbid_call(SYS_process_vm_readv, *(int *)arg) == 0);
    EXPECT(forbid_call(SYS_process_vm_writev, *(int *)arg) == 0);
    EXPECT(fail_to_open(other.pid, 0) == -ENOTSUP);
    EXPECT(ward_process_open(&process, other.pid, WARD_PROCESS_FORCE) == 0);
    ward_process_info_get(&process, &info);
    EXPECT(info.rung == WARD_PROCESS_BY_FILE && info.forces);
    EXPECT(ward_space_read(&process.space, address(closed), &byte, 1, NULL) == 0 && byte == TAG);
    EXPECT(ward_space_write(&process.space, address(closed), "x", 1, NULL) == 0);
    EXPECT(ward_space_read(&process.space, address(closed), &byte, 1, NULL) == 0 && byte == 'x');
    stop_target(&other);
    EXPECT(ward_space_read(&process.space, address(closed), &byte, 1, NULL) == -ESRCH);
    ward_process_close(&process);
    return 0;
}

static void without_the_calls_there_is_only_force(void **state)
{
    int errors[] = { ENOSYS, EPERM };

    (void)state;
    skip_unless(has_filters(), "no seccomp to forbid calls with");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(in_child(without_calls, &errors[i]), 0);
}

static int forbidden_later(void *arg)
{
    struct ward_process process;
    struct ward_fault why;
    unsigned char byte = 1;

    (void)arg;
    EXPECT(ward_process_open(&process, target.pid, 0) == 0);
    EXPECT(forbid_call(SYS_process_vm_readv, EPERM) == 0);
    EXPECT(ward_space_read(&process.space, address(page), &byte, 1, &why) == -ENOTSUP);
    EXPECT(byte == 0 && why.kind == WARD_FAULT_CANNOT);
    return 0;
}

static void calls_that_are_forbidden_later_are_enotsup(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to forbid calls with");
    assert_int_equal(in_child(forbidden_later, NULL), 0);
}

static int without_pidfd(void *arg)
{
    EXPECT(forbid_call(SYS_pidfd_open, *(int *)arg) == 0);
    EXPECT(fail_to_open(target.pid, 0) == -ENOTSUP);
    return 0;
}

static void without_a_pidfd_a_number_proves_nothing(void **state)
{
    int errors[] = { ENOSYS, EPERM };

    (void)state;
    skip_unless(has_filters(), "no seccomp to forbid calls with");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(in_child(without_pidfd, &errors[i]), 0);
}

static int without_proc(void *arg)
{
    struct ward_process process;
    struct ward_process_info info;
    unsigned char byte = 0;
    uint64_t pointer = 1;

    (void)arg;
    EXPECT(forbid_call(SYS_openat, ENOENT) == 0);
    EXPECT(fail_to_open(target.pid, WARD_PROCESS_FORCE) == -ENOTSUP);
    EXPECT(ward_process_open(&process, target.pid, 0) == 0);
    ward_process_info_get(&process, &info);
    EXPECT(!info.notices_exec && info.pointer_bytes == 0);
    EXPECT(ward_space_read(&process.space, address(page), &byte, 1, NULL) == 0 && byte == TAG);
    EXPECT(ward_process_read_pointers(&process, address(page), &pointer, 1, NULL) == -ENOTSUP);
    EXPECT(pointer == 0);
    EXPECT(ward_process_read_list(&process, address(page), &pointer, 1, NULL) == -ENOTSUP);
    return 0;
}

static void without_proc_an_exec_is_not_noticed_and_that_is_said(void **state)
{
    (void)state;
    skip_unless(has_filters(), "no seccomp to hide /proc with");
    assert_int_equal(in_child(without_proc, NULL), 0);
}

/* Whatever single call fails, and how: right bytes or an error, and no descriptor stays. */
static int lacking(void *arg)
{
    const struct lack *lack = arg;
    unsigned before = count_descriptors();

    EXPECT(forbid_call(lack->number, lack->error) == 0);
    for (unsigned flags = 0; flags <= WARD_PROCESS_FORCE; flags++) {
        int error = read_target(flags);

        EXPECT(error <= 0 && error > -4096);
        EXPECT(count_descriptors() == before);
    }
    return 0;
}

static void every_call_may_fail_and_nothing_goes_wrong(void **state)
{
    const long numbers[] = { SYS_pidfd_open,       SYS_openat,   SYS_read,  SYS_pread64,
                             SYS_process_vm_readv, SYS_pwrite64, SYS_ppoll, SYS_getpid };
    const int errors[] = { ENOSYS, EPERM, EMFILE, EINVAL, ENOMEM, EFAULT, ESRCH };

    (void)state;
    skip_unless(has_filters(), "no seccomp to forbid calls with");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (size_t k = 0; k < sizeof errors / sizeof errors[0]; k++) {
            struct lack lack = { numbers[i], errors[k] };

            assert_int_equal(in_child(lacking, &lack), 0);
        }
    assert_int_equal(read_target(0), 0);
}

/* --- 32 bits ---------------------------------------------------------------------------------- */

/* A whole 32-bit program: "pause" for ever, and behind it a list of pointers and a string. */
enum { BASE = 0x08048000, CODE = 0x54, LIST = 0x60, TEXT = 0x70 };

struct image {
    Elf32_Ehdr header;
    Elf32_Phdr segment;
    unsigned char code[LIST - CODE];
    uint32_t list[4];
    char text[16];
};

static const struct image image = {
    .header = {
        .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_entry = BASE + CODE,
        .e_phoff = sizeof(Elf32_Ehdr),
        .e_ehsize = sizeof(Elf32_Ehdr),
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 1,
    },
    .segment = {
        .p_type = PT_LOAD,
        .p_vaddr = BASE,
        .p_filesz = sizeof(struct image),
        .p_memsz = sizeof(struct image),
        .p_flags = PF_R | PF_X,
        .p_align = 4096,
    },
    .code = { 0xb8, 29, 0, 0, 0, /* mov $__NR_pause, %eax */
              0xcd, 0x80,        /* int $0x80 */
              0xeb, 0xf7 },      /* jmp to the first */
    .list = { BASE + TEXT, 0xfffffff0, 1, 0 },
    .text = "thirty-two bits",
};

static void run_image(void)
{
    char *const none[] = { NULL };
    int fd = memfd_create("image", MFD_CLOEXEC);

    if (fd < 0 || write(fd, &image, sizeof image) != (ssize_t)sizeof image)
        abort();
    fexecve(fd, none, none);
    _exit(0);
}

/* As /proc tells it in a letter. */
static char state_of(pid_t pid)
{
    char path[32], state = 'Z';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            abort();
        fclose(file);
    }
    return state;
}

/* The pipe's end that is closed on exec tells when it ran; it is done when the program pauses.
 * false: this system runs no such program. */
static bool start_32(pid_t *pid)
{
    pid_t self = getpid();
    int ends[2], status;
    char byte;

    if (pipe2(ends, O_CLOEXEC))
        abort();
    *pid = fork();
    if (*pid == 0) {
        die_with(self);
        run_image();
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 0)
        abort();
    close(ends[0]);
    while (!strchr("SZ", state_of(*pid)))
        sched_yield();
    return waitpid(*pid, &status, WNOHANG) == 0 || !WIFEXITED(status);
}

static void a_32_bit_process_has_its_own_pointers_and_limit(void **state)
{
    struct ward_process_info info;
    struct ward_process process;
    struct ward_fault why;
    uint64_t list[8];
    char text[16];
    pid_t pid;

    (void)state;
    skip_unless(start_32(&pid) && ward_process_open(&process, pid, 0) == 0,
                "this system runs no 32-bit programs of x86");
    ward_process_info_get(&process, &info);
    assert_int_equal(info.pointer_bytes, 4);
    assert_int_equal(ward_process_read_list(&process, BASE + LIST, list, 8, NULL), 3);
    assert_true(list[0] == BASE + TEXT && list[1] == 0xfffffff0 && list[2] == 1 && list[3] == 0);
    assert_int_equal(ward_process_read_pointers(&process, BASE + LIST, list, 2, NULL), 0);
    assert_true(list[0] == BASE + TEXT && list[1] == 0xfffffff0);
    assert_int_equal(ward_space_read_str(&process.space, list[0], text, 16, NULL), 15);
    assert_string_equal(text, "thirty-two bits");
    assert_int_equal(ward_space_read(&process.space, UINT32_MAX - 3, text, 8, &why), -EFAULT);
    assert_true(why.kind == WARD_FAULT_RANGE && why.addr == UINT64_C(1) << 32);
    ward_process_close(&process);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_process_is_not_opened),
        cmocka_unit_test(a_thread_of_the_kernel_has_no_memory),
        cmocka_unit_test(the_own_process_can_be_opened),
        cmocka_unit_test(what_was_found_is_told),
        cmocka_unit_test(another_users_process_is_eperm),
        cmocka_unit_test(a_process_that_cannot_be_dumped_is_eperm),
        cmocka_unit_test(without_the_calls_there_is_only_force),
        cmocka_unit_test(calls_that_are_forbidden_later_are_enotsup),
        cmocka_unit_test(without_a_pidfd_a_number_proves_nothing),
        cmocka_unit_test(without_proc_an_exec_is_not_noticed_and_that_is_said),
        cmocka_unit_test(every_call_may_fail_and_nothing_goes_wrong),
        cmocka_unit_test(a_32_bit_process_has_its_own_pointers_and_limit),
    };

    exit_without_pidfd();
    return cmocka_run_group_tests(tests, start, end);
}
