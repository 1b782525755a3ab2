/* SPDX-License-Identifier: MIT */
/*
 * Threads on CPUs. One lock is for all queues and states; it is held over a switch, and dropped by
 * whoever the CPU goes on with. A thread that is switched away from is another CPU's from that
 * moment, which is why the one that died is buried by its successor.
 */
#include "kernel.h"

struct cpu cpus[CPUS];

static struct lock sched;
static struct thread *ready_first, *ready_last, *sleepers;

static void enqueue(struct thread *thread)
{
    thread->state = READY;
    thread->next = NULL;
    if (ready_first)
        ready_last->next = thread;
    else
        ready_first = thread;
    ready_last = thread;
    for (unsigned id = 0; id < CPUS; id++)
        if (cpus[id].idle && id != current()->cpu->id)
            arch_ipi(id);
}

static struct thread *dequeue(void)
{
    struct thread *thread = ready_first;

    if (thread)
        ready_first = thread->next;
    return thread;
}

void sched_use(struct vm *vm)
{
    bool on = arch_irq_off();
    struct cpu *cpu = current()->cpu;

    if (cpu->vm != vm) {
        __atomic_store_n(&cpu->vm, vm, __ATOMIC_SEQ_CST);
        arch_root_load(vm ? vm->root : kernel_root);
    }
    arch_irq_restore(on);
}

/* On the stack of whoever goes on, with sched's lock. */
static void arrive(void)
{
    struct cpu *cpu = current()->cpu;
    struct thread *dead = cpu->previous;

    cpu->previous = NULL;
    if (dead && dead->state != DEAD)
        dead = NULL;
    lock_drop(&sched);
    if (dead)
        thread_bury(dead);
}

/* To the next that is ready, or the CPU's own thread if this one cannot go on. The lock is dropped.
 */
static void leave(void)
{
    struct thread *me = current(), *next = dequeue();
    struct cpu *cpu = me->cpu;
    bool on = cpu->irq_was_on;

    if (!next)
        next = me->state == RUNNING ? me : cpu->boot;
    if (next != me) {
        next->state = RUNNING;
        next->cpu = cpu;
        cpu->previous = me;
        sched_use(next->process ? next->process->vm : NULL);
        arch_switch(me, next);
        current()->cpu->irq_was_on = on;
    }
    arrive();
}

static void start(void)
{
    struct thread *me = current();

    me->cpu->irq_was_on = true;
    arrive();
    arch_user_enter(thread_frame(me));
}

void sched_start(struct thread *thread)
{
    arch_thread_init(thread, thread->stack, STACK_BYTES, start);
    lock_take(&sched);
    enqueue(thread);
    lock_drop(&sched);
}

/* A boot thread is in no queue: if it gave way in the midst of a burial, that would end when the
 * CPU has nothing else to do. It looks for others by itself. */
void sched_yield(void)
{
    struct thread *me = current();

    me->expired = false;
    if (me == me->cpu->boot)
        return;
    lock_take(&sched);
    if (ready_first)
        enqueue(me);
    leave();
}

void sched_exit(void)
{
    lock_take(&sched);
    current()->state = DEAD;
    leave();
    panic("a dead thread goes on");
}

bool sched_sleep(const void *channel, uint64_t key, struct lock *lock)
{
    struct thread *me = current();
    bool killed;

    lock_take(&sched);
    lock_drop(lock);
    killed = is_killed();
    if (killed)
        lock_drop(&sched);
    else {
        me->state = SLEEPING;
        me->channel = channel;
        me->key = key;
        me->next = sleepers;
        sleepers = me;
        leave();
    }
    lock_take(lock);
    return !killed;
}

unsigned sched_wake(const void *channel, uint64_t key, unsigned count)
{
    struct thread **at = &sleepers, *thread;
    unsigned woken = 0;

    lock_take(&sched);
    while ((thread = *at) != NULL && woken < count) {
        bool wanted = thread->channel == channel && thread->key == key;

        if (!wanted && thread->process != channel) {
            at = &thread->next;
            continue;
        }
        *at = thread->next;
        enqueue(thread);
        woken++;
    }
    lock_drop(&sched);
    return woken;
}

/* The boot thread of each CPU, when it has started everything. */
void sched_idle(void)
{
    struct cpu *cpu = current()->cpu;

    for (;;) {
        lock_take(&sched);
        cpu->idle = !ready_first;
        if (ready_first) {
            leave();
            continue;
        }
        lock_drop(&sched);
        (void)arch_irq_off();
        if (ready_first)
            arch_irq_restore(true);
        else
            arch_wait();
    }
}
