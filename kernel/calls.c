/* SPDX-License-Identifier: MIT */
/*
 * System calls: the way to each, and those about memory and the machine. Their arguments are words
 * of somebody who is not trusted: a pointer is made a user pointer at once, and followed by the
 * gates alone, in the space of whoever calls (WARD_HERE). A length is looked at before it is added
 * to anything.
 */
#include "host.h"
#include "kernel.h"

WARD_USER_DEFINE(uinfo, struct info,
                 WARD_FIELDS(struct info, frames, blocks, processes, threads, shootdowns, ticks,
                             samples, window_hits, written));

static const struct {
    call_function *answer;
    bool on_file;
} calls[CALL_COUNT] = {
#define PLAIN(NUMBER, NAME)   [CALL_##NUMBER] = { call_##NAME, false },
#define ON_FILE(NUMBER, NAME) [CALL_##NUMBER] = { call_##NAME, true },
    SYSTEM_CALLS(PLAIN, ON_FILE)
};

/* A file is used for as long as the call lasts, whoever closes its number meanwhile. */
int64_t call_answer(uint64_t number, struct call *call)
{
    int64_t result;

    if (number >= CALL_COUNT)
        return -ENOSYS;
    call->process = current()->process;
    call->file = calls[number].on_file ? file_get(call->process, call->args[0]) : NULL;
    if (calls[number].on_file && !call->file)
        return -EBADF;
    result = calls[number].answer(call);
    file_drop(call->file);
    return result;
}

int64_t call_path(uint64_t at, char path[PATH_BYTES])
{
    return ward_char_read_str(WARD_HERE, ward_char_in_at(at), path, PATH_BYTES, NULL);
}

/* --- Memory
 * -------------------------------------------------------------------------------------------- */

int64_t call_brk(const struct call *call)
{
    return vm_brk(call->process->vm, call->args[0]);
}

int64_t call_map(const struct call *call)
{
    uint64_t at = call->args[0], prot = call->args[2];
    int error = prot > 7 ? -EINVAL : vm_map(call->process->vm, &at, call->args[1], (unsigned)prot);

    return error ? error : (int64_t)at;
}

int64_t call_unmap(const struct call *call)
{
    return vm_change(call->process->vm, call->args[0], call->args[1], VM_GONE);
}

int64_t call_protect(const struct call *call)
{
    uint64_t prot = call->args[2];

    return prot > 7 ? -EINVAL
                    : vm_change(call->process->vm, call->args[0], call->args[1], (unsigned)prot);
}

/* A pin that is `was` becomes this call's, and nobody else's until it is free or held. */
static bool claim_pin(struct process *process, uint64_t number, uint32_t was)
{
    return number < PINS &&
           __atomic_compare_exchange_n(&process->pin_states[number], &was, PIN_BUSY, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void leave_pin(struct process *process, uint64_t number, enum pin_state state)
{
    __atomic_store_n(&process->pin_states[number], state, __ATOMIC_RELEASE);
}

int64_t call_pin(const struct call *call)
{
    const uint64_t *a = call->args;
    struct process *process = call->process;
    int32_t number = 0;
    int error;

    while (number < PINS && !claim_pin(process, (uint64_t)number, PIN_FREE))
        number++;
    if (number == PINS)
        return -ENOSPC;
    error = a[2] > WARD_RW ? -EINVAL
                           : ward_space_pin(WARD_HERE, a[0], a[1], (unsigned)a[2],
                                            &process->pins[number], NULL);
    if (!error) {
        error = ward_i32_write(WARD_HERE, ward_i32_out_at(a[3]), &number, NULL);
        if (error)
            (void)ward_space_unpin(&process->pins[number]);
    }
    leave_pin(process, (uint64_t)number, error ? PIN_FREE : PIN_HELD);
    return error;
}

int64_t call_unpin(const struct call *call)
{
    uint64_t number = call->args[0];
    int error;

    if (!claim_pin(call->process, number, PIN_HELD))
        return -EINVAL;
    error = ward_space_unpin(&call->process->pins[number]);
    leave_pin(call->process, number, PIN_FREE);
    return error;
}

/* By a frame of the kernel's. */
static int64_t copy(struct ward_space *to_space, uint64_t to, struct ward_space *from_space,
                    uint64_t from, uint64_t n)
{
    void *bytes = n > PAGE ? NULL : frame_alloc();
    int error;

    if (!bytes)
        return n > PAGE ? -EINVAL : -ENOMEM;
    error = ward_space_read(from_space, from, bytes, n, NULL);
    if (!error)
        error = ward_space_write(to_space, to, bytes, n, NULL);
    frame_drop(bytes);
    return error;
}

int64_t call_peek(const struct call *call)
{
    const uint64_t *a = call->args;
    struct vm *vm = process_vm(a[0]);
    int64_t error = vm ? copy(WARD_HERE, a[2], &vm->remote, a[1], a[3]) : -ESRCH;

    vm_drop(vm);
    return error;
}

int64_t call_poke(const struct call *call)
{
    const uint64_t *a = call->args;
    struct vm *vm = process_vm(a[0]);
    int64_t error = vm ? copy(&vm->remote, a[1], WARD_HERE, a[2], a[3]) : -ESRCH;

    vm_drop(vm);
    return error;
}

/* --- The machine
 * -------------------------------------------------------------------------------------- */

int64_t call_yield(const struct call *call)
{
    (void)call;
    sched_yield();
    return 0;
}

int64_t call_clock(const struct call *call)
{
    uint64_t now = arch_clock();

    return ward_u64_write(WARD_HERE, ward_u64_out_at(call->args[0]), &now, NULL);
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

int64_t call_info(const struct call *call)
{
    struct info info = {
        .frames = frames_in_use(),
        .blocks = heap_in_use(),
        .shootdowns = load(&shootdowns),
        .ticks = load(&ticks),
        .samples = load(&samples),
        .window_hits = load(&window_hits),
        .written = load(&bytes_written),
    };

    processes_count(&info.processes, &info.threads);
    return call->args[1] > PAGE ? -E2BIG
                                : uinfo_write_versioned(WARD_HERE, uinfo_out_at(call->args[0]),
                                                        call->args[1], &info, NULL);
}
