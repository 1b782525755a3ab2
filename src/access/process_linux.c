/* SPDX-License-Identifier: MIT */
/*
 * Everything is asked of the system by number, and afterwards, by descriptors that cannot be given
 * to another process, whether the number still meant the same.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/auxvec.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

#include <ward/process.h>

#include "process.h"
#include "remote.h"
#include "syscall.h"

static long call(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    return ward_syscall_(number, (long)a, (long)b, (long)c, (long)d, 0, 0);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)call(SYS_close, (uintptr_t)fd, 0, 0, 0);
}

/* --- Files of /proc --------------------------------------------------------------------------- */

static char *put_text(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
    *at = '\0';
    return at;
}

static char *put_number(char *at, unsigned number)
{
    char digits[10];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count > 0)
        *at++ = digits[--count];
    *at = '\0';
    return at;
}

/* Opens DIRECTORY/NUMBER/NAME. A descriptor, or a negative error number. */
static int open_proc(const char *directory, int number, const char *name, int flags)
{
    char path[64];

    (void)put_text(put_number(put_text(path, directory), (unsigned)number), name);
    return (int)call(SYS_openat, (uintptr_t)AT_FDCWD, (uintptr_t)path, (uintptr_t)flags | O_CLOEXEC,
                     0);
}

/* --- Is it still the same? -------------------------------------------------------------------- */

/* A pidfd can be read once all of its process has ended. What cannot be asked counts as ended. */
static bool is_alive(int pidfd)
{
    struct pollfd asked = { .fd = pidfd, .events = POLLIN };
    struct timespec at_once = { 0, 0 };

    return pidfd >= 0 && call(SYS_ppoll, (uintptr_t)&asked, 1, (uintptr_t)&at_once, 0) == 0;
}

/* /proc/PID/mem reads nothing when the memory it was opened for is gone. While that is there, it
 * reads the byte, or fails because nobody has a page at address 0. */
static bool has_memory(int mem)
{
    char byte;
    long got = call(SYS_pread64, (uintptr_t)mem, (uintptr_t)&byte, 1, 0);

    return got == 1 || got == -EIO;
}

enum { CODE_FIRST = 26, STACK_LAST = 28, DATA_FIRST = 45, BREAK_LAST = 47 }; /* proc_pid_stat(5) */

/* What layout_of answers in place of a layout: there is no program any more; there is one, and the
 * system does not say where (then the code begins at "1"). */
enum { NONE, HIDDEN };

static bool tells_layout(unsigned field)
{
    return (field >= CODE_FIRST && field <= STACK_LAST) ||
           (field >= DATA_FIRST && field <= BREAK_LAST);
}

/* The fields as one number: FNV-1a. The text begins with the blank before field 3. */
static uint64_t sum_up(const char *text, size_t len)
{
    uint64_t sum = 0;
    bool known = false;

    for (size_t at = 0, field = 2; at < len; at++) {
        field += text[at] == ' ';
        if (field == CODE_FIRST && text[at] == ' ' && at + 3 <= len &&
            __builtin_memcmp(text + at, " 1 ", 3) == 0)
            return HIDDEN;
        if (!tells_layout((unsigned)field))
            continue;
        known |= text[at] >= '1' && text[at] <= '9';
        sum = (sum ^ (unsigned char)text[at]) * UINT64_C(0x100000001b3);
    }
    return known ? sum | 2 : NONE;
}

/* Where the program that the process runs was laid out, as one number: code, stack, data and heap,
 * each at random. The name, in parentheses, may hold anything; nothing behind it holds another
 * parenthesis. */
static uint64_t layout_of(int stat)
{
    char text[1024];
    long len = stat < 0 ? 0 : call(SYS_pread64, (uintptr_t)stat, (uintptr_t)text, sizeof text, 0);
    long at = len;

    while (at > 0 && text[at - 1] != ')')
        at--;
    return at > 0 ? sum_up(text + at, (size_t)(len - at)) : NONE;
}

/* 0: it is. WARD_FAULT_GONE: it is not. WARD_FAULT_FORBIDDEN: it lives, and shows itself no more.
 * This is the slow way, where there is no witness.
 *
 * The memory may outlive an exec, held by somebody else: then the layout tells. The layout may be
 * the same, where it is not random: then the memory does. Both files belong to this process alone,
 * as the pidfd does. */
static unsigned look(const struct ward_process *process)
{
    uint64_t now;

    if (process->mem >= 0 && !has_memory(process->mem))
        return WARD_FAULT_GONE;
    if (process->layout == NONE)
        return is_alive(process->pidfd) ? 0 : WARD_FAULT_GONE;
    now = layout_of(process->stat);
    if (now == HIDDEN)
        return WARD_FAULT_FORBIDDEN;
    return now == process->layout ? 0 : WARD_FAULT_GONE;
}

static struct ward_witness_ witness_of(const struct ward_process *process)
{
    struct ward_witness_ witness = { .at = process->witness_at };

    __builtin_memcpy(witness.bytes, process->witness, sizeof witness.bytes);
    return witness;
}

/* The witness vouches for the program; but a process and its siblings by fork share one, and the
 * number may have gone from one to the other. The pidfd rules that out. */
static unsigned ask(const struct ward_process *process)
{
    struct ward_witness_ witness = witness_of(process);
    struct ward_fault why;
    size_t done;

    if (process->rung == WARD_PROCESS_BY_CALLS &&
        ward_remote_read_vouched_(process->pid, &witness, 0, NULL, 0, &done, &why) &&
        is_alive(process->pidfd))
        return 0;
    return look(process);
}

int ward_process_verify(const struct ward_process *process)
{
    return ward_fault_error(ask(process));
}

/* A filter may answer EPERM for calls that it forbids, as the kernel does for processes. */
static void tell_apart(struct ward_fault *why)
{
    if (why->kind == WARD_FAULT_FORBIDDEN && !ward_remote_works_())
        why->kind = WARD_FAULT_CANNOT;
}

size_t ward_process_end_(unsigned looked, uint64_t a, size_t done, struct ward_fault *why)
{
    tell_apart(why);
    if (looked == 0 && why->kind != WARD_FAULT_GONE)
        return done;
    why->addr = a;
    if (why->kind != WARD_FAULT_GONE)
        why->kind = looked;
    return 0;
}

/* --- Through protections ---------------------------------------------------------------------- */

/* By /proc/PID/mem: up to the first page that cannot be had. Bytes done. */
static size_t force(const struct ward_process *process, long number, void *ours, uint64_t a,
                    size_t n, struct ward_fault *why)
{
    size_t done = 0;

    while (done < n) {
        long got =
            call(number, (uintptr_t)process->mem, (uintptr_t)ours + done, n - done, a + done);

        if (got <= 0) {
            why->addr = a + done;
            why->kind = got == 0 ? WARD_FAULT_GONE : WARD_FAULT_DENIED;
            break;
        }
        done += (size_t)got;
    }
    return done;
}

/* --- The operations --------------------------------------------------------------------------- */

static bool forces(const struct ward_process *process)
{
    return (process->flags & WARD_PROCESS_FORCE) != 0;
}

static size_t process_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                           struct ward_fault *why)
{
    const struct ward_process *process = (const struct ward_process *)space;
    bool by_calls = process->rung == WARD_PROCESS_BY_CALLS;
    struct ward_witness_ witness = witness_of(process);
    size_t done = 0;
    bool vouched =
        by_calls && ward_remote_read_vouched_(process->pid, &witness, a, dst, n, &done, why);

    if (by_calls && !vouched)
        done = ward_remote_read_(process->pid, a, dst, n, why);
    if (done < n && forces(process)) /* by a file that has the one memory only */
        done += force(process, SYS_pread64, (char *)dst + done, a + done, n - done, why);
    if (vouched && is_alive(process->pidfd))
        return ward_process_end_(0, a, done, why);
    return ward_process_end_(look(process), a, done, why);
}

static size_t process_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                            struct ward_fault *why)
{
    const struct ward_process *process = (const struct ward_process *)space;
    union {
        const void *src;
        void *ours;
    } bytes = { src }; /* the system only reads them */
    size_t done = 0;
    unsigned looked = ask(process);

    if (looked)
        return ward_process_end_(looked, a, done, why);
    if (process->rung == WARD_PROCESS_BY_CALLS)
        done = ward_remote_write_(process->pid, a, src, n, why);
    if (done < n && forces(process))
        done += force(process, SYS_pwrite64, (char *)bytes.ours + done, a + done, n - done, why);
    return ward_process_end_(ask(process), a, done, why);
}

static const struct ward_space_ops process_ops = {
    .name = "process",
    .read = process_read,
    .write = process_write,
};

/* --- What is mapped --------------------------------------------------------------------------- */

/* /proc/PID/maps, byte by byte: a line is "FROM-TO rwxp ...". */
struct maps {
    int fd;
    size_t at, have;
    char text[1024];
};

static int next_byte(struct maps *maps)
{
    if (maps->at == maps->have) {
        long got = call(SYS_read, (uintptr_t)maps->fd, (uintptr_t)maps->text, sizeof maps->text, 0);

        if (got <= 0)
            return -1;
        maps->at = 0;
        maps->have = (size_t)got;
    }
    return (unsigned char)maps->text[maps->at++];
}

static int digit_of(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* A hexadecimal number and the byte behind it. False: the file is at its end. */
static bool next_number(struct maps *maps, uint64_t *number)
{
    int byte = next_byte(maps), digit;

    *number = 0;
    for (digit = digit_of(byte); digit >= 0; digit = digit_of(byte)) {
        *number = *number << 4 | (unsigned)digit;
        byte = next_byte(maps);
    }
    return byte >= 0;
}

static bool next_mapping(struct maps *maps, uint64_t *from, uint64_t *to, unsigned *prot)
{
    int byte;

    if (!next_number(maps, from) || !next_number(maps, to))
        return false;
    *prot = next_byte(maps) == 'r' ? WARD_READ : 0;
    *prot |= next_byte(maps) == 'w' ? WARD_WRITE : 0;
    do
        byte = next_byte(maps);
    while (byte >= 0 && byte != '\n');
    return true;
}

/* WARD_FAULT_UNMAPPED, WARD_FAULT_PROT, or WARD_FAULT_DENIED: nothing is wrong that shows. */
static unsigned kind_at(struct maps *maps, uint64_t a, unsigned access)
{
    uint64_t from, to;
    unsigned prot;

    while (next_mapping(maps, &from, &to, &prot)) {
        if (a >= to)
            continue;
        if (a < from)
            break;
        return (access & ~prot) != 0 ? WARD_FAULT_PROT : WARD_FAULT_DENIED;
    }
    return WARD_FAULT_UNMAPPED;
}

void ward_process_explain(const struct ward_process *process, struct ward_fault *fault)
{
    struct maps maps = { .fd = -1 };
    unsigned kind;

    if (fault->kind != WARD_FAULT_DENIED || process->proc_pid <= 0)
        return;
    maps.fd = open_proc("/proc/", process->proc_pid, "/maps", O_RDONLY);
    if (maps.fd < 0)
        return;
    kind = kind_at(&maps, fault->addr, fault->access);
    close_fd(maps.fd);
    if (ask(process) == 0)
        fault->kind = kind;
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* EINVAL, ENOENT: the number of a thread that is not the first. EPERM, which the call never
 * answers, and ENODEV: a filter, a kernel without. */
static int open_pidfd(int pid)
{
    long fd = call(SYS_pidfd_open, (uintptr_t)pid, 0, 0, 0);

    if (fd == -EINVAL || fd == -ENOENT)
        return -ESRCH;
    if (fd == -ENOSYS || fd == -EPERM || fd == -EACCES || fd == -ENODEV)
        return -ENOTSUP;
    return (int)fd;
}

/* The number that the mounted /proc gives the process, which may be that of another pid namespace:
 * "Pid:\tN" of what it says about the pidfd. 0: there is no such /proc, or it does not show it. */
static int find_proc_pid(int pidfd)
{
    static const char key[] = "\nPid:\t";
    char text[512] = { 0 };
    int fd = open_proc("/proc/self/fdinfo/", pidfd, "", O_RDONLY);
    long len = fd < 0 ? 0 : call(SYS_read, (uintptr_t)fd, (uintptr_t)text, sizeof text, 0);
    int pid = 0;

    close_fd(fd);
    for (long i = 0; i + (long)sizeof key <= len; i++) {
        if (__builtin_memcmp(text + i, key, sizeof key - 1) != 0)
            continue;
        for (i += (long)sizeof key - 1; i < len && text[i] >= '0' && text[i] <= '9'; i++)
            pid = pid * 10 + (text[i] - '0');
    }
    return pid;
}

/* What the system tells a program about itself. A 32-bit one has pairs of 32-bit words there. */
union auxv {
    uint64_t words[2 * 64];
    uint32_t halves[4 * 64];
};

/* The value behind a key, 0 if there is none. */
static uint64_t find_auxv(const union auxv *auxv, unsigned pointer_bytes, unsigned key)
{
    for (size_t i = 0; i < 64; i++) {
        if (pointer_bytes == 8 && auxv->words[2 * i] == key)
            return auxv->words[2 * i + 1];
        if (pointer_bytes == 4 && auxv->halves[2 * i] == key)
            return auxv->halves[2 * i + 1];
    }
    return 0;
}

/* The page size, which no vector lacks and which is not zero, tells the width: read as a 64-bit
 * word, its 32-bit pair is no small number. */
static unsigned width_of(const union auxv *auxv)
{
    if (find_auxv(auxv, 8, AT_PAGESZ))
        return 8;
    return find_auxv(auxv, 4, AT_PAGESZ) ? 4 : 0;
}

/* A program may have wiped them: zeroes vouch for nobody. */
static void find_witness(struct ward_process *process, uint64_t at)
{
    struct ward_fault why;
    unsigned char seen = 0;
    size_t got =
        ward_remote_read_(process->pid, at, process->witness, sizeof process->witness, &why);

    for (size_t i = 0; i < got; i++)
        seen |= process->witness[i];
    process->witness_at = got == sizeof process->witness && seen ? at : 0;
}

static void read_auxv(struct ward_process *process)
{
    union auxv auxv = { { 0 } };
    int fd = open_proc("/proc/", process->proc_pid, "/auxv", O_RDONLY);

    if (fd < 0)
        return;
    (void)call(SYS_read, (uintptr_t)fd, (uintptr_t)&auxv, sizeof auxv, 0);
    close_fd(fd);
    process->pointer_bytes = width_of(&auxv);
    find_witness(process, find_auxv(&auxv, process->pointer_bytes, AT_RANDOM));
}

uint64_t ward_process_last_(unsigned pointer_bytes)
{
    return pointer_bytes == 4 ? UINT32_MAX : INT64_MAX;
}

/* Which rung: found out by reading address 0, which is nobody's, so that EFAULT means "you may". */
static int find_rung(struct ward_process *process)
{
    struct ward_fault why = { 0 };
    char byte;

    process->rung = WARD_PROCESS_BY_CALLS;
    if (ward_remote_read_(process->pid, 0, &byte, 1, &why) == 1 || why.kind == WARD_FAULT_DENIED)
        return 0;
    tell_apart(&why);
    process->rung = WARD_PROCESS_BY_FILE;
    if (why.kind == WARD_FAULT_CANNOT && forces(process))
        return 0;
    return ward_fault_error(why.kind);
}

static bool is_shortage(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* The descriptors come first, then what is found out by number; the caller verifies at the end. */
static int attach(struct ward_process *process)
{
    process->pidfd = open_pidfd(process->pid);
    if (process->pidfd < 0)
        return process->pidfd;
    process->proc_pid = find_proc_pid(process->pidfd);
    if (process->proc_pid > 0) {
        process->stat = open_proc("/proc/", process->proc_pid, "/stat", O_RDONLY);
        process->layout = layout_of(process->stat);
        process->layout = process->layout == HIDDEN ? NONE : process->layout;
        process->mem =
            open_proc("/proc/", process->proc_pid, "/mem", forces(process) ? O_RDWR : O_RDONLY);
        read_auxv(process);
    }
    if (is_shortage(process->mem) || is_shortage(process->stat))
        return is_shortage(process->mem) ? process->mem : process->stat;
    if (process->mem == -ESRCH) /* of the kernel, or it has ended */
        return -ESRCH;
    if (process->mem < 0 && forces(process))
        return process->proc_pid > 0 ? -EPERM : -ENOTSUP;
    process->space.last = ward_process_last_(process->pointer_bytes);
    return find_rung(process);
}

int ward_process_open(struct ward_process *process, int pid, unsigned flags)
{
    int error = -EINVAL;

    if (!process)
        return -EINVAL;
    *process = (struct ward_process){ .pid = pid, .flags = flags };
    process->pidfd = process->mem = process->stat = -1;
    process->space.ops = &process_ops;
    if (pid > 0 && (flags & ~(unsigned)WARD_PROCESS_FORCE) == 0)
        error = attach(process);
    if (process->pidfd >= 0 && (!is_alive(process->pidfd) || (!error && look(process))))
        error = -ESRCH; /* whatever else was found was not about this process */
    if (error)
        ward_process_close(process);
    return error;
}

void ward_process_close(struct ward_process *process)
{
    if (process->space.ops) { /* else all zero, and 0 is somebody's descriptor */
        close_fd(process->mem);
        close_fd(process->stat);
        close_fd(process->pidfd);
    }
    *process = (struct ward_process){ 0 };
}

void ward_process_info_get(const struct ward_process *process, struct ward_process_info *info)
{
    *info = (struct ward_process_info){
        .pid = process->pid,
        .rung = process->rung,
        .forces = forces(process),
        .notices_exec = process->mem >= 0 || process->layout != NONE || process->witness_at != 0 ||
                        process->pidfd < 0,
        .pointer_bytes = process->pointer_bytes,
    };
}

/* --- Pointers --------------------------------------------------------------------------------- */

/* Spreads count pointers of 4 bytes, from the last to the first, over 8 bytes each. */
static void widen(uint64_t *dst, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        uint32_t narrow;

        __builtin_memcpy(&narrow, (const char *)dst + 4 * i, sizeof narrow);
        dst[i] = narrow;
    }
}

static void set_zero(uint64_t *dst, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = 0;
}

/* No object is larger: that many pointers are no array that could be set to zero. */
static bool is_array(size_t count)
{
    return count <= (size_t)PTRDIFF_MAX / sizeof(uint64_t);
}

int ward_process_read_pointers(struct ward_process *process, uint64_t a, uint64_t *dst,
                               size_t count, struct ward_fault *why)
{
    size_t bytes = process->pointer_bytes * count;
    int error = -ENOTSUP;

    ward_fault_clear_(why);
    if (!is_array(count))
        return -EOVERFLOW;
    if (process->pointer_bytes > 0)
        error = ward_space_read(&process->space, a, dst, bytes, why);
    if (error)
        set_zero(dst, count);
    else if (process->pointer_bytes == 4)
        widen(dst, count);
    return error;
}

ptrdiff_t ward_process_read_list(struct ward_process *process, uint64_t a, uint64_t *dst,
                                 size_t cap, struct ward_fault *why)
{
    unsigned size = process->pointer_bytes;
    ptrdiff_t count = -ENOTSUP;

    ward_fault_clear_(why);
    if (!is_array(cap))
        return -EOVERFLOW;
    if (size > 0)
        count = ward_space_read_until(&process->space, a, dst, size, cap, NULL, why);
    if (count < 0 && count != -ENAMETOOLONG)
        set_zero(dst, cap);
    else if (size == 4)
        widen(dst, count < 0 ? cap : (size_t)count + 1);
    return count;
}
