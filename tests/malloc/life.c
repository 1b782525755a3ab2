/* SPDX-License-Identifier: MIT */
/*
 * life: what happens to a process that has the malloc. Each part runs in a child of its own:
 * threads that come and go, what runs when they end, children made in other ways than by fork(),
 * filters that forbid what is optional, descriptors that are closed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUIRE(HOLDS)                                                                             \
    do                                                                                             \
        if (!(HOLDS)) {                                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #HOLDS);                            \
            _exit(1);                                                                              \
        }                                                                                          \
    while (0)

/* Of many repetitions, fewer where each block has pages of its own. */
static int times(int count)
{
    const char *options = getenv("WARD_OPTIONS");

    return options && strstr(options, "profile=pages") ? count / 20 : count;
}

/* Blocks of all kinds, their contents, and that they can be freed. */
static void work(void)
{
    enum { COUNT = 400 };
    static _Thread_local unsigned char *blocks[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 40 == 39 ? 300000 : i * 17 + 1;

        blocks[i] = malloc(size);
        REQUIRE(blocks[i]);
        blocks[i][0] = blocks[i][size - 1] = (unsigned char)i;
    }
    for (size_t i = 0; i < COUNT; i++) {
        REQUIRE(blocks[i][0] == (unsigned char)i);
        free(blocks[i]);
    }
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void *come_and_go(void *gift)
{
    free(gift);
    return malloc(100);
}

static void thousands_of_threads(void)
{
    void *gift = NULL;

    for (int i = times(3000); i; i--) {
        pthread_t thread;

        REQUIRE(pthread_create(&thread, NULL, come_and_go, gift) == 0);
        REQUIRE(pthread_join(thread, &gift) == 0);
    }
    free(gift);
    work();
}

static void *work_in_thread(void *unused)
{
    work();
    return unused;
}

/* As small as may be; what the malloc needs of it is not the program's to know. */
static void small_stacks(void)
{
    pthread_attr_t small;
    pthread_t thread;

    REQUIRE(pthread_attr_init(&small) == 0);
    REQUIRE(pthread_attr_setstacksize(&small, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
    REQUIRE(pthread_create(&thread, &small, work_in_thread, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

static pthread_key_t keys[8];

/* Allocates, frees what another one left, and asks to be called again. */
static void at_end(void *block)
{
    static _Thread_local int rounds;
    void *next = malloc(64);

    free(block);
    work();
    if (rounds++ < times(20))
        pthread_setspecific(keys[rounds % 8], next);
    else
        free(next);
}

static void *end_with_destructors(void *unused)
{
    for (int i = 0; i < 8; i++)
        pthread_setspecific(keys[i], malloc((size_t)i * 100));
    return unused;
}

static void destructors_that_allocate(void)
{
    for (int i = 0; i < 8; i++)
        REQUIRE(pthread_key_create(&keys[i], at_end) == 0);
    for (int i = times(200); i; i--) {
        pthread_t thread;

        REQUIRE(pthread_create(&thread, NULL, end_with_destructors, NULL) == 0);
        REQUIRE(pthread_join(thread, NULL) == 0);
    }
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
    (void)signal;
    ticks++;
}

static void signals_that_do_not_allocate(void)
{
    pid_t pid;

    signal(SIGUSR1, tick);
    pid = fork();
    if (pid == 0)
        for (;;)
            kill(getppid(), SIGUSR1);
    while (ticks < times(3000))
        work();
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* --- Children --------------------------------------------------------------------------------- */

static void ended_well(pid_t pid)
{
    int status = -1;

    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    REQUIRE(status == 0);
}

static void vfork_and_exec(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = vfork();

        if (pid == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(0);
        }
        ended_well(pid);
        work();
    }
}

/* Not by the C library, which then knows nothing of it. */
static void clone_by_hand(void)
{
    void *before = malloc(1000);
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0) {
        free(before);
        work();
        _exit(0);
    }
    ended_well((pid_t)pid);
    free(before);
    work();
}

static void children_of_children(void)
{
    void *before = malloc(1000);
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread;

        REQUIRE(pthread_create(&thread, NULL, come_and_go, malloc(10)) == 0);
        pid = fork();
        if (pid == 0) {
            free(before);
            work();
            _exit(0);
        }
        ended_well(pid);
        free(before);
        pthread_join(thread, NULL);
        work();
        _exit(0);
    }
    ended_well(pid);
    free(before);
}

/* It owns nothing that the child could go on with. */
static void *fork_without_a_block(void *block)
{
    pid_t pid = fork();

    if (pid == 0) {
        free(block);
        work();
        _exit(0);
    }
    ended_well(pid);
    return NULL;
}

static void children_of_threads_without_a_block(void)
{
    void *before = malloc(1000);
    pthread_t thread;

    REQUIRE(pthread_create(&thread, NULL, fork_without_a_block, before) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    free(before);
    work();
}

static char *self;

/* --- Guards of a child ------------------------------------------------------------------------ */

static pthread_barrier_t there;

/* In the child it is no more, so all that nobody has is gone through there. */
static void *stay(void *unused)
{
    work();
    pthread_barrier_wait(&there);
    pause();
    return unused;
}

static void on_fault(int number)
{
    (void)number;
    _exit(0);
}

/* What was freed before the fork is issued again, and ends at a guard still. */
static void children_have_guards(void)
{
    enum { SIZE = 300000 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *volatile block = malloc(SIZE);
    pthread_t thread;
    pid_t pid;

    REQUIRE(block);
    free(block);
    REQUIRE(pthread_barrier_init(&there, NULL, 2) == 0);
    REQUIRE(pthread_create(&thread, NULL, stay, NULL) == 0);
    pthread_barrier_wait(&there);
    pid = fork();
    if (pid == 0) {
        REQUIRE(signal(SIGSEGV, on_fault) != SIG_ERR);
        block = malloc(SIZE);
        (void)*(volatile char *)(block + (SIZE / page + 1) * page);
        fprintf(stderr, "behind a big block there is no guard\n");
        _exit(1);
    }
    ended_well(pid);
}

/* --- Filters ---------------------------------------------------------------------------------- */

/* More than there could be mappings of their own. */
static void many_big_blocks(void)
{
    enum { COUNT = 5000 };
    static void *blocks[COUNT];

    for (unsigned i = 0; i < COUNT; i++)
        REQUIRE((blocks[i] = malloc(200000)));
    for (unsigned i = 0; i < COUNT; i++)
        free(blocks[i]);
}

#if defined(__x86_64__)
static void filter_calls(struct sock_filter *filter, unsigned short count)
{
    struct sock_fprog program = { count, filter };

    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

/* Calls that a sandbox may not know fail, each as such filters make it fail. */
static void forbid(const int *numbers, size_t count, int error)
{
    struct sock_filter filter[64];
    unsigned short at = 0;

    filter[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++) {
        filter[at++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        filter[at++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
    }
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter_calls(filter, at);
}

/* As kernels before Linux 6.13: guards are protections. */
static void without_markers(void)
{
    enum { GUARD_INSTALL = 102, GUARD_REMOVE = 103 };
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GUARD_INSTALL, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GUARD_REMOVE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    filter_calls(filter, sizeof filter / sizeof *filter);
    execl(self, self, "work", (char *)NULL);
    _exit(2);
}

/* Before the malloc starts, in a program that is executed; and while it runs. */
static void without_optional_calls(void)
{
    static const int optional[] = { SYS_madvise,      SYS_getrandom,   SYS_pkey_alloc,
                                    SYS_memfd_create, 462 /* mseal */, SYS_memfd_secret,
                                    SYS_prctl,        SYS_sigaltstack };

    work();
    forbid(optional, 1, EPERM);
    work();
    forbid(optional + 2, 6, ENOSYS);
    work();
    execl(self, self, "work", (char *)NULL);
    _exit(2);
}

/* Then random choices have no fresh bytes: of threads that come later, of a child, and of its. */
static void getrandom_is_forbidden(void)
{
    static const int number = SYS_getrandom;

    work();
    forbid(&number, 1, EPERM);
    for (int generation = 0; generation < 3; generation++) {
        int status = -1;
        pthread_t thread;
        pid_t pid;

        REQUIRE(pthread_create(&thread, NULL, work_in_thread, NULL) == 0);
        work();
        REQUIRE(pthread_join(thread, NULL) == 0);
        pid = fork();
        if (pid == 0) {
            for (int i = 0; i < 20; i++)
                work(); /* until each stream of choices is new */
            continue;
        }
        REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
        return;
    }
}

/* Markers that were set while it was allowed stand where larger blocks want to go. */
static void madvise_is_forgotten(void)
{
    static const int number = SYS_madvise;

    for (size_t size = 200000; size < 4000000; size += size / 8)
        free(malloc(size - size / 16));
    forbid(&number, 1, ENOSYS);
    for (size_t size = 200000; size < 4000000; size += size / 8) {
        char *block = malloc(size);

        REQUIRE(block);
        memset(block, 1, size);
        free(block);
    }
    work();
}

/* What shrinks stays, with its contents, where what is behind cannot be closed. */
static void mprotect_is_forbidden(void)
{
    static const int number = SYS_mprotect;
    enum { WAS = 8000000, IS = 7500000 };
    char *block = malloc(WAS), *resized;

    REQUIRE(block);
    memset(block, 7, WAS);
    forbid(&number, 1, ENOMEM);
    resized = realloc(block, IS);
    if (!resized && strstr(getenv("WARD_OPTIONS") ? getenv("WARD_OPTIONS") : "", "pages"))
        return; /* there every block moves */
    REQUIRE(resized && resized[0] == 7 && resized[IS - 1] == 7);
    free(resized);
}
#else
static void getrandom_is_forbidden(void)
{
}

static void madvise_is_forgotten(void)
{
}

static void mprotect_is_forbidden(void)
{
}

static void without_optional_calls(void)
{
    printf("filters were not tried on this machine\n");
}
#endif

/* --- Descriptors, libraries ------------------------------------------------------------------- */

/* A container that has none. */
static void without_proc(void)
{
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/proc", "tmpfs", 0, NULL)) {
        printf("not root here: without /proc was not tried\n");
        return;
    }
    REQUIRE(access("/proc/self/exe", F_OK) != 0);
    work();
    execl(self, self, "work", (char *)NULL);
    _exit(2);
}

static void without_stdio(void)
{
    close(0), close(1), close(2);
    work();
    execl(self, self, "work", (char *)NULL);
    _exit(2);
}

static void libraries_come_and_go(void)
{
    for (int i = times(50); i; i--) {
        void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);

        REQUIRE(library && dlsym(library, "cos"));
        work();
        REQUIRE(dlclose(library) == 0);
        REQUIRE(!dlopen("no-such-library.so", RTLD_NOW));
        free(strdup(dlerror()));
    }
}

static const struct part {
    const char *name;
    void (*run)(void);
} parts[] = {
    { "thousands of threads", thousands_of_threads },
    { "small stacks", small_stacks },
    { "destructors that allocate", destructors_that_allocate },
    { "signals", signals_that_do_not_allocate },
    { "vfork, exec", vfork_and_exec },
    { "clone", clone_by_hand },
    { "children of children", children_of_children },
    { "children of threads without a block", children_of_threads_without_a_block },
    { "without optional calls", without_optional_calls },
    { "without markers", without_markers },
    { "getrandom is forbidden", getrandom_is_forbidden },
    { "madvise is forgotten", madvise_is_forgotten },
    { "mprotect is forbidden", mprotect_is_forbidden },
    { "without /proc", without_proc },
    { "without stdio", without_stdio },
    { "dlopen, dlclose", libraries_come_and_go },
};

int main(int argc, char **argv)
{
    int failures = 0;

    self = argv[0];
    if (argc > 1) {
        work();
        children_have_guards();
        many_big_blocks();
        return 0;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
            parts[i].run();
            _exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "%s: ended with %#x\n", parts[i].name, (unsigned)status);
            failures++;
        }
    }
    return failures != 0;
}
