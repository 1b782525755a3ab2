/* SPDX-License-Identifier: MIT */
/* Pages: zeroes on demand, copies on write, pins, protection, other processes. */
#include "machine_user.h"
#include "user.h"

static char *shared;

static bool is_all(const char *bytes, char value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static void pages_come_when_they_are_touched(void)
{
    struct info before = info_get(), after;
    char *pages = map(256 * PAGE);

    EXPECT(info_get().frames - before.frames < 8);
    EXPECT(is_all(pages + 100 * PAGE, 0, PAGE));
    pages[7 * PAGE] = 1;
    after = info_get();
    EXPECT(after.frames > before.frames && after.frames - before.frames < 16);
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(pages), 256 * PAGE));
}

/* A page that was somebody's comes back empty. */
static void no_byte_comes_back(void)
{
    for (int round = 0; round < 4; round++) {
        char *pages = map(16 * PAGE);

        EXPECT(is_all(pages, 0, 16 * PAGE));
        memset(pages, 0x77, 16 * PAGE);
        EXPECT_IS(0, CALL(CALL_UNMAP, AT(pages), 16 * PAGE));
    }
}

static int write_in_child(void *argument)
{
    (void)argument;
    if (!is_all(shared, 1, 4 * PAGE))
        return 1;
    memset(shared, 2, 2 * PAGE);
    return is_all(shared, 2, 2 * PAGE) && is_all(shared + 2 * PAGE, 1, 2 * PAGE) ? 0 : 2;
}

static void a_child_has_its_own(void)
{
    shared = map(4 * PAGE);
    memset(shared, 1, 4 * PAGE);
    EXPECT_IS(0, run_child(write_in_child, 0));
    EXPECT(is_all(shared, 1, 4 * PAGE));
}

/* The kernel's writes break sharing as the user's do. */
static int write_by_call(void *argument)
{
    (void)argument;
    if (CALL(CALL_CLOCK, AT(shared)) != 0)
        return 1;
    return is_all(shared, 1, 8) ? 2 : 0;
}

static void calls_write_to_the_callers_copy(void)
{
    memset(shared, 1, PAGE);
    EXPECT_IS(0, run_child(write_by_call, 0));
    EXPECT(is_all(shared, 1, PAGE));
}

static void calls_bring_pages_in(void)
{
    char *fresh = map(4 * PAGE);

    EXPECT_IS(0, CALL(CALL_CLOCK, AT(fresh) + 8));
    EXPECT(!is_all(fresh, 0, 16));
    EXPECT_IS(0, CALL(CALL_PEEK, CALL(CALL_GETPID), AT(shared), AT(fresh) + PAGE - 100, 4096));
    EXPECT(is_all(fresh + PAGE - 100, 1, 4096));
}

static int wait_for_word(void *argument)
{
    volatile uint32_t *word = (volatile uint32_t *)argument;

    while (*word == 0)
        (void)CALL(CALL_YIELD);
    return (int)*word;
}

/* Into a process that does not run here: its copy is written, not ours. */
static void another_process_is_reached(void)
{
    uint32_t *word = (uint32_t *)(void *)map(PAGE), value = 5;
    int64_t pid;
    int32_t status = 0;

    *word = 0;
    pid = CALL(CALL_FORK);
    if (pid == 0)
        quit(wait_for_word(word));
    EXPECT_IS(0, CALL(CALL_POKE, pid, AT(word), AT(&value), sizeof value));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == 5 && *word == 0);
    EXPECT_IS(-ESRCH, CALL(CALL_POKE, pid, AT(word), AT(&value), sizeof value));
}

static void protection_holds_for_calls(void)
{
    char *page = map(2 * PAGE);

    page[0] = 1;
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(page), PAGE, WARD_READ));
    EXPECT_IS(-EFAULT, CALL(CALL_CLOCK, AT(page)));
    EXPECT_IS(1, CALL(CALL_TEST, TEST_NOFAULT, AT(page)));
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(page), PAGE, WARD_NONE));
    EXPECT_IS(-EFAULT, CALL(CALL_TEST, TEST_NOFAULT, AT(page)));
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(page), PAGE, WARD_RW));
    EXPECT(page[0] == 1);
    EXPECT_IS(0, CALL(CALL_CLOCK, AT(page)));
}

/* A word of eight bytes has a way of its own through the gates. */
static void single_words_fault_as_others(void)
{
    char *pages = map(2 * PAGE);
    uint64_t *word = (uint64_t *)(void *)(pages + 8), *hole = word + PAGE / sizeof *word, got = 0;
    int32_t fds[2];

    EXPECT_IS(0, CALL(CALL_UNMAP, AT(pages) + PAGE, PAGE));
    EXPECT_IS(0, CALL(CALL_PIPE, AT(fds)));
    EXPECT_IS(-EFAULT, CALL(CALL_WRITE, fds[1], AT(hole), 8));
    EXPECT_IS(8, CALL(CALL_WRITE, fds[1], AT(word), 8)); /* which is brought in */
    *word = UINT64_C(0x1122334455667788);
    EXPECT_IS(8, CALL(CALL_WRITE, fds[1], AT(word), 8));
    EXPECT_IS(-EFAULT, CALL(CALL_READ, fds[0], AT(hole), 8));
    EXPECT_IS(8, CALL(CALL_READ, fds[0], AT(&got), 8));
    EXPECT(got == 0);
    EXPECT_IS(8, CALL(CALL_READ, fds[0], AT(&got), 8));
    EXPECT(got == *word);
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[0]));
    EXPECT_IS(0, CALL(CALL_CLOSE, fds[1]));
}

static int write_to(void *argument)
{
    *(volatile char *)argument = 1;
    return 0;
}

static int read_from(void *argument)
{
    return *(volatile char *)argument;
}

static int jump_to(void *argument)
{
    ((void (*)(void))argument)();
    return 0;
}

static void bad_accesses_end_the_process(void)
{
    char *page = map(PAGE);
    uint64_t kernel = (uint64_t)CALL(CALL_TEST, TEST_KERNEL_ADDRESS);

    EXPECT_IS(STATUS_FAULT, run_child(jump_to, page));
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(page), PAGE, WARD_READ));
    EXPECT_IS(STATUS_FAULT, run_child(write_to, page));
    EXPECT_IS(STATUS_FAULT, run_child(write_to, (void *)(uintptr_t)main));
    EXPECT_IS(STATUS_FAULT, run_child(read_from, (void *)(uintptr_t)kernel));
    EXPECT_IS(STATUS_FAULT, run_child(read_from, 0));
    EXPECT_IS(STATUS_FAULT, run_child(read_from, (void *)(uintptr_t)(USER_LIMIT - 1)));
    EXPECT_IS(STATUS_FAULT, run_child(jump_to, (void *)(uintptr_t)kernel));
}

/* What is pinned stays, and a fork shares none of it. */
static void pinned_memory_stays(void)
{
    char *pages = map(3 * PAGE);
    int32_t number = -1;

    EXPECT_IS(0, CALL(CALL_PIN, AT(pages) + PAGE + 8, 64, WARD_WRITE, AT(&number)));
    EXPECT_IS(-EBUSY, CALL(CALL_UNMAP, AT(pages), 3 * PAGE));
    EXPECT_IS(-EBUSY, CALL(CALL_PROTECT, AT(pages), 3 * PAGE, WARD_READ));
    EXPECT_IS(-EBUSY, CALL(CALL_MAP, AT(pages) + PAGE, PAGE, WARD_RW));
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(pages), PAGE));
    shared = pages + PAGE;
    memset(shared, 1, PAGE);
    EXPECT_IS(0, CALL(CALL_CLOCK, AT(shared)));
    EXPECT(!is_all(shared, 1, 8));
    EXPECT_IS(0, CALL(CALL_UNPIN, number));
    EXPECT_IS(-EINVAL, CALL(CALL_UNPIN, number));
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(pages) + PAGE, 2 * PAGE));
    EXPECT_IS(-EFAULT, CALL(CALL_PIN, AT(pages), 8, WARD_READ, AT(&number)));
    EXPECT_IS(-EINVAL, CALL(CALL_PIN, AT(&number), 8, 0, AT(&number)));
}

static int fork_with_pin(void *argument)
{
    struct info before, after;
    int32_t number = -1, status = 0;
    int64_t pid;
    volatile char *page = map(PAGE);

    (void)argument;
    page[0] = 1;
    EXPECT_IS(0, CALL(CALL_PIN, AT(page), 8, WARD_WRITE, AT(&number)));
    before = info_get();
    pid = CALL(CALL_FORK);
    while (pid == 0 && page[1] == 0)
        (void)CALL(CALL_YIELD);
    if (pid == 0)
        quit(page[0]);
    after = info_get();
    EXPECT(after.frames > before.frames);
    page[0] = 2; /* not a copy: nobody shares it, so no frame more */
    EXPECT(info_get().frames == after.frames);
    EXPECT_IS(0, CALL(CALL_POKE, pid, AT(page) + 1, AT(&(char){ 1 }), 1));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT_IS(1, status); /* a copy, which stays as it was */
    return 0;             /* the pin ends with the process */
}

static volatile uint32_t *steps;

static int pin_shared_page(void *argument)
{
    int32_t number = -1;

    EXPECT_IS(0, CALL(CALL_PIN, AT(argument), 8, WARD_READ, AT(&number)));
    EXPECT_IS(0, CALL(CALL_POKE, steps[1], AT(steps), AT(&(uint32_t){ 1 }), sizeof *steps));
    while (steps[2] == 0)
        (void)CALL(CALL_YIELD);
    return *(volatile char *)argument;
}

/* A pin of another process's is nothing to this one, even on a page that both have from a fork. */
static void only_the_own_pins_count(void)
{
    char *page = map(PAGE);
    uint32_t one = 1;
    int32_t status = 0;
    int64_t pid;

    steps = (volatile uint32_t *)(void *)map(PAGE);
    steps[1] = (uint32_t)CALL(CALL_GETPID);
    page[0] = 7;
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(page), PAGE, WARD_READ));
    pid = CALL(CALL_FORK);
    if (pid == 0)
        quit(pin_shared_page(page));
    while (steps[0] == 0)
        (void)CALL(CALL_YIELD);
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(page), PAGE, WARD_RW));
    page[0] = 8;
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(page), PAGE));
    EXPECT_IS(0, CALL(CALL_POKE, pid, AT(&steps[2]), AT(&one), sizeof one));
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT_IS(7, status);
}

static void the_break_moves(void)
{
    int64_t end = CALL(CALL_BRK, 0);

    EXPECT_IS(end + 0x3000, CALL(CALL_BRK, end + 0x3000));
    memset((char *)(uintptr_t)end, 1, 0x3000);
    EXPECT_IS(end + 0x1000, CALL(CALL_BRK, end + 0x1000));
    EXPECT_IS(-EFAULT, CALL(CALL_CLOCK, end + 0x2000));
    EXPECT_IS(-EINVAL, CALL(CALL_BRK, 4096));
    EXPECT_IS(-EINVAL, CALL(CALL_BRK, UINT64_MAX));
    EXPECT_IS(end, CALL(CALL_BRK, end));
}

static int64_t break_at_start;

static void move_the_break(void *argument)
{
    uint64_t grown = 0;

    for (int i = 0; i < 2000; i++)
        grown += CALL(CALL_BRK, break_at_start + (int64_t)PAGE * (i % 2 + 1)) > 0;
    __atomic_store_n((uint64_t *)argument, grown + 1, __ATOMIC_RELEASE);
}

/* It goes no further than what is mapped there, and two threads that move it lose nothing. */
static int the_break_respects_others(void *argument)
{
    int64_t end = CALL(CALL_BRK, 0);
    char *beyond = map_at((uint64_t)end + 2 * PAGE, PAGE, WARD_RW);
    uint64_t done[2] = { 0, 0 };

    (void)argument;
    beyond[0] = 9;
    EXPECT_IS(-ENOMEM, CALL(CALL_BRK, end + 4 * (int64_t)PAGE));
    EXPECT_IS(9, beyond[0]);
    EXPECT_IS(end, CALL(CALL_BRK, 0));
    break_at_start = end;
    start_thread(move_the_break, &done[0]);
    start_thread(move_the_break, &done[1]);
    while (!__atomic_load_n(&done[0], __ATOMIC_ACQUIRE) ||
           !__atomic_load_n(&done[1], __ATOMIC_ACQUIRE))
        (void)CALL(CALL_YIELD);
    EXPECT_IS(9, beyond[0]);
    EXPECT(done[0] == 2001 && done[1] == 2001);
    EXPECT_IS(end, CALL(CALL_BRK, end));
    EXPECT_IS(-EFAULT, CALL(CALL_CLOCK, end));
    return 0;
}

/* A space that is large and empty costs what is in it: all of these end. */
static void large_areas_cost_nothing(void)
{
    uint64_t n = USER_LIMIT / 4;

    shared = map(n);
    shared[n / 2] = 1;
    EXPECT_IS(STATUS_FAULT, run_child(write_to, shared + n));
    EXPECT_IS(0, CALL(CALL_PROTECT, AT(shared), n, WARD_READ));
    EXPECT_IS(0, run_child(read_from, shared + n / 2 + 1));
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(shared), n));
    EXPECT_IS(STATUS_FAULT, run_child(read_from, shared + n / 2));
}

static void no_memory_is_an_error(void)
{
    uint64_t n = UINT64_C(1) << 30;
    char *much = map(n);
    int64_t error = 0;

    for (uint64_t off = 0; off < n && error == 0; off += PAGE)
        error = CALL(CALL_CLOCK, AT(much) + off);
    EXPECT(error == -EFAULT);
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(much), n));
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    pages_come_when_they_are_touched();
    no_byte_comes_back();
    a_child_has_its_own();
    calls_write_to_the_callers_copy();
    calls_bring_pages_in();
    another_process_is_reached();
    protection_holds_for_calls();
    single_words_fault_as_others();
    bad_accesses_end_the_process();
    pinned_memory_stays();
    EXPECT_IS(0, run_child(fork_with_pin, 0));
    only_the_own_pins_count();
    the_break_moves();
    EXPECT_IS(0, run_child(the_break_respects_others, 0));
    large_areas_cost_nothing();
    no_memory_is_an_error();
    return 0;
}
