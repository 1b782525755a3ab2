/* SPDX-License-Identifier: MIT */
/*
 * Calls whose memory another thread takes away, closes and rewrites meanwhile, on the other CPU.
 * Bounded by rounds, not by time. Every answer must be one that some order of the two could give.
 */
#include "user.h"

enum { ROUNDS = 160, PAGES = 4 };

static char *area;
static uint32_t stop, stopped;
static int64_t file;
static int32_t fds[2];

/* --- What the other thread does --------------------------------------------------------------- */

static void stop_others(void)
{
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE))
        (void)CALL(CALL_YIELD);
}

static void end_thread(void)
{
    __atomic_store_n(&stopped, 1, __ATOMIC_RELEASE);
}

static void unmap_and_map(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        (void)CALL(CALL_UNMAP, AT(area), PAGES * PAGE);
        (void)CALL(CALL_MAP, AT(area), PAGES * PAGE, WARD_RW);
    }
    end_thread();
}

static void close_and_open(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        (void)CALL(CALL_PROTECT, AT(area) + PAGE, PAGE, WARD_NONE);
        (void)CALL(CALL_PROTECT, AT(area) + PAGE, PAGE, WARD_READ);
        (void)CALL(CALL_PROTECT, AT(area) + PAGE, PAGE, WARD_RW);
    }
    end_thread();
}

static void rewrite(void *argument)
{
    volatile uint64_t *words = (volatile uint64_t *)(void *)area;

    (void)argument;
    for (uint64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
        words[0] = i % 2 ? AT(area) + PAGE : ~UINT64_C(0) << 12;
        words[1] = i % 3 ? 64 : UINT64_MAX;
        words[i % (PAGE / 8)] = i % 5 ? UINT64_C(0x4141414141414141) : 0;
    }
    end_thread();
}

static void fork_again_and_again(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        int64_t pid = CALL(CALL_FORK);

        if (pid == 0)
            quit(0);
        (void)CALL(CALL_WAIT, 0);
    }
    end_thread();
}

/* --- What this one does ----------------------------------------------------------------------- */

static int64_t is_one_of(const char *what, int64_t got, int64_t least, int64_t most, int64_t error,
                         int64_t other)
{
    if ((got >= least && got <= most) || got == error || got == other)
        return got;
    say("%s answers %d\n", what, got);
    quit(1);
}

/* What has come into the pipe goes out again. */
static void drain(int64_t n)
{
    char bytes[64];

    while (n > 0)
        n -= CALL(CALL_READ, fds[0], AT(bytes), n < 64 ? n : 64);
    EXPECT(n <= 0);
}

static void calls_on_area(void)
{
    is_one_of("read", CALL(CALL_READ, file, AT(area) + PAGE - 100, 2 * PAGE), 0, 2 * PAGE, -EFAULT,
              0);
    drain(is_one_of("write", CALL(CALL_WRITE, fds[1], AT(area) + PAGE - 8, 64), 0, 64, -EFAULT, 0));
    is_one_of("open", CALL(CALL_OPEN, AT(area) + PAGE - 4), 0, -1, -EFAULT, -ENOENT);
    (void)CALL(CALL_OPEN, AT(area)); /* of no length that is known, and no name that is */
}

static void words_on_area(void)
{
    is_one_of("clock", CALL(CALL_CLOCK, AT(area) + PAGE), 0, 0, -EFAULT, 0);
    is_one_of("futex", CALL(CALL_FUTEX_WAIT, AT(area) + PAGE, 3), 0, -1, -EFAULT, -EAGAIN);
    drain(is_one_of("writev", CALL(CALL_WRITEV, fds[1], AT(area), 1), 0, 64, -EFAULT, -EINVAL));
    is_one_of("info", CALL(CALL_INFO, AT(area) + PAGE - 16, sizeof(struct info)), 0, 0, -EFAULT, 0);
}

static void whole_calls_on_area(void)
{
    int64_t pid = CALL(CALL_GETPID);
    int64_t error = CALL(CALL_EXEC, AT("nothing"), AT(area), AT(area) + PAGE);

    EXPECT(error == -ENOENT || error == -EFAULT || error == -E2BIG);
    is_one_of("peek", CALL(CALL_PEEK, pid, AT(area) + PAGE - 8, AT(area) + 2 * PAGE - 8, 64), 0, 0,
              -EFAULT, 0);
    is_one_of("poke", CALL(CALL_POKE, pid, AT(area) + PAGE - 8, AT(area) + 2 * PAGE - 8, 64), 0, 0,
              -EFAULT, 0);
    if (is_one_of("pin", CALL(CALL_PIN, AT(area) + 8, 8, WARD_WRITE, AT(area) + PAGE), 0, 0,
                  -EFAULT, 0) == 0)
        EXPECT_IS(0, CALL(CALL_UNPIN, 0)); /* what it wrote may be written over */
    EXPECT_IS(-EINVAL, CALL(CALL_UNPIN, 0));
}

static void race(void (*other)(void *), int rounds)
{
    stop = stopped = 0;
    start_thread(other, 0);
    for (int i = 0; i < rounds; i++) {
        file = CALL(CALL_OPEN, AT("init"));
        EXPECT(file >= 0);
        calls_on_area();
        words_on_area();
        whole_calls_on_area();
        EXPECT_IS(0, CALL(CALL_CLOSE, file));
    }
    stop_others();
    EXPECT_IS((int64_t)AT(area), CALL(CALL_MAP, AT(area), PAGES * PAGE, WARD_RW));
}

/* --- Stale translations ----------------------------------------------------------------------- */

static volatile uint64_t *victim;

static void write_victim(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
        for (int i = 0; i < 64; i++)
            victim[100] = UINT64_C(0x5717e5717e);
    end_thread();
}

/* The victim gets a new frame while the other thread writes to it; its old frame becomes another
 * page. How often does a write arrive there? */
static int count_stale_writes(int rounds, int enough)
{
    volatile uint64_t *page = (volatile uint64_t *)(void *)map(2 * PAGE);
    int stale = 0;

    page[512] = 1; /* the tables are there */
    victim = (volatile uint64_t *)(void *)map(PAGE);
    stop = stopped = 0;
    start_thread(write_victim, 0);
    for (int i = 0; i < rounds && stale < enough; i++) {
        victim[100] = 1;
        EXPECT(CALL(CALL_MAP, AT(victim), PAGE, WARD_RW) > 0);
        page[0] = 1; /* the frame that was just freed */
        for (int spin = 0; spin < 2000 && page[100] == 0; spin++)
            __asm__ volatile("" : : : "memory");
        stale += page[100] != 0;
        EXPECT_IS((int64_t)AT(page), CALL(CALL_MAP, AT(page), PAGE, WARD_RW));
    }
    stop_others();
    return stale;
}

static int without_shootdowns(void *argument)
{
    (void)argument;
    return count_stale_writes(20000, 1);
}

static int with_shootdowns(void *argument)
{
    (void)argument;
    return count_stale_writes(200, 1);
}

/* --- Interrupts ------------------------------------------------------------------------------- */

static void ticks_strike_during_accesses(void)
{
    struct info first = info_get(), now = first;

    for (int i = 0;
         i < 200000 && (now.window_hits == first.window_hits || now.samples == first.samples);
         i++) {
        file = CALL(CALL_OPEN, AT("init"));
        EXPECT(CALL(CALL_READ, file, AT(area), PAGES * PAGE) > 0);
        EXPECT_IS(0, CALL(CALL_CLOSE, file));
        now = info_get();
    }
    EXPECT(now.window_hits > first.window_hits && now.samples > first.samples);
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    area = map(PAGES * PAGE);
    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    race(unmap_and_map, ROUNDS);
    race(close_and_open, ROUNDS);
    race(rewrite, ROUNDS);
    race(fork_again_and_again, ROUNDS / 4);
    EXPECT_IS(0, run_child(with_shootdowns, 0));
    EXPECT_IS(0, CALL(CALL_TEST, TEST_SHOOTDOWN, 0));
    EXPECT_IS(1, run_child(without_shootdowns, 0));
    EXPECT_IS(0, CALL(CALL_TEST, TEST_SHOOTDOWN, 1));
    ticks_strike_during_accesses();
    return 0;
}
