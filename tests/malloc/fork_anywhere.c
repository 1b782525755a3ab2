/* SPDX-License-Identifier: MIT */
/*
 * fork_anywhere [VISITS ONE_IN]: a thread is stepped through operations of the malloc, and at each
 * ONE_IN-th instruction (8) that it comes to another one forks; if it comes there again, up to
 * VISITS times (1). In the child the stepped thread is no more, wherever it was. There all blocks
 * that were known are intact and can be freed, new ones overlap none of them, nothing is reported,
 * no more than the block in flight is lost, neither live nor free, and pages are kept as before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "step.h"

#if STEP_IS_THERE

enum { BLOCKS = 600, NEW = 150, MANY = 16000, PLACES = 1 << 16, BIG = 200 << 10, HUGE = 300 << 20 };
enum { MORE_HUGE = 400 << 20, MORE = 8000, MORE_BYTES = 8192, LESS = 7000, HELD = 300 };

struct block {
    unsigned char *at;
    size_t size;
};

/* What is known: by the thread that is stepped, and by the one that forks. A block in flight is
 * known to nobody. */
static struct block theirs[BLOCKS], mine[BLOCKS];

struct operation {
    const char *name;
    void (*prepare)(void);       /* by the thread */
    void (*prepare_other)(void); /* then by the one that forks */
    void (*run)(void);           /* by the thread, stepped */
    size_t size;                 /* of blocks to allocate in the child */
    size_t lost;                 /* bytes that may be lost */
};

/* --- Two threads in turn ---------------------------------------------------------------------- */

enum turn { FORKER, STEPPED, DONE };

static _Atomic uint32_t turn;

static void await(uint32_t other)
{
    while (turn == other)
        syscall(SYS_futex, &turn, FUTEX_WAIT, other, NULL, NULL, 0);
}

static void pass(uint32_t to)
{
    turn = to;
    syscall(SYS_futex, &turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static unsigned long most_visits = 1, one_in = 8, arrivals, steps;

static struct {
    uintptr_t at;
    unsigned long visits;
    bool is_chosen;
} places[PLACES];

static bool is_worth_a_visit(uintptr_t at)
{
    size_t i = at * UINT64_C(0x9e3779b97f4a7c15) % PLACES;

    while (places[i].at && places[i].at != at)
        i = (i + 1) % PLACES;
    if (places[i].at == 0) {
        places[i].at = at;
        places[i].is_chosen = arrivals++ % one_in == 0;
    }
    return places[i].is_chosen && places[i].visits++ < most_visits;
}

static void at_each_step(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *where = context;
    int before = errno;

    (void)signal, (void)info;
    steps++;
    if (is_worth_a_visit((uintptr_t)where->uc_mcontext.gregs[REG_RIP])) {
        pass(FORKER);
        await(FORKER);
    }
    errno = before;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

/* The ends and the beginning of what the pages hold. */
static void fill(const struct block *block, size_t seed)
{
    size_t shown = block->size < 64 ? block->size : 64;

    for (size_t i = 0; i < shown; i++)
        block->at[i] = block->at[block->size - 1 - i] = (unsigned char)(seed * 31 + 1);
}

static bool is_filled(const struct block *block, size_t seed)
{
    size_t shown = block->size < 64 ? block->size : 64;

    for (size_t i = 0; i < shown; i++)
        if (block->at[i] != (unsigned char)(seed * 31 + 1) ||
            block->at[block->size - 1 - i] != (unsigned char)(seed * 31 + 1))
            return false;
    return true;
}

/* A block is filled before it is known, and unknown before it goes: for the compiler, too. */
static void announce(struct block *to, struct block made, size_t seed)
{
    if (!made.at)
        abort();
    fill(&made, seed);
    to->size = made.size;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    to->at = made.at;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void *withdraw(struct block *from)
{
    void *at = from->at;

    from->at = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return at;
}

static void make(struct block *to, size_t size, size_t seed)
{
    announce(to, (struct block){ malloc(size), size }, seed);
}

static void drop(struct block *from)
{
    free(withdraw(from));
}

static void make_many(struct block *blocks, size_t from, size_t to, size_t size)
{
    for (size_t i = from; i < to; i++)
        make(&blocks[i], size, i);
}

static void drop_all(struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (blocks[i].at)
            drop(&blocks[i]);
}

static bool are_intact(const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (blocks[i].at && !is_filled(&blocks[i], i))
            return false;
    return true;
}

/* --- The child -------------------------------------------------------------------------------- */

enum verdict { FINE, BROKEN, OVERLAP, KEEPS_NONE, OPEN };

static struct block fresh[NEW];
static bool has_quarantine;

static void *allocate_first(void *unused)
{
    free(malloc(50));
    return unused;
}

/* In some children another thread is the first to need the malloc. */
static void start_a_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, allocate_first, NULL) || pthread_join(thread, NULL))
        abort();
}

static sigjmp_buf after_fault;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(after_fault, 1);
}

static bool can_read(const volatile unsigned char *at)
{
    if (sigsetjmp(after_fault, 1))
        return false;
    (void)*at;
    return true;
}

/* The guard behind a big block is at most a third of it away. */
static bool ends_at_a_guard(const struct block *block)
{
    const unsigned char *end = block->at + block->size, *most = end + block->size / 3;

    while (end < most && can_read(end))
        end += 4096;
    return end < most;
}

static bool all_end_at_guards(const struct block *blocks, size_t count)
{
    bool all = signal(SIGSEGV, on_fault) != SIG_ERR;

    for (size_t i = 0; i < count; i++)
        all = all && ends_at_a_guard(&blocks[i]);
    signal(SIGSEGV, SIG_DFL);
    return all;
}

static enum verdict go_on(size_t size)
{
    make_many(fresh, 0, NEW, size);
    if (size == BIG && !all_end_at_guards(fresh, NEW))
        return OPEN;
    if (!are_intact(theirs, BLOCKS) || !are_intact(mine, BLOCKS) || !are_intact(fresh, NEW))
        return OVERLAP;
    drop_all(fresh, NEW);
    return FINE;
}

/* Do spans that get free keep their pages for the next? Not if the child thinks that too many are
 * kept. First all spans are used that the operation may have left half way; those that then get
 * free have fewer bytes than each of these, and would not make up for one that was counted wrongly.
 */
static bool keeps_pages(size_t size)
{
    static void *held[HELD], *gone[HELD];
    size_t kept;

    for (size_t i = 0; i < HELD; i++)
        held[i] = malloc(size);
    kept = mallinfo2().keepcost;
    for (size_t i = 0; i < HELD; i++)
        gone[i] = malloc(LESS);
    for (size_t i = 0; i < HELD; i++)
        free(gone[i]);
    kept = mallinfo2().keepcost - kept;
    for (size_t i = 0; i < HELD; i++)
        free(held[i]);
    return kept != 0 && kept < SIZE_MAX / 2;
}

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* So many that this thread needs what slots there are in spans of others. */
static void take_all_and_free(size_t size)
{
    static void *all[MANY];
    size_t count = size < 1000 ? MANY : size < BIG ? MANY / 12 : 0;

    for (size_t i = 0; i < count; i++)
        all[i] = malloc(size);
    for (size_t i = 0; i < count; i++)
        free(all[i]);
}

/* Bytes of slots that are neither live nor free. With a quarantine, some are there. */
static size_t count_strays(void)
{
    static char text[16 << 10];
    FILE *to = fmemopen(text, sizeof text, "w");
    struct mallinfo2 info;
    size_t free_bytes = 0;

    if (!to || malloc_info(0, to) || fflush(to))
        abort();
    info = mallinfo2();
    for (const char *at = text; (at = strstr(at, "<size ")); at++)
        free_bytes += strtoul(strstr(at, "total=\"") + 7, NULL, 10);
    fclose(to);
    return has_quarantine ? 0 : info.fordblks - info.keepcost - free_bytes;
}

/* Shared with the children. */
static struct {
    size_t strays, in_use, strays_at_first, in_use_at_first;
} * counted;

/* Frees all there is, and counts what is left. */
static enum verdict child(const struct operation *operation, bool with_thread)
{
    size_t size = operation->size < HUGE ? operation->size : BIG;
    enum verdict verdict;

    if (!are_intact(theirs, BLOCKS) || !are_intact(mine, BLOCKS))
        return BROKEN;
    if (with_thread)
        start_a_thread();
    if (!has_quarantine && size == MORE && !keeps_pages(size))
        return KEEPS_NONE;
    verdict = go_on(size);
    drop_all(theirs, BLOCKS);
    drop_all(mine, BLOCKS);
    if (verdict == FINE)
        verdict = go_on(size);
    if (verdict == FINE)
        verdict = go_on(40);
    if (verdict != FINE)
        return verdict;
    if (!has_quarantine)
        take_all_and_free(size);
    counted->in_use = in_use();
    counted->strays = count_strays();
    return FINE;
}

/* --- Operations ------------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void some_blocks(void)
{
    make_many(theirs, 0, 100, 40);
}

static void allocate(void)
{
    for (size_t i = 100; i < 104; i++)
        make(&theirs[i], 40, i);
}

static void release(void)
{
    for (size_t i = 50; i < 54; i++)
        drop(&theirs[i]);
}

/* With gaps of free slots in spans that it left. */
static void many_blocks(void)
{
    make_many(theirs, 0, 400, MORE);
    for (size_t i = 0; i < 200; i += 3)
        drop(&theirs[i]);
}

/* Through hands that are used up, other spans, and ones that are made. */
static void allocate_on(void)
{
    for (size_t i = 400; i < 440; i++)
        make(&theirs[i], MORE, i);
}

/* Spans that get free of blocks go back, with quarantine much later. */
static void release_on(void)
{
    for (size_t i = 399; i > 360; i--)
        if (theirs[i].at)
            drop(&theirs[i]);
}

static void blocks_of_other(void)
{
    make_many(mine, 0, 100, 40);
}

static void release_remote(void)
{
    for (size_t i = 20; i < 24; i++)
        drop(&mine[i]);
}

/* The one that forks frees blocks of the thread that is stepped. */
static void many_of_40(void)
{
    make_many(theirs, 0, BLOCKS - 10, 40);
}

static void free_theirs(void)
{
    for (size_t i = 0; i < 500; i++)
        drop(&theirs[i]);
}

static void allocate_and_fold(void)
{
    for (size_t i = 0; i < 300; i++)
        if (!theirs[i].at)
            make(&theirs[i], 40, i);
}

static void big_blocks(void)
{
    make_many(theirs, 0, 4, BIG);
}

static void big_in_and_out(void)
{
    make(&theirs[5], BIG, 5);
    drop(&theirs[1]);
    make(&theirs[6], BIG, 6);
}

static void free_big_blocks(void)
{
    big_blocks();
    for (size_t i = 0; i < 4; i++)
        drop(&theirs[i]);
}

/* In the place of one that was freed, with the guard farther away; there it grows once more. */
static void somewhat_larger(void)
{
    make(&theirs[5], BIG + 4096, 5);
    announce(&theirs[5], (struct block){ realloc(withdraw(&theirs[5]), BIG + 9000), BIG + 9000 },
             5);
}

static void huge_in_and_out(void)
{
    make(&theirs[5], HUGE, 5);
    drop(&theirs[5]);
}

static void a_huge_block(void)
{
    make(&theirs[5], HUGE, 5);
}

static void resize_huge(void)
{
    announce(&theirs[5], (struct block){ realloc(withdraw(&theirs[5]), MORE_HUGE), MORE_HUGE }, 5);
}

static void resize(void)
{
    announce(&theirs[7], (struct block){ realloc(withdraw(&theirs[7]), 1000), 1000 }, 7);
}

static void clear(void)
{
    announce(&theirs[200], (struct block){ calloc(1, 40), 40 }, 200);
}

static void align(void)
{
    announce(&theirs[200], (struct block){ memalign(256, 700), 700 }, 200);
}

static void trim(void)
{
    malloc_trim(0);
}

static void release_many(void)
{
    many_blocks();
    drop_all(theirs, BLOCKS);
}

/* What runs when a thread that had blocks ends, and when one begins. */
static void stop_stepping(void *unused)
{
    (void)unused;
    STEP_OFF();
}

static void *live_and_end(void *unused)
{
    pthread_key_t last; /* after the malloc's own */

    (void)unused;
    if (pthread_key_create(&last, stop_stepping))
        abort();
    pthread_setspecific(last, &turn);
    STEP_ON();
    make(&theirs[300], 40, 300);
    make(&theirs[301], 40, 301);
    drop(&theirs[300]);
    return NULL;
}

static void end_of_thread(void)
{
    pthread_t thread;

    STEP_OFF();
    if (pthread_create(&thread, NULL, live_and_end, NULL))
        abort();
    pthread_join(thread, NULL);
}

enum { THREAD = 320 }; /* what the C library has for it */

static const struct operation operations[] = {
    { "malloc", some_blocks, nothing, allocate, 40, 48 },
    { "free", some_blocks, nothing, release, 40, 48 },
    { "malloc, other spans", many_blocks, nothing, allocate_on, MORE, MORE_BYTES },
    { "free, spans without a block", many_blocks, nothing, release_on, MORE, MORE_BYTES },
    { "free of another's", nothing, blocks_of_other, release_remote, 40, 4 * 48 }, /* to fold */
    { "malloc, what others freed", many_of_40, free_theirs, allocate_and_fold, 40, 48 },
    { "big blocks", big_blocks, nothing, big_in_and_out, BIG, BIG + 65536 },
    { "larger big blocks", free_big_blocks, nothing, somewhat_larger, BIG, BIG + 65536 },
    { "a mapping", nothing, nothing, huge_in_and_out, HUGE, HUGE + 65536 },
    { "realloc of a mapping", a_huge_block, nothing, resize_huge, HUGE, HUGE + MORE_HUGE + 131072 },
    { "realloc", some_blocks, nothing, resize, 40, 48 + 1024 },
    { "calloc", some_blocks, nothing, clear, 40, 48 },
    { "memalign", some_blocks, nothing, align, 700, 1024 }, /* of a class in use */
    { "malloc_trim", release_many, nothing, trim, MORE, 0 },
    { "a thread that ends", some_blocks, nothing, end_of_thread, 40, 48 + THREAD },
};

/* --- All of it -------------------------------------------------------------------------------- */

static int failures;

static void judge(const struct operation *operation, int status)
{
    static const char *const verdicts[8] = { "", "a block is broken", "blocks overlap",
                                             "no pages are kept", "a block has no guard" };

    if (status == 0 && (counted->in_use > counted->in_use_at_first + operation->lost ||
                        counted->strays > counted->strays_at_first + operation->lost)) {
        fprintf(stderr, "%s, step %lu: %zu bytes live, not %zu, and %zu astray, not %zu\n",
                operation->name, steps, counted->in_use, counted->in_use_at_first, counted->strays,
                counted->strays_at_first);
        failures++;
    } else if (status != 0) {
        fprintf(stderr, "%s, step %lu: the child ended with %#x %s\n", operation->name, steps,
                (unsigned)status, WIFEXITED(status) ? verdicts[WEXITSTATUS(status) & 7] : "");
        failures++;
    }
}

static void fork_once(const struct operation *operation, bool with_thread)
{
    int status = -1;
    pid_t pid = fork();

    if (pid < 0)
        abort();
    if (pid == 0)
        _exit((int)child(operation, with_thread));
    if (waitpid(pid, &status, 0) != pid)
        abort();
    judge(operation, status);
}

static const struct operation *current;

static void *stepped(void *unused)
{
    free(malloc(40)); /* so that it has spans in any case */
    current->prepare();
    pass(FORKER); /* who prepares, too */
    await(FORKER);
    STEP_ON();
    current->run();
    STEP_OFF();
    pass(DONE);
    return unused;
}

static void try(const struct operation *operation)
{
    unsigned long forks = 0;
    pthread_t thread;

    current = operation;
    steps = 0;
    memset(places, 0, sizeof places);
    turn = STEPPED;
    if (pthread_create(&thread, NULL, stepped, NULL))
        abort();
    await(STEPPED);
    operation->prepare_other();
    counted->in_use_at_first = counted->strays_at_first = SIZE_MAX / 2;
    fork_once(operation, false);
    counted->in_use_at_first = counted->in_use;
    counted->strays_at_first = counted->strays;
    for (pass(STEPPED), await(STEPPED); turn != DONE; pass(STEPPED), await(STEPPED))
        if (failures < 10)
            fork_once(operation, forks++ % 4 == 3);
    pthread_join(thread, NULL);
    drop_all(theirs, BLOCKS);
    drop_all(mine, BLOCKS);
    printf("%s: %lu instructions, %lu forks\n", operation->name, steps, forks);
    fflush(stdout);
    if (forks < 3) {
        fprintf(stderr, "%s was not stepped through\n", operation->name);
        failures++;
    }
}

int main(int argc, char **argv)
{
    struct sigaction step = { .sa_sigaction = at_each_step, .sa_flags = SA_SIGINFO };
    const char *options = getenv("WARD_OPTIONS");

    if (argc > 2) {
        most_visits = strtoul(argv[1], NULL, 0);
        one_in = strtoul(argv[2], NULL, 0);
    }
    if (options && strstr(options, "profile=pages"))
        one_in *= 16; /* each block has pages of its own: forks of many take long */
    has_quarantine = !options || !strstr(options, "profile=fast");
    counted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counted == MAP_FAILED || sigaction(SIGTRAP, &step, NULL))
        abort();
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (one_in <= 8 || operations[i].size == 40)
            try(&operations[i]);
    return failures != 0;
}

#else

int main(void)
{
    printf("instructions are not stepped through on this machine\n");
    return 77;
}

#endif
