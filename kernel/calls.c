/* SPDX-License-Identifier: MIT */
/*
 * System calls. Their arguments are words of somebody who is not trusted: a pointer is made a user
 * pointer at once, and followed by the gates alone, in the space of whoever calls (WARD_HERE). A
 * length is looked at before it is added to anything.
 */
#include "host.h"
#include "kernel.h"

typedef int64_t call_function(const uint64_t *a);

enum { PATH_BYTES = 64, RANGES = 16, ARGS = 32 };

struct fd_pair {
    int32_t fds[2];
};

WARD_USER_DEFINE(ufd_pair, struct fd_pair, WARD_FIELDS(struct fd_pair, fds));
WARD_USER_DEFINE(uthread_args, struct thread_args,
                 WARD_FIELDS(struct thread_args, entry, stack, argument, reserved));
WARD_USER_DEFINE(uinfo, struct info,
                 WARD_FIELDS(struct info, frames, blocks, processes, threads, shootdowns, ticks,
                             samples, window_hits));

/* The caller's registers lie on top of its stack. */
static struct trap_frame *user_frame(void)
{
    return (struct trap_frame *)current()->stack_top - 1;
}

/* Lengths of bytes: those that no object has are a mistake, and none may reach beyond the user
 * half. */
static int check_range(uint64_t at, uint64_t n)
{
    if ((int64_t)n < 0)
        return -EINVAL;
    return n > USER_END || at > USER_END - n ? -EFAULT : 0;
}

/* --- Files
 * --------------------------------------------------------------------------------------------- */

static struct file *get_file(uint64_t fd)
{
    struct process *process = current()->process;
    struct file *file = NULL;

    if (fd >= FILES)
        return NULL;
    lock_take(&process->lock);
    file = process->files[fd];
    if (file)
        file_use(file);
    lock_drop(&process->lock);
    return file;
}

/* The number of a file, which becomes the process's; -EMFILE, and it is dropped. */
static int64_t put_file(struct file *file)
{
    struct process *process = current()->process;
    int64_t fd = -EMFILE;

    lock_take(&process->lock);
    for (unsigned i = 0; i < FILES && fd < 0; i++)
        if (!process->files[i]) {
            process->files[i] = file;
            fd = i;
        }
    lock_drop(&process->lock);
    if (fd < 0)
        file_drop(file);
    return fd;
}

static int64_t call_close(const uint64_t *a)
{
    struct process *process = current()->process;
    struct file *file = NULL;

    if (a[0] >= FILES)
        return -EBADF;
    lock_take(&process->lock);
    file = process->files[a[0]];
    process->files[a[0]] = NULL;
    lock_drop(&process->lock);
    if (!file)
        return -EBADF;
    file_drop(file);
    return 0;
}

static int64_t call_dup(const uint64_t *a)
{
    struct file *file = get_file(a[0]);

    return file ? put_file(file) : -EBADF;
}

static int64_t transfer(const uint64_t *a, int64_t move(struct file *, uint64_t, size_t))
{
    struct file *file = get_file(a[0]);
    int64_t result;

    if (!file)
        return -EBADF;
    result = check_range(a[1], a[2]);
    if (result == 0)
        result = move(file, a[1], a[2]);
    file_drop(file);
    return result;
}

static int64_t call_write(const uint64_t *a)
{
    return transfer(a, file_write);
}

static int64_t call_read(const uint64_t *a)
{
    return transfer(a, file_read);
}

static int64_t call_writev(const uint64_t *a)
{
    struct ward_iov ranges[RANGES];
    struct ward_iov_list list;
    struct file *file = get_file(a[0]);
    int64_t result;

    if (!file)
        return -EBADF;
    result = ward_iovec_import(WARD_HERE, ward_iovec_in_at(a[1]), a[2], ranges, RANGES, WARD_READ,
                               &list, NULL);
    if (result == 0)
        result = file_writev(file, &list);
    file_drop(file);
    return result;
}

static int64_t call_getdents(const uint64_t *a)
{
    struct file *file = get_file(a[0]);
    int64_t result;

    if (!file)
        return -EBADF;
    result = a[2] > USER_END / sizeof(struct dirent)
                 ? -EINVAL
                 : check_range(a[1], a[2] * sizeof(struct dirent));
    if (result == 0)
        result = file_getdents(file, a[1], a[2]);
    file_drop(file);
    return result;
}

static int64_t read_path(uint64_t at, char path[PATH_BYTES])
{
    return ward_char_read_str(WARD_HERE, ward_char_in_at(at), path, PATH_BYTES, NULL);
}

static int64_t call_open(const uint64_t *a)
{
    char path[PATH_BYTES];
    int64_t error = read_path(a[0], path);
    struct file *file;

    if (error < 0)
        return error;
    error = file_open(path, &file);
    return error ? error : put_file(file);
}

static int64_t call_pipe(const uint64_t *a)
{
    struct file *ends[2];
    struct fd_pair pair;
    uint64_t fds[2];
    int64_t error = file_pipe(ends);

    if (error)
        return error;
    pair.fds[0] = (int32_t)put_file(ends[0]);
    pair.fds[1] = (int32_t)put_file(ends[1]);
    error = pair.fds[0] < 0 || pair.fds[1] < 0
                ? -EMFILE
                : ufd_pair_write(WARD_HERE, ufd_pair_out_at(a[0]), &pair, NULL);
    for (unsigned i = 0; i < 2 && error; i++) {
        fds[i] = (uint64_t)pair.fds[i];
        (void)call_close(&fds[i]);
    }
    return error;
}

/* --- Memory
 * -------------------------------------------------------------------------------------------- */

static int64_t call_brk(const uint64_t *a)
{
    struct vm *vm = current()->process->vm;
    uint64_t was = vm->brk, at = was, end = (a[0] + PAGE - 1) / PAGE * PAGE;
    int64_t error = 0;

    if (a[0] == 0)
        return (int64_t)was;
    if (a[0] < vm->brk_first || a[0] > USER_END / 2)
        return -EINVAL;
    if (end > was)
        error = vm_map(vm, &at, end - was, WARD_RW);
    else if (end < was)
        error = vm_unmap(vm, end, was - end);
    if (error)
        return error;
    __atomic_store_n(&vm->brk, end, __ATOMIC_RELAXED);
    return (int64_t)end;
}

static int64_t call_map(const uint64_t *a)
{
    uint64_t at = a[0];
    int64_t error = a[2] > 7 ? -EINVAL : vm_map(current()->process->vm, &at, a[1], (unsigned)a[2]);

    return error ? error : (int64_t)at;
}

static int64_t call_unmap(const uint64_t *a)
{
    return vm_unmap(current()->process->vm, a[0], a[1]);
}

static int64_t call_protect(const uint64_t *a)
{
    return a[2] > 7 ? -EINVAL : vm_protect(current()->process->vm, a[0], a[1], (unsigned)a[2]);
}

static int64_t call_pin(const uint64_t *a)
{
    struct process *process = current()->process;
    struct ward_pin *pin = NULL;
    int32_t number = 0;
    int64_t error;

    lock_take(&process->lock);
    for (; number < PINS && !pin; number++)
        if (!process->pins[number].space && !process->pins[number].n)
            pin = &process->pins[number];
    if (pin)
        pin->n = 1; /* taken */
    lock_drop(&process->lock);
    if (!pin)
        return -ENOSPC;
    number--;
    error = ward_space_pin(WARD_HERE, a[0], a[1], (unsigned)a[2] & WARD_RW, pin, NULL);
    if (!error)
        error = ward_i32_write(WARD_HERE, ward_i32_out_at(a[3]), &number, NULL);
    if (error)
        (void)ward_space_unpin(pin);
    return error;
}

static int64_t call_unpin(const uint64_t *a)
{
    return a[0] < PINS ? ward_space_unpin(&current()->process->pins[a[0]]) : -EINVAL;
}

/* Between this process and another: by a frame of the kernel's. */
static int64_t call_remote(const uint64_t *a, bool poke)
{
    struct vm *vm = a[3] > PAGE ? NULL : process_vm(a[0]);
    void *bytes = vm ? frame_alloc() : NULL;
    int64_t error = a[3] > PAGE ? -EINVAL : !vm ? -ESRCH : !bytes ? -ENOMEM : 0;

    if (!error && poke) {
        error = ward_space_read(WARD_HERE, a[2], bytes, a[3], NULL);
        if (!error)
            error = ward_space_write(&vm->remote, a[1], bytes, a[3], NULL);
    } else if (!error) {
        error = ward_space_read(&vm->remote, a[1], bytes, a[3], NULL);
        if (!error)
            error = ward_space_write(WARD_HERE, a[2], bytes, a[3], NULL);
    }
    if (bytes)
        frame_drop(bytes);
    vm_drop(vm);
    return error;
}

static int64_t call_peek(const uint64_t *a)
{
    return call_remote(a, false);
}

static int64_t call_poke(const uint64_t *a)
{
    return call_remote(a, true);
}

/* --- Processes
 * ----------------------------------------------------------------------------------------- */

static int64_t call_fork(const uint64_t *a)
{
    (void)a;
    return process_fork(user_frame());
}

/* One array of strings, behind those that are there. */
static int64_t read_strings(struct strings *strings, uint64_t at, unsigned *count)
{
    for (; *count < ARGS; ++*count) {
        uint64_t string;
        ptrdiff_t length = ward_u64_read(WARD_HERE, ward_u64_in_at(at + 8 * *count), &string, NULL);

        if (length < 0 || string == 0)
            return length;
        if (strings->used == PAGE)
            break;
        length = ward_char_read_str(WARD_HERE, ward_char_in_at(string),
                                    strings->bytes + strings->used, PAGE - strings->used, NULL);
        if (length < 0)
            return length == -ENAMETOOLONG ? -E2BIG : length;
        strings->used += (size_t)length + 1;
    }
    return -E2BIG;
}

static int64_t call_exec(const uint64_t *a)
{
    struct strings strings = { .bytes = frame_alloc() };
    char path[PATH_BYTES];
    int64_t error = strings.bytes ? read_path(a[0], path) : -ENOMEM;

    if (error >= 0)
        error = a[1] ? read_strings(&strings, a[1], &strings.argc) : 0;
    if (error >= 0)
        error = a[2] ? read_strings(&strings, a[2], &strings.envc) : 0;
    if (error >= 0)
        error = process_exec(path, &strings, user_frame());
    if (strings.bytes)
        frame_drop(strings.bytes);
    return error;
}

static int64_t call_wait(const uint64_t *a)
{
    return process_wait(ward_i32_out_at(a[0]));
}

static int64_t call_exit(const uint64_t *a)
{
    process_exit((int32_t)(a[0] & 255));
}

static int64_t call_kill(const uint64_t *a)
{
    return process_kill(a[0]);
}

static int64_t call_getpid(const uint64_t *a)
{
    (void)a;
    return (int64_t)current()->process->pid;
}

static int64_t call_yield(const uint64_t *a)
{
    (void)a;
    sched_yield();
    return 0;
}

static int64_t call_clock(const uint64_t *a)
{
    uint64_t now = arch_clock();

    return ward_u64_write(WARD_HERE, ward_u64_out_at(a[0]), &now, NULL);
}

static int64_t call_thread_create(const uint64_t *a)
{
    struct thread_args args;
    int64_t error = a[1] > PAGE ? -E2BIG
                                : uthread_args_read_versioned(WARD_HERE, uthread_args_in_at(a[0]),
                                                              a[1], &args, NULL);

    if (error)
        return error;
    return args.reserved != 0 || args.entry >= USER_END || args.stack >= USER_END
               ? -EINVAL
               : thread_create(&args);
}

static int64_t call_thread_exit(const uint64_t *a)
{
    (void)a;
    thread_exit();
}

static int64_t call_futex_wait(const uint64_t *a)
{
    return futex_wait(a[0], (uint32_t)a[1]);
}

static int64_t call_futex_wake(const uint64_t *a)
{
    return futex_wake(a[0], (unsigned)a[1]);
}

static int64_t call_info(const uint64_t *a)
{
    struct info info = {
        .frames = frames_in_use(),
        .blocks = heap_in_use(),
        .shootdowns = __atomic_load_n(&shootdowns, __ATOMIC_RELAXED),
        .ticks = __atomic_load_n(&ticks, __ATOMIC_RELAXED),
        .samples = __atomic_load_n(&samples, __ATOMIC_RELAXED),
        .window_hits = __atomic_load_n(&window_hits, __ATOMIC_RELAXED),
    };

    processes_count(&info.processes, &info.threads);
    return a[1] > PAGE ? -E2BIG
                       : uinfo_write_versioned(WARD_HERE, uinfo_out_at(a[0]), a[1], &info, NULL);
}

static int64_t call_test(const uint64_t *a)
{
    return test_answer(a[0], a[1]);
}

static call_function *const calls[CALL_COUNT] = {
    [CALL_WRITE] = call_write,
    [CALL_WRITEV] = call_writev,
    [CALL_READ] = call_read,
    [CALL_OPEN] = call_open,
    [CALL_CLOSE] = call_close,
    [CALL_DUP] = call_dup,
    [CALL_PIPE] = call_pipe,
    [CALL_GETDENTS] = call_getdents,
    [CALL_BRK] = call_brk,
    [CALL_MAP] = call_map,
    [CALL_UNMAP] = call_unmap,
    [CALL_PROTECT] = call_protect,
    [CALL_FORK] = call_fork,
    [CALL_EXEC] = call_exec,
    [CALL_WAIT] = call_wait,
    [CALL_EXIT] = call_exit,
    [CALL_KILL] = call_kill,
    [CALL_GETPID] = call_getpid,
    [CALL_YIELD] = call_yield,
    [CALL_CLOCK] = call_clock,
    [CALL_THREAD_CREATE] = call_thread_create,
    [CALL_THREAD_EXIT] = call_thread_exit,
    [CALL_FUTEX_WAIT] = call_futex_wait,
    [CALL_FUTEX_WAKE] = call_futex_wake,
    [CALL_INFO] = call_info,
    [CALL_PIN] = call_pin,
    [CALL_UNPIN] = call_unpin,
    [CALL_PEEK] = call_peek,
    [CALL_POKE] = call_poke,
    [CALL_TEST] = call_test,
};

int64_t call_answer(uint64_t number, const uint64_t args[6])
{
    return number < CALL_COUNT ? calls[number](args) : -ENOSYS;
}
