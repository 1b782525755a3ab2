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

    return process && __atomic_load_n(&process->killed, __ATOMIC_RELAXED);
}

/* --- Threads
 * --------------------------------------------------------------------------------------- */

static struct trap_frame *frame_of(const struct thread *thread)
{
    return (struct trap_frame *)thread->stack_top - 1;
}

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
    thread->process = thread->of = process;
    return thread;
}

static void free_thread(struct thread *thread)
{
    heap_free(STACKS, thread->stack);
    heap_free(THREADS, thread);
}

/* False: the process is ending. */
static bool join(struct thread *thread, struct process *process)
{
    bool joined;

    lock_take(&processes);
    joined = !process->killed;
    process->threads += joined;
    process->unburied += joined;
    lock_drop(&processes);
    if (joined)
        sched_start(thread);
    else
        free_thread(thread);
    return joined;
}

int64_t thread_create(const struct thread_args *args)
{
    struct thread *thread = make_thread(current()->process);

    if (!thread)
        return -ENOMEM;
    arch_frame_init(frame_of(thread), args->entry, args->stack, args->argument, 0);
    return join(thread, current()->process) ? 0 : -EINTR;
}

/* --- Ends
 * -------------------------------------------------------------------------------------------- */

static void free_resources(struct process *process)
{
    for (unsigned i = 0; i < PINS; i++)
        (void)ward_space_unpin(&process->pins[i]);
    for (unsigned i = 0; i < FILES; i++)
        if (process->files[i])
            file_drop(process->files[i]);
}

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
        if (child->unburied == 0)
            unlink_process(child);
    }
}

/* This CPU lets go of the space before the thread is counted out: the last one frees it. */
static void leave_space(struct thread *me)
{
    bool on = arch_irq_off();

    me->process = NULL;
    sched_use(NULL);
    arch_irq_restore(on);
}

void thread_exit(void)
{
    struct process *process = current()->process;
    struct vm *vm = NULL;
    bool last;

    leave_space(current());
    lock_take(&processes);
    last = --process->threads == 0;
    if (last) {
        vm = process->vm;
        process->vm = NULL;
    }
    lock_drop(&processes);
    if (last)
        free_resources(process);
    vm_drop(vm);
    sched_exit();
}

void thread_bury(struct thread *thread)
{
    struct process *process = thread->of;

    free_thread(thread);
    lock_take(&processes);
    if (--process->unburied == 0) {
        leave_children(process);
        if (process->parent)
            (void)sched_wake(process->parent, 0, UINT32_MAX);
        else if (process->pid == 1)
            arch_exit(process->status == 0);
        else
            unlink_process(process);
    }
    lock_drop(&processes);
}

static void end(struct process *process, int32_t status)
{
    if (process->killed)
        return;
    process->status = status;
    __atomic_store_n(&process->killed, 1, __ATOMIC_RELAXED);
    sched_wake_process(process);
}

void process_exit(int32_t status)
{
    lock_take(&processes);
    end(current()->process, status);
    lock_drop(&processes);
    thread_exit();
}

static struct process *find(uint64_t pid)
{
    struct process *process = all;

    while (process && process->pid != pid)
        process = process->next;
    return process;
}

int64_t process_kill(uint64_t pid)
{
    struct process *process;

    lock_take(&processes);
    process = find(pid);
    if (process)
        end(process, STATUS_KILLED);
    lock_drop(&processes);
    return process ? 0 : -ESRCH;
}

struct vm *process_vm(uint64_t pid)
{
    struct process *process;
    struct vm *vm = NULL;

    lock_take(&processes);
    process = find(pid);
    if (process && process->vm) {
        vm = process->vm;
        __atomic_fetch_add(&vm->refs, 1, __ATOMIC_RELAXED);
    }
    lock_drop(&processes);
    return vm;
}

void processes_count(uint64_t *count, uint64_t *threads)
{
    *count = *threads = 0;
    lock_take(&processes);
    for (const struct process *process = all; process; process = process->next) {
        *count += 1;
        *threads += process->unburied;
    }
    lock_drop(&processes);
}

/* --- Fork and wait
 * ------------------------------------------------------------------------------------ */

/* From here on the process can be found, killed and waited for: all but its thread is there. */
static void insert(struct process *process, struct process *parent)
{
    lock_take(&processes);
    process->parent = parent;
    process->threads = process->unburied = 1;
    process->pid = ++last_pid;
    process->next = all;
    all = process;
    lock_drop(&processes);
}

static void copy_files(struct process *to, struct process *from)
{
    lock_take(&from->lock);
    for (unsigned i = 0; i < FILES; i++) {
        to->files[i] = from->files[i];
        if (to->files[i])
            file_use(to->files[i]);
    }
    lock_drop(&from->lock);
}

int64_t process_fork(const struct trap_frame *frame)
{
    struct process *parent = current()->process, *child = heap_alloc(PROCESSES);
    struct thread *thread = child ? make_thread(child) : NULL;
    struct vm *vm = thread ? vm_fork(parent->vm) : NULL;
    uint64_t pid;

    if (!vm) {
        if (thread)
            free_thread(thread);
        heap_free(PROCESSES, child);
        return -ENOMEM;
    }
    child->vm = vm;
    copy_files(child, parent);
    *frame_of(thread) = *frame;
    arch_frame_answer(frame_of(thread), 0);
    insert(child, parent);
    pid = child->pid;
    sched_start(thread);
    return (int64_t)pid;
}

/* NULL: none has ended; *any: there are some at all. */
static struct process *find_ended(const struct process *parent, bool *any)
{
    *any = false;
    for (struct process *child = all; child; child = child->next) {
        if (child->parent != parent)
            continue;
        *any = true;
        if (child->unburied == 0 && !child->claimed)
            return child;
    }
    return NULL;
}

/* The status goes to the user before the process is forgotten: a pointer that is bad loses nothing.
 */
static int64_t take_status(struct process *child, ward_i32_out status)
{
    int32_t value = child->status;
    int64_t pid = (int64_t)child->pid;
    int error;

    child->claimed = true;
    lock_drop(&processes);
    error = ward_i32_write_or_null(WARD_HERE, status, &value, NULL);
    lock_take(&processes);
    child->claimed = false;
    if (!error)
        unlink_process(child);
    (void)sched_wake(current()->process, 0, UINT32_MAX);
    return error ? error : pid;
}

int64_t process_wait(ward_i32_out status)
{
    struct process *me = current()->process, *child;
    int64_t result = 0;
    bool any;

    lock_take(&processes);
    do {
        child = find_ended(me, &any);
        if (child)
            result = take_status(child, status);
        else if (!any)
            result = -ECHILD;
        else if (!sched_sleep(me, 0, &processes))
            result = -EINTR;
    } while (result == 0);
    lock_drop(&processes);
    return result;
}

/* --- Programs
 * ------------------------------------------------------------------------------------------ */

static void use_vm(struct process *process, struct vm *vm)
{
    bool on = arch_irq_off();

    lock_take(&processes);
    process->vm = vm;
    lock_drop(&processes);
    sched_use(vm);
    arch_irq_restore(on);
}

int64_t process_exec(const char *path, const struct strings *strings, struct trap_frame *frame)
{
    struct process *process = current()->process;
    struct vm *was = process->vm, *vm;
    uint64_t entry, stack;
    int error;

    if (__atomic_load_n(&process->threads, __ATOMIC_RELAXED) > 1)
        return -EBUSY;
    vm = vm_make();
    error = vm ? exec_load(vm, path, strings, &entry, &stack) : -ENOMEM;
    if (error) {
        vm_drop(vm);
        return error;
    }
    for (unsigned i = 0; i < PINS; i++)
        (void)ward_space_unpin(&process->pins[i]);
    use_vm(process, vm);
    vm_drop(was);
    arch_frame_init(frame, entry, stack, stack, 0);
    return 0;
}

/* The first process, whose program gets no arguments but its name. */
void process_start_first(const char *path)
{
    struct process *process = heap_alloc(PROCESSES);
    struct thread *thread = process ? make_thread(process) : NULL;
    struct vm *vm = thread ? vm_make() : NULL;
    struct strings strings = { .bytes = frame_alloc(), .argc = 1 };
    uint64_t entry, stack;

    if (!vm || !strings.bytes)
        panic("no memory for the first process");
    strings.used = __builtin_strlen(path) + 1;
    memcpy(strings.bytes, path, strings.used);
    if (exec_load(vm, path, &strings, &entry, &stack))
        panic("no program %s", path);
    frame_drop(strings.bytes);
    process->vm = vm;
    for (unsigned i = 0; i < 3; i++)
        process->files[i] = file_console();
    arch_frame_init(frame_of(thread), entry, stack, stack, 0);
    insert(process, NULL);
    sched_start(thread);
}
