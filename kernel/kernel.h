/* SPDX-License-Identifier: MIT */
/*
 * kernel/kernel.h: the parts of the kernel, and what they ask of each other. docs/kernel.md tells
 * the story.
 *
 * Locks spin, with interrupts off; who waits for one serves shootdowns meanwhile. They are taken in
 * this order, and none is held across an access to user memory, but by no-fault accesses:
 *
 *     futex, pipe, pins -> space -> files, processes -> sched -> heap -> host.c -> frames
 *         -> console
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <ward/host.h>
#include <ward/iov.h>
#include <ward/pin.h>
#include <ward/space.h>

#include "abi.h"
#include "arch.h"

enum {
    PAGE = 4096,
    LARGE = 2 << 20,
    CPUS = KERNEL_CPUS,
    STACK_BYTES = 16384,
    FILES = 16,
    PINS = 4,
    PATH_BYTES = 64,
};

#define USER_END ((uint64_t)1 << USER_BITS)

/* --- locks (lock.c) --------------------------------------------------------------------------- */

struct lock {
    uint32_t held; /* 0, or the number of the CPU and 1 */
};

void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

/* --- the console, and the end (console.c) ----------------------------------------------------- */

/* %s, %u, %x of a uint64_t, %p the same with 0x. Whole lines of one CPU stay together. */
void print(const char *format, ...);
void print_bytes(const char *text, size_t n);
__attribute__((noreturn)) void panic(const char *format, ...);

/* --- frames (frames.c): a ward slab over physical memory -------------------------------------- */

/* Physical pages, by their direct address. Each has a count of who uses it and a count of pins;
 * that is kept with the slab's metadata, not in them. Only a frame that is one space's alone is
 * pinned, so whoever finds a pinned frame in a table of his is who pinned it. */
void frames_init(uint64_t first, uint64_t end); /* physical */
void *frame_alloc(void);                        /* zeroed, one use; NULL: none left */
bool frame_share(void *frame);                  /* another use; false: pinned, or too many */
void frame_drop(void *frame);                   /* the last use frees it */
bool frame_is_shared(const void *frame);        /* used by others, not only pinned */
bool frame_is_pinned(const void *frame);
bool frame_pin(void *frame); /* keeps it, as a use does; false: too many */
void frame_unpin(void *frame);
uint64_t frames_in_use(void);

static inline void *direct(uint64_t pa)
{
    return (void *)(uintptr_t)(DIRECT_BASE + pa);
}

static inline uint64_t physical(const void *frame)
{
    return (uint64_t)(uintptr_t)frame - DIRECT_BASE;
}

/* --- page tables (tables.c) ------------------------------------------------------------------- */

extern uint64_t kernel_root; /* physical */

/* Whoever walks, a processor or another CPU's code, finds behind an entry what was written before
 * it. */
static inline void entry_set(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static inline uint64_t entry_get(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

void tables_init(void);
/* The entry of a page; make: with tables on the way, NULL when there is no frame. */
uint64_t *tables_walk(uint64_t root, uint64_t va, bool make);
/* The first entry of the user half that is not empty, at *va or behind, which then is its address;
 * NULL: none before end. Steps over whole tables that are not there: what a range costs is what is
 * in it. */
uint64_t *tables_next(uint64_t root, uint64_t *va, uint64_t end);
/* Maps a range of the kernel half; PAGE_LARGE where it fits. */
void tables_map(uint64_t va, uint64_t pa, uint64_t n, unsigned flags);
uint64_t tables_make(void); /* a root for a process; 0: no frame */
/* Frees all of the user half, its pages too. */
void tables_free(uint64_t root);

/* --- the heap (heap.c): a ward slab per kind -------------------------------------------------- */

enum kind { THREADS, STACKS, PROCESSES, SPACES, AREAS, FILE_BLOCKS, PIPES, KINDS };

void heap_init(void);
void *heap_alloc(enum kind kind); /* zeroed, but for stacks; NULL: none left */
void heap_free(enum kind kind, void *block);
uint64_t heap_in_use(enum kind kind); /* blocks; KINDS: of all kinds */

/* --- address spaces (vm.c), and the provider of the gates for them (provider.c) --------------- */

struct area {
    struct area *next;
    uint64_t first, end;
    unsigned prot;
};

/* `here` is for its own threads; `remote` for all others, and needs not be the one in use. */
struct vm {
    struct ward_space here, remote;
    struct lock lock;   /* of all below, and of the user half of the tables */
    struct area *areas; /* sorted, apart from each other */
    uint64_t root;
    uint64_t brk_first, brk;
    uint32_t refs; /* atomic */
};

enum {
    VM_GONE = 8,   /* as a protection: unmapped */
    VM_ALONE = 16, /* with an access: the page is this space's alone, and writable if it may be */
};

struct vm *vm_make(void);
void vm_drop(struct vm *vm);
/* *at: where, or 0. What was there goes. 0, -EINVAL, -ENOMEM, -EBUSY: some of it is pinned. */
int vm_map(struct vm *vm, uint64_t *at, uint64_t n, unsigned prot);
/* Protects a range, all of which must be mapped (-ENOMEM), or unmaps it. Other errors as above. */
int vm_change(struct vm *vm, uint64_t at, uint64_t n, unsigned prot);
/* Moves the end of the program's data to the page behind `end`; 0: nowhere. The end, -EINVAL, or
 * -ENOMEM: something else is there. */
int64_t vm_brk(struct vm *vm, uint64_t end);
struct vm *vm_fork(struct vm *parent);
/* Brings the page of addr in for this access. 0, or the kind of fault it is. */
unsigned vm_fault(struct vm *vm, uint64_t addr, unsigned access);

/* With the lock held: */
/* Do areas from *at to end allow the access? 0, or the kind of fault at *at. */
unsigned vm_check(struct vm *vm, uint64_t *at, uint64_t end, unsigned access);
/* *frame: the page's, allowed for the access, with accessed and dirty set. */
unsigned vm_page(struct vm *vm, uint64_t addr, unsigned access, void **frame);
/* Code was written to a frame: all CPUs fetch it anew. */
void vm_sync_code(struct vm *vm, const void *frame);

/* Returns when no CPU has an old translation of the space's pages, or instructions from them. NULL:
 * of anything. */
void vm_flush(struct vm *vm);

void provider_init(struct vm *vm);

void shootdown_poll(void); /* serves what another CPU asks of this */
extern bool shootdown_wanted;

/* --- threads and CPUs (sched.c) --------------------------------------------------------------- */

enum state { READY, RUNNING, SLEEPING, DEAD };

struct thread {
    struct context context;
    uint64_t stack_top; /* the trap frame lies below; entry.S knows the places of these three */
    void *stack;        /* its lowest address; NULL: of a boot thread, nobody knows */
    uint64_t scratch[2];
    struct cpu *cpu; /* that it runs on */
    struct process *process;
    struct ward_host_thread_state gates;
    enum state state;    /* sched's lock, as the next two */
    struct thread *next; /* in the queue it is in */
    const void *channel; /* what it sleeps on */
    uint64_t key;
    bool expired;      /* it ran long enough */
    int32_t rehearsal; /* a test: what a panic ends the process with, not the machine; or 0 */
};

struct cpu {
    unsigned id, depth; /* depth: locks held */
    bool irq_was_on;    /* before the first of them */
    bool idle;
    bool online; /* atomic: it takes part in shootdowns */
    struct vm *vm;
    struct thread *boot, *previous;
};

extern struct cpu cpus[CPUS];

static inline struct thread *current(void)
{
    return arch_current();
}

/* The user's registers. */
static inline struct trap_frame *thread_frame(const struct thread *thread)
{
    return (struct trap_frame *)thread->stack_top - 1;
}

void sched_start(struct thread *thread);
void sched_yield(void);
void sched_idle(void) __attribute__((noreturn));
void sched_exit(void) __attribute__((noreturn));
/* Sleeps on a channel and key, with the lock dropped meanwhile. False: not at all, as the process
 * is killed. */
bool sched_sleep(const void *channel, uint64_t key, struct lock *lock);
/* How many were woken. All threads of a process, wherever they sleep, if the channel is one. */
unsigned sched_wake(const void *channel, uint64_t key, unsigned count);
void sched_use(struct vm *vm); /* this CPU's tables; NULL: the kernel's */

/* --- processes (process.c, exec.c) ------------------------------------------------------------ */

/* argv and envp, copied: strings one after the other. */
struct strings {
    char *bytes; /* a frame, or NULL: none */
    size_t used;
    unsigned argc, envc;
};

struct process {
    struct process *next, *parent;
    struct vm *vm;
    struct lock lock; /* of files */
    struct file *files[FILES];
    struct ward_pin pins[PINS]; /* calls.c's lock */
    int32_t status;
    uint32_t killed;            /* atomic, as the next */
    const struct thread *alone; /* all others end */
    uint32_t threads; /* processes' lock, as all below; who waits for fewer, or for the end of a
                       * child, sleeps on this */
    bool ended;       /* nothing is left but its status */
    uint64_t pid;
};

void process_start_first(const char *path);
int process_exec(struct vm *vm); /* 0, and it is the process's; -EINTR, and it is dropped */
__attribute__((noreturn)) void process_exit(int32_t status);
void thread_bury(struct thread *thread); /* sched.c: after its last switch */
struct vm *process_vm(uint64_t pid); /* with a use of it; NULL: no such process, or it has ended */
bool is_killed(void);                /* this thread, which ends when it leaves the kernel */

/* A space with a program and the registers to begin it with; or *vm is no more. */
int exec_load(const char *path, const struct strings *strings, struct trap_frame *frame,
              struct vm **vm);

/* --- files (file.c), and the programs in the image (archive.S, made by the build) ------------- */

extern const struct dirent archive[]; /* names and sizes */
extern const unsigned char *const archive_bytes[];
extern const size_t archive_count;
int64_t archive_find(const char *name); /* which one it is; -ENOENT */

struct file *file_get(struct process *process, uint64_t fd); /* with a use; NULL: there is none */
void file_drop(struct file *file);
void file_copy_all(struct process *to, struct process *from);

/* --- system calls: abi.h says what each does -------------------------------------------------- */

struct call {
    uint64_t args[6];
    struct process *process; /* whose thread calls */
    struct file *file;       /* args[0], for those ON_FILE */
};

typedef int64_t call_function(const struct call *call);

#define CALL_FUNCTION(NUMBER, NAME) call_function call_##NAME;
SYSTEM_CALLS(CALL_FUNCTION, CALL_FUNCTION)

int64_t call_answer(uint64_t number, struct call *call);
int64_t call_path(uint64_t at, char path[PATH_BYTES]); /* the path's length, or an error */
/* A lock, with all accesses to user memory no-fault. For the error of one: -EFAULT drops the lock
 * while the page is brought in; -EAGAIN: it is there now, and all else may have changed. */
void call_lock(struct lock *lock);
void call_unlock(struct lock *lock);
int call_retry(int error, uint64_t addr, unsigned access, struct lock *lock);

/* --- the rest --------------------------------------------------------------------------------- */

int64_t bench_run(uint64_t addr);
extern struct info events; /* of what happens: each is added to atomically */

/* On the first CPU, and on another (main.c). first: physical, the memory behind the image. */
struct thread *main_boot_thread(unsigned id);
__attribute__((noreturn)) void main_first(uint64_t first);
__attribute__((noreturn)) void main_other(struct thread *boot);

#endif
