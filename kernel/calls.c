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

void call_lock(struct lock *lock)
{
    lock_take(lock);
    ward_nofault_begin();
}

void call_unlock(struct lock *lock)
{
    ward_nofault_end();
    lock_drop(lock);
}

int call_retry(int error, uint64_t addr, unsigned access, struct lock *lock)
{
    if (error != -EFAULT)
        return error;
    call_unlock(lock);
    error = is_killed() ? -EINTR : ward_space_populate(WARD_HERE, addr, 1, access, NULL);
    call_lock(lock);
    return error ? error : -EAGAIN;
}

/* --- Memory ----------------------------------------------------------------------------------- */

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

static struct lock pinning; /* one at a time makes or ends a pin */

/* The number goes to the user before anybody else can end or take that pin. */
int64_t call_pin(const struct call *call)
{
    const uint64_t *a = call->args;
    struct ward_pin *pins = call->process->pins;
    int error = -EAGAIN;

    if (a[2] > WARD_RW)
        return -EINVAL;
    call_lock(&pinning);
    while (error == -EAGAIN) {
        int32_t n = 0;

        while (n < PINS && pins[n].space)
            n++;
        error = n == PINS ? -ENOSPC
                          : ward_space_pin(WARD_HERE, a[0], a[1], (unsigned)a[2], &pins[n], NULL);
        if (error)
            break;
        error = ward_i32_write(WARD_HERE, ward_i32_out_at(a[3]), &n, NULL);
        if (error)
            (void)ward_space_unpin(&pins[n]);
        error = call_retry(error, a[3], WARD_WRITE, &pinning);
    }
    call_unlock(&pinning);
    return error;
}

int64_t call_unpin(const struct call *call)
{
    int error = -EINVAL;

    lock_take(&pinning);
    if (call->args[0] < PINS)
        error = ward_space_unpin(&call->process->pins[call->args[0]]);
    lock_drop(&pinning);
    return error;
}

/* By a frame of the kernel's. */
static int64_t copy(const struct call *call, bool poke)
{
    const uint64_t *a = call->args;
    struct vm *vm = process_vm(a[0]);
    void *bytes = vm && a[3] <= PAGE ? frame_alloc() : NULL;
    int64_t error = !vm ? -ESRCH : a[3] > PAGE ? -EINVAL : !bytes ? -ENOMEM : 0;

    if (!error)
        error = poke ? ward_space_read(WARD_HERE, a[2], bytes, a[3], NULL)
                     : ward_space_read(&vm->remote, a[1], bytes, a[3], NULL);
    if (!error)
        error = poke ? ward_space_write(&vm->remote, a[1], bytes, a[3], NULL)
                     : ward_space_write(WARD_HERE, a[2], bytes, a[3], NULL);
    if (bytes)
        frame_drop(bytes);
    vm_drop(vm);
    return error;
}

int64_t call_peek(const struct call *call)
{
    return copy(call, false);
}

int64_t call_poke(const struct call *call)
{
    return copy(call, true);
}

/* --- The machine ------------------------------------------------------------------------------ */

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

int64_t call_info(const struct call *call)
{
    struct info info;

    for (size_t i = 0; i < sizeof info / sizeof(uint64_t); i++)
        ((uint64_t *)&info)[i] = __atomic_load_n((uint64_t *)&events + i, __ATOMIC_RELAXED);
    info.frames = frames_in_use();
    info.blocks = heap_in_use(KINDS);
    info.processes = heap_in_use(PROCESSES);
    info.threads = heap_in_use(THREADS);
    return call->args[1] > PAGE ? -E2BIG
                                : uinfo_write_versioned(WARD_HERE, uinfo_out_at(call->args[0]),
                                                        call->args[1], &info, NULL);
}
