/* SPDX-License-Identifier: MIT */
/*
 * The malloc's records behind a protection key: who reads or writes them from outside of the malloc
 * is stopped and told what it was, and can where they are not locked; what the malloc is for goes
 * on working. Needs a machine with protection keys: tests/vm/run has one.
 *
 * Each case is this program again, with the options and one of the words below: as a linked
 * malloc takes them from the environment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "malloc/guarded.h"
#include "malloc/quarantine.h"

enum { SKIP = 77, KEYS = 16, TEXT = 16 << 10 };

/* --- Where records are ------------------------------------------------------------------------ */

/* The root is the first mapping behind the malloc's image that is read-only and of no file. */
static const struct ward_root *find_root(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    uintptr_t from, root = 0;
    bool is_behind = false;
    char line[512], prot[5];

    while (maps && !root && fgets(line, sizeof line, maps)) {
        is_behind |= strstr(line, "libward-malloc") != NULL;
        if (is_behind && !strchr(line, '/') && sscanf(line, "%lx-%*x %4s", &from, prot) == 2 &&
            strcmp(prot, "r--p") == 0)
            root = from;
    }
    if (maps)
        fclose(maps);
    return (const struct ward_root *)root;
}

/* What is attacked, and by which choice of lock= it cannot be. */
static const struct part {
    const char *name, *said;
    size_t offset; /* in the root: of the part, or of a pointer to it */
    bool is_pointer, cold, writable;
} parts[] = {
    { "owner", "record of a thread", offsetof(struct ward_root, owners), true, false, true },
    { "span", "record of a span", offsetof(struct ward_root, classes[3].records), true, false,
      true },
    { "queue", "quarantine of a thread", offsetof(struct ward_root, queues), true, false, true },
    { "pools", "pools of spans", offsetof(struct ward_root, pools), false, false, true },
    { "limits", "pools of spans", offsetof(struct ward_root, limits), false, false, true },
    { "secrets", "keys of the canaries", offsetof(struct ward_root, canary), false, false, false },
    { "huge", "table of the largest blocks", offsetof(struct ward_root, huge), true, true, true },
    { "traces", "recorded stacks", offsetof(struct ward_root, traces), true, true, true },
    { "guarded", "record of a block at a guard page",
      offsetof(struct ward_root, guarded.classes[0].slots), true, true, false },
};

enum { PARTS = sizeof parts / sizeof *parts };

static volatile unsigned char *part_at(const struct part *part)
{
    const unsigned char *root = (const unsigned char *)find_root();
    uintptr_t at = (uintptr_t)root + part->offset;

    if (!root)
        exit(3);
    if (part->is_pointer)
        memcpy(&at, root + part->offset, sizeof at);
    if (strcmp(part->name, "queue") == 0) /* the first is nobody's */
        at += sizeof(struct waiting);
    if (strcmp(part->name, "owner") == 0)
        at += sizeof(struct owner);
    return (volatile unsigned char *)at;
}

/* --- Attacks: 0 if they succeed --------------------------------------------------------------- */

static int read_part(const struct part *part)
{
    return (void)*part_at(part), 0;
}

static int write_part(const struct part *part)
{
    volatile unsigned char *at = part_at(part);

    *at = (unsigned char)~*at;
    *at = (unsigned char)~*at;
    return 0;
}

/* The thread's pointer to its owner stands among the variables of the thread: one that the
 * program made up instead issues the block that the program chose. */
static int steal(void)
{
    static struct owner fake;
    static _Atomic uint16_t state = SLOT_FREE;
    static unsigned char target[4096];
    const struct ward_root *root = find_root();
    uintptr_t *at, wanted = (uintptr_t)root->owners + sizeof(struct owner);

    __asm__("mov %%fs:0, %0" : "=r"(at));
    while (*at != wanted)
        at--;
    for (unsigned class = 0; class < CLASS_SMALL; class ++)
        fake.hands[class] = (struct hand){ .block = target,
                                           .state = &state,
                                           .bytes = (uint32_t)root->classes[class].bytes };
    *at = (uintptr_t)&fake;
    wanted = (uintptr_t)malloc(100) - (uintptr_t)target;
    _exit(wanted == 0 ? 0 : 4);
}

/* --- Work ------------------------------------------------------------------------------------- */

#define EXPECT(WHAT)                                                                               \
    do {                                                                                           \
        if (!(WHAT)) {                                                                             \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #WHAT);                             \
            _exit(5);                                                                              \
        }                                                                                          \
    } while (0)

/* A bit for each key: no access. */
static uint32_t rights(void)
{
    uint32_t now, high;

    __asm__ volatile(".byte 0x0f, 0x01, 0xee" /* rdpkru */ : "=a"(now), "=d"(high) : "c"(0));
    return now & 0x55555555;
}

static void churn(unsigned seed)
{
    enum { COUNT = 300 };
    static _Thread_local unsigned char *blocks[COUNT];

    for (unsigned turn = 0; turn < 600; turn++) {
        unsigned i = (seed = seed * 1103515245 + 12345) / 65536 % COUNT;
        size_t size = seed % 7 ? seed / 7 % 600 : seed / 7 % 200000;

        if (turn % 3 == 0)
            blocks[i] = realloc(blocks[i], size + 1);
        else if (turn % 3 == 1)
            free(blocks[i]), blocks[i] = calloc(1, size + 1);
        else
            free(blocks[i]), blocks[i] = aligned_alloc(64, size + 1);
        EXPECT(blocks[i] && malloc_usable_size(blocks[i]) == size + 1);
        memset(blocks[i], (int)i, size + 1);
    }
    for (unsigned i = 0; i < COUNT; i++)
        free(blocks[i]), blocks[i] = NULL;
}

static void *of_others; /* allocated by one thread, freed by another */

static void *run_thread(void *arg)
{
    uint32_t before = rights();

    churn((unsigned)(uintptr_t)arg);
    free(of_others);
    of_others = malloc(100);
    EXPECT(rights() == before);
    return NULL;
}

static void try_threads(void)
{
    for (uintptr_t i = 0; i < 8; i++) {
        pthread_t threads[2];

        EXPECT(!pthread_create(&threads[0], NULL, run_thread, (void *)(2 * i)));
        pthread_join(threads[0], NULL);
        EXPECT(!pthread_create(&threads[1], NULL, run_thread, (void *)(2 * i + 1)));
        churn((unsigned)i);
        pthread_join(threads[1], NULL);
    }
    free(of_others);
}

static void try_fork(void)
{
    pthread_t thread;
    int status;
    pid_t child;

    of_others = NULL;
    EXPECT(!pthread_create(&thread, NULL, run_thread, NULL));
    child = fork();
    if (child == 0) {
        churn(1);
        _exit(0);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    pthread_join(thread, NULL);
}

static void try_large(void)
{
    char *block = malloc((size_t)300 << 20);

    EXPECT(block);
    block[0] = block[((size_t)300 << 20) - 1] = 1;
    EXPECT(malloc_usable_size(block) == (size_t)300 << 20);
    EXPECT(mallinfo2().uordblks + mallinfo2().hblkhd > (size_t)300 << 20);
    free(block);
    (void)malloc_trim(0);
}

/* A new-handler that never returns. */
static jmp_buf out;

static void jump(void)
{
    longjmp(out, 1);
}

typedef void handler(void);

handler *get_handler(void) __asm__("_ZSt15get_new_handlerv");
void *new_block(size_t size) __asm__("_Znwm");
void delete_block(void *block) __asm__("_ZdlPv");
void delete_sized(void *block, size_t size) __asm__("_ZdlPvm");

handler *get_handler(void)
{
    return jump;
}

static void try_new(void)
{
    uint32_t before = rights();
    volatile size_t much = PTRDIFF_MAX, most = SIZE_MAX;

    EXPECT(!malloc(most) && !malloc(much));
    delete_block(new_block(100));
    delete_sized(new_block(100), 100);
    if (!setjmp(out)) {
        (void)new_block(much);
        _exit(7); /* it came back */
    }
    EXPECT(rights() == before);
    delete_block(new_block(100));
}

/* A handler has the rights of a new thread, and the malloc its own again when it is left. */
static volatile sig_atomic_t ticks;

static void tick(int sig)
{
    (void)sig;
    ticks++;
}

static void try_signals(void)
{
    struct sigaction action = { .sa_handler = tick };
    timer_t timer;
    struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };

    EXPECT(!sigaction(SIGALRM, &action, NULL));
    EXPECT(!timer_create(CLOCK_MONOTONIC, NULL, &timer));
    EXPECT(!timer_settime(timer, 0, &often, NULL));
    for (unsigned seed = 0; ticks < 20; seed++)
        churn(seed);
    EXPECT(!timer_delete(timer));
}

/* The program's own key is as the program set it. */
static void try_own_key(void)
{
    int key = pkey_alloc(0, 0);

    EXPECT(key > 0);
    churn(1);
    EXPECT(pkey_get(key) == 0);
    EXPECT(!pkey_set(key, PKEY_DISABLE_WRITE));
    churn(2);
    EXPECT(pkey_get(key) == PKEY_DISABLE_WRITE);
}

static int work(void)
{
    uint32_t before;

    free(malloc(1));
    before = rights();
    try_threads();
    try_fork();
    try_large();
    try_new();
    try_signals();
    EXPECT(rights() == before);
    try_own_key();
    return 0;
}

/* All keys are the program's before the first block is asked for. */
static int work_without_keys(void)
{
    while (pkey_alloc(0, 0) > 0)
        ;
    churn(1);
    try_threads();
    return 0;
}

/* These calls answer EPERM from now on. */
static void forbid_keys(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_pkey_mprotect, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_pkey_free, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

    EXPECT(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EXPECT(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
    EXPECT(pkey_alloc(0, 0) < 0 && errno == EPERM);
}

/* What is opened later is locked all the same. */
static int work_after_filter(void)
{
    free(malloc(1));
    forbid_keys();
    try_threads();
    for (unsigned i = 0; i < 100000; i++)
        EXPECT(malloc(100));
    return write_part(&parts[1]);
}

static int work_behind_filter(void)
{
    forbid_keys();
    return work_without_keys();
}

/* --- A case ----------------------------------------------------------------------------------- */

static int do_case(const char *word)
{
    void *block = malloc(50);

    free(malloc(50));
    for (unsigned i = 0; i < PARTS; i++)
        if (strcmp(word + 1, parts[i].name) == 0)
            return word[0] == 'w' ? write_part(&parts[i]) : read_part(&parts[i]);
    free(block);
    if (strcmp(word, "steal") == 0)
        return steal();
    if (strcmp(word, "sized") == 0)
        return delete_sized(new_block(100), 63), 0;
    if (strcmp(word, "wild") == 0)
        return free((char *)malloc(50) + ((size_t)1 << 30)), 0;
    return strcmp(word, "work") == 0 ? work() : 6;
}

struct ended {
    int status;
    char text[TEXT];
};

static void run(struct ended *ended, char *self, const char *options, const char *word)
{
    char setting[128];
    size_t len = 0;
    int pipes[2];
    ssize_t got;
    pid_t child;

    snprintf(setting, sizeof setting, "WARD_OPTIONS=%s", options);
    EXPECT(!pipe(pipes));
    child = fork();
    if (child == 0) {
        char *const environment[] = { setting, NULL };

        dup2(pipes[1], STDERR_FILENO);
        execve(self, (char *const[]){ self, (char *)(uintptr_t)word, NULL }, environment);
        _exit(127);
    }
    close(pipes[1]);
    while (len < TEXT - 1 && (got = read(pipes[0], ended->text + len, TEXT - 1 - len)) > 0)
        len += (size_t)got;
    ended->text[len] = '\0';
    close(pipes[0]);
    EXPECT(waitpid(child, &ended->status, 0) == child);
}

static bool failed;

/* sig: 0: it ends well. said: part of what it must have said; NULL: nothing at all. */
static void expect(char *self, const char *options, const char *word, int sig, const char *said)
{
    static struct ended ended;
    bool right;

    run(&ended, self, options, word);
    right = sig ? WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == sig : ended.status == 0;
    if (right && (said ? strstr(ended.text, said) != NULL : !*ended.text))
        return;
    failed = true;
    printf("%s %s: status %x, not signal %d and \"%s\":\n%s\n", options, word,
           (unsigned)ended.status, sig, said ? said : "", ended.text);
}

enum { OPEN, COLD, ALL };

static void expect_parts(char *self, const char *options, int lock)
{
    bool is_strict = strncmp(options, "strict", 6) == 0;

    for (unsigned i = 0; i < PARTS; i++) {
        bool dies = lock == ALL || (lock == COLD && parts[i].cold);
        char word[16];

        if (!is_strict && strcmp(parts[i].name, "queue") == 0)
            continue;
        snprintf(word, sizeof word, "r%s", parts[i].name);
        expect(self, options, word, dies ? SIGSEGV : 0, dies ? parts[i].said : NULL);
        word[0] = 'w';
        if (parts[i].writable)
            expect(self, options, word, dies ? SIGSEGV : 0, dies ? parts[i].said : NULL);
    }
}

static void expect_all(char *self)
{
    static const char *const locked[] = {
        "balanced:lock=all", "strict:lock=all", "strict:stacks=all:lock=all",
        "pages:lock=all",    "strict",          "pages:lock=cold"
    };

    for (unsigned i = 0; i < sizeof locked / sizeof *locked; i++) {
        char options[64];

        snprintf(options, sizeof options, "profile=%s", locked[i]);
        expect(self, options, "work", 0, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "none_left") == 0)
            return work_without_keys();
        if (strcmp(argv[1], "after_filter") == 0)
            return work_after_filter();
        return strcmp(argv[1], "behind_filter") == 0 ? work_behind_filter() : do_case(argv[1]);
    }
    if (pkey_alloc(0, 0) < 0) {
        puts("this machine has no protection keys");
        return SKIP;
    }
    expect_parts(argv[0], "profile=strict:stacks=all:lock=off", OPEN);
    expect_parts(argv[0], "profile=strict:stacks=all", COLD);
    expect_parts(argv[0], "profile=strict:stacks=all:lock=all", ALL);
    expect_parts(argv[0], "profile=balanced:stacks=all", OPEN);
    expect_parts(argv[0], "profile=balanced:stacks=all:lock=all", ALL);
    expect_all(argv[0]);
    expect(argv[0], "profile=balanced", "steal", 0, NULL);
    expect(argv[0], "profile=balanced:lock=all", "steal", SIGABRT, "WARD-METADATA");
    expect(argv[0], "profile=pages:lock=cold", "sized", SIGABRT, "WARD-WRONG-SIZE");
    expect(argv[0], "profile=strict", "wild", SIGABRT, "WARD-WILD-FREE");
    expect(argv[0], "profile=strict:stats=all", "work", 0, ", some records locked");
    expect(argv[0], "profile=pages:lock=all:stats=all", "work", 0, ", all records locked");
    expect(argv[0], "profile=strict:lock=all", "after_filter", SIGSEGV, "record of a span");
    expect(argv[0], "profile=strict:lock=all", "behind_filter", 0, "no protection key");
    expect(argv[0], "profile=strict:lock=all", "none_left", 0, "no protection key can be had");
    expect(argv[0], "profile=strict", "none_left", 0, "no protection key can be had");
    return failed;
}
