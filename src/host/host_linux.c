/* SPDX-License-Identifier: MIT */
/*
 * ward/host.h for Linux, by raw system calls: errno is never touched, and no call to the system can
 * be replaced by what a program interposes on libc. One function of libc's is used, getauxval, for
 * the page size: who interposes that one is believed.
 *
 * Optional features are probed by using them. A kernel without one, and a seccomp filter in front
 * of one that has it, answer ENOSYS, EINVAL or EPERM; all of these become -ENOTSUP where the call
 * could not fail for another reason.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <ward/host.h>

#include "core/seed.h"
#include "core/wipe.h"
#include "host/signals.h"

#if defined(__x86_64__)
#include "../arch/x86_64/syscall.h"
#elif defined(__aarch64__)
#include "../arch/aarch64/syscall.h"
#elif defined(__riscv) && __riscv_xlen == 64
#include "../arch/riscv64/syscall.h"
#else
#error "ward knows x86_64, aarch64 and riscv64"
#endif

/* What older headers lack. The numbers are the same on every architecture ward knows. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef PKEY_DISABLE_ACCESS
#define PKEY_DISABLE_ACCESS 1
#endif

/* The kernel's own signal set and action: libc's are larger and laid out differently. */
enum { KERNEL_SIGSET_BYTES = 8, KERNEL_SIGACTION_BYTES = 32 };

static long call(long number, uintptr_t a, uintptr_t b, uintptr_t c)
{
    return ward_syscall_(number, (long)a, (long)b, (long)c, 0, 0, 0);
}

/* An answer of a call that can only mean "not here" when it says EINVAL or ENOSYS. */
static int optional(long answer)
{
    if (answer == -ENOSYS || answer == -EINVAL || answer == -EOPNOTSUPP)
        return -ENOTSUP;
    return answer < 0 ? (int)answer : 0;
}

/* The same for calls of their own number, which old seccomp filters answer with EPERM. */
static int optional_call(long answer)
{
    return answer == -EPERM ? -ENOTSUP : optional(answer);
}

size_t ward_host_page_size(void)
{
    return (size_t)getauxval(AT_PAGESZ);
}

/* --- Mappings --------------------------------------------------------------------------------- */

static int linux_prot(unsigned prot)
{
    return (prot & WARD_READ ? PROT_READ : 0) | (prot & WARD_WRITE ? PROT_WRITE : 0) |
           (prot & WARD_EXEC ? PROT_EXEC : 0);
}

/* The flags of mmap for a kind. A pool page that was not reserved would be a SIGBUS at its first
 * touch, so MAP_NORESERVE is for ordinary memory only. */
static int linux_flags(enum ward_host_memory kind, size_t huge_bytes)
{
    if (kind == WARD_HOST_SECRET)
        return MAP_SHARED;
    if (kind == WARD_HOST_HUGE)
        return MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
               (int)((unsigned)__builtin_ctzll(huge_bytes) << MAP_HUGE_SHIFT);
    return MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
}

/* An open descriptor of len bytes of secret memory, or a negative error number. */
static int open_secret(size_t len)
{
    long fd = call(SYS_memfd_secret, O_CLOEXEC, 0, 0);
    long sized;

    if (fd == -EMFILE || fd == -ENFILE) /* beyond a limit, like one for memory */
        return -ENOMEM;
    if (fd < 0)
        return optional_call(fd);
    sized = call(SYS_ftruncate, (uintptr_t)fd, len, 0);
    if (sized < 0)
        (void)call(SYS_close, (uintptr_t)fd, 0, 0);
    return sized < 0 ? (int)sized : (int)fd;
}

/* What a failed mmap means in the words of host.h. EAGAIN: beyond RLIMIT_MEMLOCK (secret memory,
 * mlockall(MCL_FUTURE)). EINVAL cannot be about our arguments: valgrind's way to say "no room". */
static int map_error(long answer, enum ward_host_memory kind)
{
    if (answer == -EEXIST)
        return -EBUSY;
    if (answer == -EAGAIN || (answer == -EINVAL && kind == WARD_HOST_ANON))
        return -ENOMEM;
    return kind == WARD_HOST_ANON ? (int)answer : optional(answer);
}

/* Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint: look where the mapping came to lie. */
static int map_fd(void **at, size_t len, enum ward_host_memory kind, unsigned prot, int flags,
                  int fd)
{
    void *wanted = *at;
    long got = ward_syscall_(SYS_mmap, (long)wanted, (long)len, linux_prot(prot),
                             flags | (wanted ? MAP_FIXED_NOREPLACE : 0), fd, 0);

    *at = NULL;
    if (got < 0 && got > -4096)
        return map_error(got, kind);
    if (wanted && (void *)got != wanted) {
        (void)call(SYS_munmap, (uintptr_t)got, len, 0);
        return -EBUSY;
    }
    *at = (void *)got;
    return 0;
}

int ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                  size_t huge_bytes)
{
    int fd = kind == WARD_HOST_SECRET ? open_secret(len) : -1;
    int error;

    if (kind == WARD_HOST_SECRET && fd < 0) {
        *at = NULL;
        return fd;
    }
    error = map_fd(at, len, kind, prot, linux_flags(kind, huge_bytes), fd);
    if (fd >= 0)
        (void)call(SYS_close, (uintptr_t)fd, 0, 0);
    return error;
}

int ward_host_unmap(void *at, size_t len)
{
    return (int)call(SYS_munmap, (uintptr_t)at, len, 0);
}

static long remap(void *at, size_t len, size_t new_len, int flags, void *to)
{
    return ward_syscall_(SYS_mremap, (long)at, (long)len, (long)new_len, flags, (long)to, 0);
}

/* Can [at, at + len) be moved? Asked by growing it where it is: that takes the same mapping, and
 * fails, for what is behind is in use or, part of the same mapping, not its end. */
static int can_move(void *at, size_t len)
{
    size_t page = ward_host_page_size();
    long answer = remap(at, len, len + page, 0, NULL);

    if (answer == -ENOMEM || answer == -EAGAIN) /* the latter: beyond RLIMIT_MEMLOCK */
        return 0;
    if (answer < 0)
        return optional(answer);
    return ward_host_unmap((unsigned char *)at + len, page);
}

/* The kernel unmaps what it replaces before it looks whether it can move what is to go there. Until
 * that is mapped again, another thread may have got the addresses. */
int ward_host_move(void *at, size_t len, void *to, size_t to_len)
{
    void *again = to;
    int error = can_move(at, len);
    long moved;

    if (error)
        return error;
    moved = remap(at, len, to_len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (moved >= 0 || moved <= -4096)
        return 0;
    error = map_fd(&again, to_len, WARD_HOST_ANON, WARD_RW, linux_flags(WARD_HOST_ANON, 0), -1);
    return error ? -EBUSY : (int)moved;
}

/* --- The key ---------------------------------------------------------------------------------- */

static _Atomic int key_word = -1; /* the process's key once there is one; never goes back */

/* The kernel answers ENOSPC both without the hardware and when all keys are taken. */
static int allocate_key(void)
{
    long key;

    if (!ward_cpu_has_keys_())
        return -ENOTSUP;
    key = call(SYS_pkey_alloc, 0, PKEY_DISABLE_ACCESS, 0);
    return key < 0 ? optional_call(key) : (int)key;
}

int ward_host_key(void)
{
    int known = atomic_load_explicit(&key_word, memory_order_acquire);
    int made;

    if (known >= 0)
        return known;
    made = allocate_key();
    if (made < 0 || atomic_compare_exchange_strong(&key_word, &known, made))
        return made;
    (void)call(SYS_pkey_free, (uintptr_t)made, 0, 0); /* another thread was first */
    return known;
}

/* mprotect keeps the key a range has, so once there is a key, taking it off needs pkey_mprotect
 * with key 0, which every process has. */
int ward_host_protect(void *at, size_t len, unsigned prot)
{
    int key = prot & WARD_KEYED ? ward_host_key() : 0;

    if (key < 0)
        return key;
    if (prot & WARD_HOST_KEEP_KEY ||
        (key == 0 && atomic_load_explicit(&key_word, memory_order_acquire) < 0))
        return (int)call(SYS_mprotect, (uintptr_t)at, len, (uintptr_t)linux_prot(prot));
    return (int)ward_syscall_(SYS_pkey_mprotect, (long)at, (long)len, linux_prot(prot), key, 0, 0);
}

/* --- Advice ----------------------------------------------------------------------------------- */

static int linux_advice(enum ward_host_advice advice)
{
    switch (advice) {
    case WARD_HOST_RELEASE: return MADV_DONTNEED;
    case WARD_HOST_GUARD: return MADV_GUARD_INSTALL;
    case WARD_HOST_UNGUARD: return MADV_GUARD_REMOVE;
    case WARD_HOST_POPULATE: return MADV_POPULATE_WRITE;
    case WARD_HOST_HUGE_ON: return MADV_HUGEPAGE;
    case WARD_HOST_HUGE_OFF: return MADV_NOHUGEPAGE;
    case WARD_HOST_NO_DUMP: return MADV_DONTDUMP;
    case WARD_HOST_WIPE_ON_FORK: return MADV_WIPEONFORK;
    case WARD_HOST_ABSENT_ON_FORK: return MADV_DONTFORK;
    case WARD_HOST_LOCK:
    case WARD_HOST_UNLOCK:
    case WARD_HOST_SEAL: break;
    }
    return -1;
}

static long madvise_range(void *at, size_t len, int advice)
{
    return call(SYS_madvise, (uintptr_t)at, len, (uintptr_t)advice);
}

/* A kernel refuses advice that it does not know. An emulator of one (qemu-user) may agree to any,
 * and do nothing: from it only what is harmless to miss is believed. */
static bool agrees_to_anything(void)
{
    enum { NOT_ASKED, REFUSES, AGREES, NO_ADVICE = 12345 };
    static _Atomic int known = NOT_ASKED;
    int found = atomic_load_explicit(&known, memory_order_relaxed);

    if (found == NOT_ASKED) {
        found = madvise_range(NULL, 0, NO_ADVICE) == 0 ? AGREES : REFUSES;
        atomic_store_explicit(&known, found, memory_order_relaxed);
    }
    return found == AGREES;
}

/* Advice that something relies on. */
static long madvise_in_earnest(void *at, size_t len, int advice)
{
    return agrees_to_anything() ? -EINVAL : madvise_range(at, len, advice);
}

static bool is_relied_on(enum ward_host_advice advice)
{
    return advice == WARD_HOST_GUARD || advice == WARD_HOST_UNGUARD ||
           advice == WARD_HOST_WIPE_ON_FORK || advice == WARD_HOST_ABSENT_ON_FORK;
}

/* Locked pages want to be named as such: MADV_DONTNEED answers EINVAL for them. */
static long release_range(void *at, size_t len)
{
    long answer = madvise_range(at, len, MADV_DONTNEED);

    return answer == -EINVAL ? madvise_range(at, len, MADV_DONTNEED_LOCKED) : answer;
}

/* Secret memory cannot be populated by advice, as the kernel reaches it at the process's own
 * addresses only; and kernels before 5.14 know no such advice. A futex operation that ors nothing
 * into a word of a page faults it in, and answers what an access would be killed for: some kernels
 * charge secret memory against the limit when it is touched, not when it is mapped. */
static int touch_range(unsigned char *at, size_t len)
{
    const unsigned or_nothing = (unsigned)FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);
    uint32_t nobody = 0;

    for (size_t done = 0; done < len; done += ward_host_page_size()) {
        long answer = ward_syscall_(SYS_futex, (long)&nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0,
                                    0, (long)(at + done), (long)or_nothing);

        if (answer < 0)
            return answer == -EFAULT ? -ENOMEM : optional_call(answer);
    }
    return 0;
}

static int populate_range(void *at, size_t len)
{
    long answer = madvise_in_earnest(at, len, MADV_POPULATE_WRITE);

    if (answer == -EINVAL || answer == -EFAULT)
        return touch_range((unsigned char *)at, len);
    return optional(answer);
}

static int lock_range(void *at, size_t len)
{
    long answer = call(SYS_mlock, (uintptr_t)at, len, 0);

    return answer == -EAGAIN ? -ENOMEM : (int)answer;
}

int ward_host_advise(void *at, size_t len, enum ward_host_advice advice)
{
    if (advice == WARD_HOST_LOCK)
        return lock_range(at, len);
    if (advice == WARD_HOST_UNLOCK)
        return (int)call(SYS_munlock, (uintptr_t)at, len, 0);
    if (advice == WARD_HOST_SEAL)
        return optional_call(call(SYS_mseal, (uintptr_t)at, len, 0));
    if (advice == WARD_HOST_POPULATE)
        return populate_range(at, len);
    if (advice == WARD_HOST_RELEASE)
        return optional(release_range(at, len));
    if (is_relied_on(advice))
        return optional(madvise_in_earnest(at, len, linux_advice(advice)));
    return optional(madvise_range(at, len, linux_advice(advice)));
}

/* --- Limits ----------------------------------------------------------------------------------- */

/* Up to cap bytes of a small file. The count, or a negative error number. */
static long read_file(const char *path, char *text, size_t cap)
{
    long fd = ward_syscall_(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    long got;

    if (fd < 0)
        return fd;
    do
        got = call(SYS_read, (uintptr_t)fd, (uintptr_t)text, cap);
    while (got == -EINTR);
    (void)call(SYS_close, (uintptr_t)fd, 0, 0);
    return got;
}

/* The decimal number text starts with; 0 if with none. */
static size_t parse_count(const char *text, long len)
{
    size_t count = 0;

    for (long i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        count = count * 10 + (size_t)(text[i] - '0');
    return count;
}

/* Half of what the kernel allows a process: the other half is the program's. */
size_t ward_host_split_budget(void)
{
    static _Atomic size_t known;
    size_t budget = atomic_load_explicit(&known, memory_order_relaxed);
    char text[16] = { 0 };

    if (budget == 0) {
        budget = parse_count(text, read_file("/proc/sys/vm/max_map_count", text, sizeof text)) / 2;
        budget = budget > 0 ? budget : 65530 / 2; /* the kernel's own default */
        atomic_store_explicit(&known, budget, memory_order_relaxed);
    }
    return budget;
}

/* --- The fork word ---------------------------------------------------------------------------- */

/*
 * The fork word stands alone in a page that the kernel wipes in a child: 0 there means "forked".
 *
 * Where the kernel knows no WIPEONFORK (before 4.14, or qemu-user) it is an ordinary word whose
 * low half is the process id it was made for, and ward_host_fork_epoch compares. That is weaker:
 * readers of the word notice a fork only after the child called ward_host_fork_epoch, and a child
 * that got the id of an ancestor (a new pid namespace) is taken for it.
 */
static uint64_t plain_word;
static uint64_t *_Atomic fork_word; /* what it points to is accessed atomically too */

/* What random bytes come from when a filter forbids to ask for more. A child needs it, so it has a
 * page to itself behind that of the word. */
static struct ward_seed_ plain_seed;

static struct ward_seed_ *seed_of(uint64_t *word)
{
    unsigned char *at = (unsigned char *)word;

    return word == &plain_word ? &plain_seed : (void *)(at + ward_host_page_size());
}

/* Inaccessible on each side of the two pages, as everywhere; a multiple of every page size. */
#define WORD_GUARD_BYTES ((size_t)65536)

static size_t word_mapping_bytes(void)
{
    return 2 * ward_host_page_size() + 2 * WORD_GUARD_BYTES;
}

static void unmap_word(uint64_t *word)
{
    (void)call(SYS_munmap, (uintptr_t)word - WORD_GUARD_BYTES, word_mapping_bytes(), 0);
}

/* Two fresh pages between guards, the first wiped in a child; NULL if there are none to be had. */
static uint64_t *map_wiped_word(void)
{
    size_t page = ward_host_page_size();
    void *origin = NULL;
    unsigned char *at;

    if (ward_host_map(&origin, word_mapping_bytes(), WARD_HOST_ANON, WARD_NONE, 0))
        return NULL;
    at = (unsigned char *)origin + WORD_GUARD_BYTES;
    if (ward_host_protect(at, 2 * page, WARD_RW) || madvise_in_earnest(at, page, MADV_WIPEONFORK)) {
        (void)call(SYS_munmap, (uintptr_t)origin, word_mapping_bytes(), 0);
        return NULL;
    }
    return (void *)at;
}

/* Two threads may race for the first use: the loser gives its page back. */
static uint64_t *get_fork_word(void)
{
    uint64_t *known = atomic_load_explicit(&fork_word, memory_order_acquire);
    uint64_t *made;

    if (known)
        return known;
    made = map_wiped_word();
    made = made ? made : &plain_word;
    if (atomic_compare_exchange_strong(&fork_word, &known, made))
        return made;
    if (made != &plain_word)
        unmap_word(made);
    return known;
}

const volatile uint64_t *ward_host_fork_word(void)
{
    return get_fork_word();
}

/* --- Randomness ------------------------------------------------------------------------------- */

/* A fork copies the seed. What tells the copies apart is the process, and the time: of two children
 * that had the same number one after the other. */
struct origin {
    uint64_t nanoseconds, process;
    uint64_t value; /* of the fork word when they were asked for; another one: they do not count */
};

static struct origin ask_origin(uint64_t value)
{
    int64_t now[2] = { 0, 0 }; /* seconds, nanoseconds */

    (void)call(SYS_clock_gettime, CLOCK_MONOTONIC, (uintptr_t)now, 0);
    return (struct origin){ (uint64_t)now[0] * 1000000000 + (uint64_t)now[1],
                            (uint64_t)call(SYS_getpid, 0, 0, 0), value };
}

/* Asked for once for each value of the fork word, behind which it stands, since a filter that
 * refuses random bytes may end a process for asking these. In a child whose fork cut this off it is
 * the parent's origin that is kept here, but not for a value that the child has. Threads that race
 * store different times: each is one of this process. */
static struct origin origin_of(uint64_t *word)
{
    struct origin *kept = (void *)(word + 1), origin;
    uint64_t value = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    if (word == &plain_word || value == 0)
        return ask_origin(value);
    origin.value = __atomic_load_n(&kept->value, __ATOMIC_ACQUIRE);
    origin.process = __atomic_load_n(&kept->process, __ATOMIC_RELAXED);
    origin.nanoseconds = __atomic_load_n(&kept->nanoseconds, __ATOMIC_RELAXED);
    if (origin.value == value)
        return origin;
    origin = ask_origin(value);
    __atomic_store_n(&kept->nanoseconds, origin.nanoseconds, __ATOMIC_RELAXED);
    __atomic_store_n(&kept->process, origin.process, __ATOMIC_RELAXED);
    __atomic_store_n(&kept->value, value, __ATOMIC_RELEASE);
    return origin;
}

static bool draw_from_seed(void *bytes, size_t len)
{
    uint64_t *word = atomic_load_explicit(&fork_word, memory_order_acquire);
    struct origin origin;
    uint32_t nonce[3];

    if (!word)
        return false;
    origin = origin_of(word);
    nonce[0] = (uint32_t)origin.nanoseconds;
    nonce[1] = (uint32_t)(origin.nanoseconds >> 32);
    nonce[2] = (uint32_t)origin.process;
    return ward_seed_draw_(seed_of(word), nonce, bytes, len);
}

int ward_host_random(void *bytes, size_t len)
{
    unsigned char *at = bytes;
    size_t done = 0;

    while (done < len) {
        long got = call(SYS_getrandom, (uintptr_t)(at + done), len - done, 0);

        if (got < 0 && got != -EINTR)
            return got != -EFAULT && draw_from_seed(at + done, len - done) ? 0 : optional(got);
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* --- The epoch -------------------------------------------------------------------------------- */

/* A word nobody has seen, never 0; and the seed is refreshed while that can be done. No source of
 * randomness at all: going on would repeat secrets. */
static uint64_t new_word(uint64_t *word)
{
    struct {
        uint64_t value;
        uint32_t seed[WARD_SEED_WORDS];
    } fresh = { 0 };
    uint64_t value;

    do
        if (ward_host_random(&fresh, sizeof fresh))
            ward_host_die("", 0);
    while (fresh.value == 0);
    ward_seed_add_(seed_of(word), fresh.seed);
    value = fresh.value;
    ward_wipe_(&fresh, sizeof fresh);
    if (word == &plain_word)
        value = value << 32 | (uint32_t)call(SYS_getpid, 0, 0, 0);
    return value;
}

static bool is_current(uint64_t value, bool plain)
{
    return value != 0 && (!plain || (uint32_t)value == (uint32_t)call(SYS_getpid, 0, 0, 0));
}

uint64_t ward_host_fork_epoch(void)
{
    uint64_t *word = get_fork_word();
    bool plain = word == &plain_word;
    uint64_t value = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    while (!is_current(value, plain)) {
        uint64_t made = new_word(word);

        if (__atomic_compare_exchange_n(word, &value, made, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            value = made;
        (void)origin_of(word); /* while it may be asked for */
    }
    return value;
}

/* --- Threads ---------------------------------------------------------------------------------- */

/* Within the reach of a fixed offset, so that reading it never makes the dynamic linker allocate:
 * it is asked for in signal handlers. */
static _Thread_local struct ward_host_thread_state thread
    __attribute__((tls_model("initial-exec")));

struct ward_host_thread_state *ward_host_thread(void)
{
    return &thread;
}

void ward_host_wait(const uint32_t *word, uint32_t value)
{
    (void)ward_syscall_(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, (long)value, 0, 0, 0);
}

void ward_host_wake(const uint32_t *word)
{
    (void)ward_syscall_(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* --- The end ---------------------------------------------------------------------------------- */

void ward_host_write(const char *text, size_t len)
{
    uint64_t mask = ward_signals_block_();

    ward_signals_restore_(mask, !ward_signals_write_(2, text, len));
}

/* A handler of the program's could return or jump away: the default action cannot. Whatever stops
 * the signal is met by a trap, and then by the end of the process. */
void ward_host_die(const char *text, size_t len)
{
    uint64_t abort_only = (uint64_t)1 << (SIGABRT - 1);
    uint64_t action[KERNEL_SIGACTION_BYTES / 8] = { 0 }; /* all zero: SIG_DFL, no flags */

    (void)ward_signals_block_();
    (void)ward_signals_write_(2, text, len);
    (void)ward_syscall_(SYS_rt_sigaction, SIGABRT, (long)action, 0, KERNEL_SIGSET_BYTES, 0, 0);
    (void)ward_syscall_(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&abort_only, 0, KERNEL_SIGSET_BYTES,
                        0, 0);
    (void)call(SYS_tgkill, (uintptr_t)call(SYS_getpid, 0, 0, 0),
               (uintptr_t)call(SYS_gettid, 0, 0, 0), SIGABRT);
    ward_cpu_trap_();
    for (;;)
        (void)call(SYS_exit_group, 134, 0, 0);
}
