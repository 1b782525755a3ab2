/* SPDX-License-Identifier: MIT */
/*
 * buggy BUG [HOW...]: makes one bug, in functions whose names the test looks for.
 *
 * BUG:  double overflow underflow write_freed wild wrong_size touch_freed touch_past
 *       overflow_nothing read_on null raised
 * HOW:  handler      in a signal handler
 *       thread       in a thread
 *       no_stderr    with descriptor 2 closed
 *       other_stderr with descriptor 2 being another file, FILE of the environment
 *       same_stderr  with descriptor 2 closed and opened again as what it was
 *       damaged      after all that can be written of the heap around was overwritten
 *       own_handler  after installing a handler of its own for SIGSEGV
 *       small_stack  on an alternate stack of SIGSTKSZ bytes
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APART __attribute__((noinline))

static volatile int sink;

static APART void *make(size_t size)
{
    void *block = malloc(size);

    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

static APART void drop(void *block)
{
    free(block);
    __asm__ volatile("" : : : "memory");
}

void delete_sized(void *block, size_t size, size_t align) __asm__("_ZdlPvmSt11align_val_t")
    __attribute__((weak));

static APART void drop_sized(void *block, size_t size, size_t align)
{
    delete_sized(block, size, align);
    __asm__ volatile("" : : : "memory");
}

static APART void wrong_size(void)
{
    drop_sized(make(40), 39, 16);
    __asm__ volatile("" : : : "memory");
}

static APART void use(const char *block, long at)
{
    sink = ((const volatile char *)block)[at];
    __asm__ volatile("" : : : "memory");
}

static APART void write_at(char *block, size_t at, const char *what)
{
    memcpy(block + at, what, strlen(what));
    __asm__ volatile("" : : : "memory");
}

static APART void double_free(void)
{
    void *block = make(40);

    drop(block);
    drop(block);
    __asm__ volatile("" : : : "memory");
}

static APART void overflow(void)
{
    char *block = make(40);

    write_at(block, 40, "\x01xyz");
    drop(block);
    __asm__ volatile("" : : : "memory");
}

static APART void underflow(void)
{
    char *block = make(40);

    write_at(block - 3, 0, "xyz");
    drop(block);
    __asm__ volatile("" : : : "memory");
}

/* Until the block is issued again. */
static APART void write_freed(void)
{
    char *block = make(3000);

    drop(block);
    write_at(block, 100, "secret");
    for (int i = 0; i < 1000000; i++)
        drop(make(3000));
}

static APART void wild_free(void)
{
    int local;

    drop(&local);
    __asm__ volatile("" : : : "memory");
}

static APART void touch_freed(void)
{
    char *block = make(100);

    drop(block);
    use(block, 7);
    __asm__ volatile("" : : : "memory");
}

static APART void overflow_nothing(void)
{
    char *block = make(0);

    write_at(block, 0, "\x01xyz");
    drop(block);
    __asm__ volatile("" : : : "memory");
}

/* As far as there is something to read. */
static APART void read_on(void)
{
    char *block = make(24);

    for (long at = 0;; at++)
        use(block, at);
}

static APART void touch_past(void)
{
    use(make(96), 96);
    __asm__ volatile("" : : : "memory");
}

/* Every byte that can be written within reach of some blocks. */
static APART void damage(void)
{
    for (size_t size = 16; size <= 4096; size *= 2) {
        char *block = make(size);

        for (size_t at = size; at < 4096 && ((uintptr_t)block + at) % 4096; at++)
            block[at] = (char)0xee;
    }
}

/* --- How -------------------------------------------------------------------------------------- */

static const char *bug;

static bool is_bug(const char *name)
{
    return strcmp(bug, name) == 0;
}

static APART void make_bug(void)
{
    if (is_bug("double"))
        double_free();
    if (is_bug("overflow"))
        overflow();
    if (is_bug("underflow"))
        underflow();
    if (is_bug("write_freed"))
        write_freed();
    if (is_bug("wild"))
        wild_free();
    if (is_bug("wrong_size"))
        wrong_size();
    if (is_bug("touch_freed"))
        touch_freed();
    if (is_bug("touch_past"))
        touch_past();
    if (is_bug("overflow_nothing"))
        overflow_nothing();
    if (is_bug("read_on"))
        read_on();
    if (is_bug("null"))
        use(NULL, 0x123);
    if (is_bug("raised"))
        raise(SIGSEGV);
    __asm__ volatile("" : : : "memory");
}

static APART void on_signal(int sig)
{
    (void)sig;
    make_bug();
    __asm__ volatile("" : : : "memory");
}

static void in_handler(int flags)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

static APART void *in_thread(void *arg)
{
    pthread_setname_np(pthread_self(), "worker \"1\"");
    make_bug();
    return arg;
}

static void own_handler(int sig)
{
    (void)sig;
    printf("own handler\n");
    fflush(stdout);
    _exit(3);
}

static sigjmp_buf elsewhere;

static void away(int sig)
{
    siglongjmp(elsewhere, sig);
}

/* What the report's own writing may raise, and what may come while its reader is slow. */
static void jump_away(void)
{
    signal(SIGPIPE, away);
    signal(SIGXFSZ, away);
    signal(SIGALRM, away);
    ualarm(200000, 0);
}

static void arrange(const char *how)
{
    static char stack[16384];
    pthread_t thread;

    if (strcmp(how, "no_stderr") == 0)
        close(2);
    if (strcmp(how, "other_stderr") == 0)
        dup2(open(getenv("FILE"), O_WRONLY | O_CREAT, 0600), 2);
    if (strcmp(how, "same_stderr") == 0) {
        int kept = dup(2);

        close(2);
        dup2(kept, 2);
    }
    if (strcmp(how, "damaged") == 0)
        damage();
    if (strcmp(how, "jump_away") == 0)
        jump_away();
    if (strcmp(how, "own_handler") == 0)
        signal(SIGSEGV, own_handler);
    if (strcmp(how, "handler") == 0)
        in_handler(0);
    if (strcmp(how, "small_stack") == 0) {
        sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
        in_handler(SA_ONSTACK);
    }
    if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, in_thread, NULL);
        pthread_join(thread, NULL);
    }
}

int main(int argc, char **argv)
{
    bug = argv[1];
    drop(make(1)); /* the malloc starts */
    for (int i = 2; i < argc; i++)
        arrange(argv[i]);
    if (sigsetjmp(elsewhere, 1) == 0)
        make_bug();
    printf("survived\n");
    return 0;
}
