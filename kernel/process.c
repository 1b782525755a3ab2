/* SPDX-License-Identifier: MIT */
/*
 * Processes and their threads: made, ended, waited for. A process has ended when the last of its
 * threads is buried: then nothing of it is left but its status, which its parent takes.
 */
#include "host.h"
#include "kernel.h"

static struct lock processes;
static struct process *all;
static uint64_t last_pid;

bool is_killed(void)
{
    const struct process *process = current()->process;
    const struct thread *alone;

    if (!process)
        return false;
    alone = __atomic_load_n(&process->alone, __ATOMIC_RELAXED);
    return __atomic_load_n(&process->killed, __ATOMIC_RELAXED) || (alone && alone != current());
}

/* --- Threads ---------------------------------------------------------------------------------- */

static struct thread *make_thread(struct process *process)
{
    struct thread *thread = heap_alloc(THREADS);
    char *stack = heap_alloc(STACKS);

    if (!thread || !stack) {
        heap_free(THREADS, thread);
        heap_free(STACKS, stack);
        return NULL;
    }
    thread->stack = stack;
    thread->stack_top = (uintptr_t)stack + STACK_BYTES;
    thread->process = process;
    return thread;
}

static void free_thread(struct thread *thread)
{
    heap_free(STACKS, thread->stack);
    heap_free(THREADS, thread);
}

static void free_pins(struct process *process)
{
    for (unsigned i = 0; i < PINS; i++)
        (void)ward_space_unpin(&process->pins[i]);
}

static void drop_parts(struct process *process)
{
    free_pins(process);
    for (unsigned i = 0; i < FILES; i++)
        file_drop(process->files[i]);
    vm_drop(process->vm);
}

/* The thread goes on by itself, and its process, if that is new, can be found, killed and waited
 * for. The number of the process; -EINTR, and they are freed: who calls is about to end. */
static int64_t begin(struct thread *thread)
{
    struct process *process = thread->process;
    bool is_new = process->pid == 0;
    int64_t result = -EINTR;

    lock_take(&processes);
    if (!is_killed()) {
        if (is_new) {
            process->pid = ++last_pid;
            process->next = all;
            all = process;
        }
        process->threads++;
        result = (int64_t)process->pid;
        sched_start(thread);
    }
    lock_drop(&processes);
    if (result > 0)
        return result;
    free_thread(thread);
    if (is_new) {
        drop_parts(process);
        heap_free(PROCESSES, process);
    }
    return result;
}

WARD_USER_DEFINE(uthread_args, struct thread_args,
                 WARD_FIELDS(struct thread_args, entry, stack, argument, reserved));

int64_t call_thread_create(const struct call *call)
{
    uthread_args_in from = uthread_args_in_at(call->args[0]);
    struct thread *thread;
    struct thread_args args;
    int64_t error = -E2BIG;

    if (call->args[1] <= PAGE)
        error = uthread_args_read_versioned(WARD_HERE, from, call->args[1], &args, NULL);
    if (error)
        return error;
    if (args.reserved != 0 || args.entry >= USER_END || args.stack >= USER_END)
        return -EINVAL;
    thread = make_thread(call->process);
    if (!thread)
        return -ENOMEM;
    arch_frame_init(thread_frame(thread), args.entry, args.stack, args.argument, 0);
    error = begin(thread);
    return error < 0 ? error : 0;
}

/* --- Ends ------------------------------------------------------------------------------------- */

static void unlink_process(struct process *process)
{
    struct process **at = &all;

    while (*at != process)
        at = &(*at)->next;
    *at = process->next;
    heap_free(PROCESSES, process);
}

/* Children outlive their parent; those that have ended had nobody else to wait for them. */
static void leave_children(const struct process *parent)
{
    struct process *next;

    for (struct process *child = all; child; child = next) {
        next = child->next;
        if (child->parent != parent)
            continue;
        child->parent = NULL;
        if (child->ended)
            unlink_process(child);
    }
}

/* The last of its threads is gone, and no CPU uses its space. */
static void free_process(struct process *process)
{
    drop_parts(process);
    lock_take(&processes);
    process->ended = true;
    leave_children(process);
    if (process->parent)
        (void)sched_wake(&process->parent->threads, 0, UINT32_MAX);
    else if (process->pid == 1)
        arch_exit(process->status == 0);
    else
        unlink_process(process);
    lock_drop(&processes);
}

void thread_bury(struct thread *thread)
{
    struct process *process = thread->process;
    bool last;

    free_thread(thread);
    lock_take(&processes);
    last = --process->threads == 0;
    (void)sched_wake(&process->threads, 0, UINT32_MAX);
    lock_drop(&processes);
    if (last)
        free_process(process);
}

/* Who has ended by itself has its status already. */
static void end(struct process *process, int32_t status)
{
    if (process->killed || process->threads == 0)
        return;
    process->status = status;
    __atomic_store_n(&process->killed, 1, __ATOMIC_RELAXED);
    (void)sched_wake(process, 0, UINT32_MAX);
}

void process_exit(int32_t status)
{
    lock_take(&processes);
    end(current()->process, status);
    lock_drop(&processes);
    sched_exit();
}

int64_t call_exit(const struct call *call)
{
    process_exit((int32_t)(call->args[0] & 255));
}

int64_t call_thread_exit(const struct call *call)
{
    (void)call;
    sched_exit();
}

static struct process *find(uint64_t pid)
{
    struct process *process = all;

    while (process && process->pid != pid)
        process = process->next;
    return process;
}

int64_t call_kill(const struct call *call)
{
    struct process *process;

    if (call->args[0] == 1)
        return -EPERM;
    lock_take(&processes);
    process = find(call->args[0]);
    if (process)
        end(process, STATUS_KILLED);
    lock_drop(&processes);
    return process ? 0 : -ESRCH;
}

int64_t call_getpid(const struct call *call)
{
    return (int64_t)call->process->pid;
}

struct vm *process_vm(uint64_t pid)
{
    struct process *process;
    struct vm *vm = NULL;

    lock_take(&processes);
    process = find(pid);
    if (process && process->threads > 0) {
        vm = process->vm;
        __atomic_fetch_add(&vm->refs, 1, __ATOMIC_RELAXED);
    }
    lock_drop(&processes);
    return vm;
}

/* --- Fork and wait ---------------------------------------------------------------------------- */

/* A process of one thread, that nobody knows yet. NULL: no memory, and vm is dropped. */
static struct thread *make_process(struct vm *vm)
{
    struct process *process = vm ? heap_alloc(PROCESSES) : NULL;
    struct thread *thread = process ? make_thread(process) : NULL;

    if (thread)
        process->vm = vm;
    else {
        heap_free(PROCESSES, process);
        vm_drop(vm);
    }
    return thread;
}

int64_t call_fork(const struct call *call)
{
    struct thread *thread = make_process(vm_fork(call->process->vm));

    if (!thread)
        return -ENOMEM;
    file_copy_all(thread->process, call->process);
    *thread_frame(thread) = *thread_frame(current());
    arch_frame_answer(thread_frame(thread), 0);
    thread->process->parent = call->process;
    return begin(thread);
}

/* The first process: its program gets no arguments, and no files. */
void process_start_first(const char *path)
{
    const struct strings none = { .argc = 0 };
    struct trap_frame frame;
    struct thread *thread;
    struct vm *vm;

    if (exec_load(path, &none, &frame, &vm) || !(thread = make_process(vm)))
        panic("no memory for %s, or no such program", path);
    *thread_frame(thread) = frame;
    (void)begin(thread);
}

/* NULL: none has ended; *any: there are some at all. */
static struct process *find_ended(const struct process *parent, bool *any)
{
    *any = false;
    for (struct process *child = all; child; child = child->next) {
        if (child->parent != parent)
            continue;
        *any = true;
        if (child->ended)
            return child;
    }
    return NULL;
}

/* The status goes to the user before the child is forgotten: a pointer that is bad loses nothing.
 */
int64_t call_wait(const struct call *call)
{
    uint64_t to = call->args[0];
    int64_t result = -EAGAIN;
    struct process *child;
    bool any;

    call_lock(&processes);
    while (result == -EAGAIN) {
        child = find_ended(call->process, &any);
        if (child) {
            int error =
                ward_i32_write_or_null(WARD_HERE, ward_i32_out_at(to), &child->status, NULL);

            result = error ? call_retry(error, to, WARD_WRITE, &processes) : (int64_t)child->pid;
            if (!error)
                unlink_process(child);
        } else if (!any)
            result = -ECHILD;
        else if (!sched_sleep(&call->process->threads, 0, &processes))
            result = -EINTR;
    }
    call_unlock(&processes);
    return result;
}

/* --- Exec ------------------------------------------------------------------------------------- */

/* Ends the other threads first, unless one of them was first, or somebody kills. */
int process_exec(struct vm *vm)
{
    struct process *process = current()->process;
    struct vm *was = vm;
    bool goes_on;

    lock_take(&processes);
    goes_on = !is_killed();
    if (goes_on) {
        __atomic_store_n(&process->alone, current(), __ATOMIC_RELAXED);
        (void)sched_wake(process, 0, UINT32_MAX);
    }
    while (goes_on && process->threads > 1)
        goes_on = sched_sleep(&process->threads, 0, &processes);
    if (goes_on) {
        __atomic_store_n(&process->alone, NULL, __ATOMIC_RELAXED);
        was = process->vm;
        process->vm = vm;
    }
    lock_drop(&processes);
    if (goes_on) {
        free_pins(process);
        sched_use(vm);
    }
    vm_drop(was);
    return goes_on ? 0 : -EINTR;
}
