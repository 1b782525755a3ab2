/* SPDX-License-Identifier: MIT */
/*
 * The gates on the process's own memory, against what people use instead.
 *
 *   read8     8-byte checked read, independent of each other, and the same loop of plain loads
 *   read8dep  each address is what the last read gave
 *   copyN     N bytes in, over five alignments, and memcpy
 *   strN      a string of N bytes in, and strnlen with memcpy
 *   fault     a read that faults, and a handler that does nothing but move the program counter
 *   guest8    8-byte read of a guest's page, and of the same bytes by self; the difference counts
 *   checkN    ward_space_check of N guest pages, and a loop over a byte for each
 *   populate  256 fresh guest pages, made anew each time, by one call and by a write to each
 *
 * The last rows compare one read with the other ways to survive a bad pointer; there a ratio below
 * 1 is what is hoped for.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <ward/recover.h>
#include <ward/self.h>
#include <ward/space.h>

#include "bench.h"
#include "gates/guest.h"

enum { WORDS = 512, BUFFER = 1 << 21 };

#define NOINLINE __attribute__((noinline))

static uint64_t words[WORDS], chain[WORDS];
static unsigned char *from, *to;
static unsigned char *bad;
static struct ward_space *self;

/* --- one word --------------------------------------------------------------------------------- */

/* read8: the space is known when compiled. space8: it is not. */
static NOINLINE void read8(size_t count)
{
    uint64_t base = (uintptr_t)BENCH_HIDE_POINTER(&words[0]), sum = 0, value;

    for (size_t i = 0; i < count; i++) {
        if (ward_self_read_u64(base + i % WORDS * 8, &value, NULL))
            abort();
        sum += value;
    }
    bench_hide(sum);
}

static NOINLINE void space8(size_t count)
{
    struct ward_space *space = BENCH_HIDE_POINTER(self);
    uint64_t base = (uintptr_t)BENCH_HIDE_POINTER(&words[0]), sum = 0, value;

    for (size_t i = 0; i < count; i++) {
        if (ward_space_read_u64(space, base + i % WORDS * 8, &value, NULL))
            abort();
        sum += value;
    }
    bench_hide(sum);
}

static NOINLINE void load8(size_t count)
{
    const volatile uint64_t *base = BENCH_HIDE_POINTER(&words[0]);
    uint64_t sum = 0;

#pragma GCC unroll 1
    for (size_t i = 0; i < count; i++)
        sum += base[i % WORDS];
    bench_hide(sum);
}

static NOINLINE void read8dep(size_t count)
{
    uint64_t at = (uintptr_t)BENCH_HIDE_POINTER(&chain[0]);

    for (size_t i = 0; i < count; i++)
        if (ward_self_read_u64(at, &at, NULL))
            abort();
    bench_hide(at);
}

static NOINLINE void load8dep(size_t count)
{
    uint64_t at = (uintptr_t)BENCH_HIDE_POINTER(&chain[0]);

    for (size_t i = 0; i < count; i++)
        at = *(const volatile uint64_t *)(uintptr_t)at;
    bench_hide(at);
}

/* --- copies ----------------------------------------------------------------------------------- */

static const struct {
    unsigned char from, to;
} alignments[5] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 5, 5 }, { 3, 24 } };

static NOINLINE void copy_in(size_t n, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < 5; k++)
            if (ward_space_read(self, (uintptr_t)from + alignments[k].from, to + alignments[k].to,
                                bench_hide(n), NULL))
                abort();
    bench_use(to);
}

static NOINLINE void copy_plainly(size_t n, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < 5; k++) {
            memcpy(to + alignments[k].to, from + alignments[k].from, bench_hide(n));
            bench_use(to);
        }
}

/* --- strings ---------------------------------------------------------------------------------- */

static NOINLINE void str_in(size_t n, size_t count)
{
    unsigned char *at = from + 4096 * 64 + 9;

    memset(at, 'a', n);
    at[n] = 0;
    for (size_t i = 0; i < count; i++)
        if (ward_space_read_str(self, (uintptr_t)at, (char *)to, bench_hide(4096), NULL) < 0)
            abort();
    bench_use(to);
}

static NOINLINE void str_plainly(size_t n, size_t count)
{
    unsigned char *at = from + 4096 * 64 + 9;

    memset(at, 'a', n);
    at[n] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strnlen(BENCH_HIDE_POINTER((const char *)at), bench_hide(4096));

        memcpy(to, at, length + 1);
        bench_use(to);
    }
}

#define OF_SIZE(N)                                                                                 \
    static void copy##N(size_t count)                                                              \
    {                                                                                              \
        copy_in(N, count);                                                                         \
    }                                                                                              \
    static void memcpy##N(size_t count)                                                            \
    {                                                                                              \
        copy_plainly(N, count);                                                                    \
    }
#define OF_LENGTH(N)                                                                               \
    static void str##N(size_t count)                                                               \
    {                                                                                              \
        str_in(N, count);                                                                          \
    }                                                                                              \
    static void strnlen##N(size_t count)                                                           \
    {                                                                                              \
        str_plainly(N, count);                                                                     \
    }

OF_SIZE(8)
OF_SIZE(64)
OF_SIZE(100)
OF_SIZE(256)
OF_SIZE(1024)
OF_SIZE(1500)
OF_SIZE(4096)
OF_SIZE(65536)
OF_SIZE(1048576)
OF_LENGTH(7)
OF_LENGTH(31)
OF_LENGTH(255)
OF_LENGTH(4000)

/* --- a fault ---------------------------------------------------------------------------------- */

static struct sigaction ours, movers;

static void fault(size_t count)
{
    uint64_t value;

    if (sigaction(SIGSEGV, &ours, NULL))
        abort();
    for (size_t i = 0; i < count; i++)
        if (ward_space_read_u64(self, (uintptr_t)bad, &value, NULL) != -EFAULT)
            abort();
}

/* Every instruction here that faults is this long. */
enum { LOAD_BYTES = 3 };

static void move_on(int sig, siginfo_t *info, void *context)
{
    ucontext_t *at = context;

    (void)sig, (void)info;
    at->uc_mcontext.gregs[REG_RIP] += LOAD_BYTES;
}

static void bare_fault(size_t count)
{
    if (sigaction(SIGSEGV, &movers, NULL))
        abort();
    for (size_t i = 0; i < count; i++)
        __asm__ volatile("movq (%0), %%rax" : : "c"(bad) : "rax");
    if (sigaction(SIGSEGV, &ours, NULL))
        abort();
}

/* --- other ways to read one word of a pointer that may be bad --------------------------------- */

static void read8_by_call(size_t count)
{
    uint64_t value;

    for (size_t i = 0; i < count; i++) {
        struct iovec local = { &value, 8 }, foreign = { &words[i % WORDS], 8 };

        if (process_vm_readv(getpid(), &local, 1, &foreign, 1, 0) != 8)
            abort();
    }
}

static sigjmp_buf jump;

static NOINLINE void read8_by_jump(size_t count)
{
    const volatile uint64_t *base = BENCH_HIDE_POINTER(&words[0]);
    volatile size_t i;

    for (i = 0; i < count; i++)
        if (sigsetjmp(jump, 0) == 0)
            (void)base[i % WORDS];
}

static void read8_by_pipe(size_t count)
{
    uint64_t value;
    int ends[2];

    if (pipe(ends))
        abort();
    for (size_t i = 0; i < count; i++)
        if (write(ends[1], &words[i % WORDS], 8) != 8 || read(ends[0], &value, 8) != 8)
            abort();
    close(ends[0]);
    close(ends[1]);
}

static const struct bench_case cases[] = {
    { "gates.read8", "ward", "load", read8, load8, 1.8 },
    { "gates.read8dep", "ward", "load", read8dep, load8dep, 1.15 },
    { "gates.space8", "ward", "load", space8, load8, 0 },
    { "gates.copy8", "ward", "memcpy", copy8, memcpy8, 0 },
    { "gates.copy64", "ward", "memcpy", copy64, memcpy64, 1.5 },
    { "gates.copy100", "ward", "memcpy", copy100, memcpy100, 1.5 },
    { "gates.copy256", "ward", "memcpy", copy256, memcpy256, 1.25 },
    { "gates.copy1024", "ward", "memcpy", copy1024, memcpy1024, 1.5 },
    { "gates.copy1500", "ward", "memcpy", copy1500, memcpy1500, 0 },
    { "gates.copy4096", "ward", "memcpy", copy4096, memcpy4096, 1.05 },
    { "gates.copy65536", "ward", "memcpy", copy65536, memcpy65536, 1.05 },
    { "gates.copy1048576", "ward", "memcpy", copy1048576, memcpy1048576, 1.05 },
    { "gates.str7", "ward", "strnlen_memcpy", str7, strnlen7, 0 },
    { "gates.str31", "ward", "strnlen_memcpy", str31, strnlen31, 1.3 },
    { "gates.str255", "ward", "strnlen_memcpy", str255, strnlen255, 0 },
    { "gates.str4000", "ward", "strnlen_memcpy", str4000, strnlen4000, 1.35 },
    { "gates.fault", "ward", "signal", fault, bare_fault, 1.15 },
    { "gates.guest8", "guest", "self", guest8, guest8_by_self, 0 },
    { "gates.check1", "ward", "loop", check1, loop1, 0 },
    { "gates.check16", "ward", "loop", check16, loop16, 0 },
    { "gates.check4096", "ward", "loop", check4096, loop4096, 0 },
    { "gates.populate256", "ward", "touching", populate256, touch256, 0 },
    { "gates.word", "ward", "process_vm_readv", read8, read8_by_call, 0 },
    { "gates.word", "ward", "sigsetjmp", read8, read8_by_jump, 0 },
    { "gates.word", "ward", "pipe", read8, read8_by_pipe, 0 },
};

static void *map(size_t len, int prot)
{
    void *at = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        abort();
    return at;
}

int main(int argc, char **argv)
{
    from = map(BUFFER, PROT_READ | PROT_WRITE);
    to = map(BUFFER, PROT_READ | PROT_WRITE);
    bad = map(4096, PROT_NONE);
    memset(from, 1, BUFFER);
    memset(to, 2, BUFFER);
    for (size_t i = 0; i < WORDS; i++)
        chain[i] = (uintptr_t)&chain[(i + 67) % WORDS];
    movers.sa_sigaction = move_on;
    movers.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (ward_recover_install() || sigaction(SIGSEGV, NULL, &ours))
        return 1;
    self = ward_space_self();
    guest_prepare();
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
