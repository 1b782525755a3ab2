/* SPDX-License-Identifier: MIT */
/*
 * Two threads that use one thing of their process's: a file, a directory, a pin, a child. Each byte
 * is read once, each number is one thread's, each child is waited for by one.
 */
#include "user.h"

enum { ROUNDS = 12, PIN_NUMBERS = 4, CHILDREN = 12 };

static int64_t fd;
static void (*body)(void);
static uint32_t running, ready, done;
static uint64_t bytes_read, entries_read, children_found, program_bytes, program_count;
static uint32_t holders[PIN_NUMBERS];
static char *page;

/* Waits until all are there, so that they run at the same time. */
static void begin(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < running)
        ;
    body();
    __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
}

/* Runs it in so many threads, until all have ended. */
static void together(void (*function)(void), unsigned count)
{
    body = function;
    ready = done = 0;
    running = count;
    for (unsigned i = 0; i < count; i++)
        start_thread(begin, 0);
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != count)
        (void)CALL(CALL_YIELD);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void read_all(void)
{
    char bytes[1000];
    int64_t n;

    while ((n = CALL(CALL_READ, fd, AT(bytes), sizeof bytes)) > 0) {
        EXPECT(n <= (int64_t)sizeof bytes);
        __atomic_fetch_add(&bytes_read, (uint64_t)n, __ATOMIC_RELAXED);
    }
    EXPECT(n == 0);
}

/* As long as it is, and no byte longer: behind it lies what is the kernel's. */
static void each_byte_of_a_program_is_read_once(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        fd = CALL(CALL_OPEN, AT("calls"));
        bytes_read = 0;
        together(read_all, 2);
        EXPECT_IS((int64_t)program_bytes, (int64_t)bytes_read);
        EXPECT_IS(0, CALL(CALL_CLOSE, fd));
    }
}

static void list_all(void)
{
    struct dirent entry;
    int64_t n;

    while ((n = CALL(CALL_GETDENTS, fd, AT(&entry), 1)) == 1) {
        EXPECT(entry.name[0] >= 'a' && entry.name[0] <= 'z');
        __atomic_fetch_add(&entries_read, 1, __ATOMIC_RELAXED);
    }
    EXPECT(n == 0);
}

static void each_entry_is_listed_once(void)
{
    for (int i = 0; i < 4 * ROUNDS; i++) {
        fd = CALL(CALL_OPEN, AT("."));
        entries_read = 0;
        together(list_all, 2);
        EXPECT_IS((int64_t)program_count, (int64_t)entries_read);
        EXPECT_IS(0, CALL(CALL_CLOSE, fd));
    }
}

static void measure(void)
{
    static struct dirent names[32];
    int64_t directory = CALL(CALL_OPEN, AT("."));
    int64_t count = CALL(CALL_GETDENTS, directory, AT(names), 32);

    EXPECT(count > 0);
    EXPECT_IS(0, CALL(CALL_CLOSE, directory));
    program_count = (uint64_t)count;
    for (int64_t i = 0; i < count; i++)
        if (memcmp(names[i].name, "calls", 6) == 0)
            program_bytes = names[i].bytes;
}

/* --- Pins ------------------------------------------------------------------------------------- */

static void pin_and_unpin(void)
{
    for (int i = 0; i < 60 * ROUNDS; i++) {
        int32_t number = -1;

        EXPECT_IS(0, CALL(CALL_PIN, AT(page), 8, WARD_WRITE, AT(&number)));
        EXPECT(number >= 0 && number < PIN_NUMBERS);
        EXPECT(__atomic_exchange_n(&holders[number], 1, __ATOMIC_ACQ_REL) == 0);
        __atomic_store_n(&holders[number], 0, __ATOMIC_RELEASE);
        EXPECT_IS(-EFAULT, CALL(CALL_PIN, PAGE, 8, WARD_WRITE, AT(&number)));
        EXPECT_IS(0, CALL(CALL_UNPIN, number));
    }
}

/* Numbers are guessed, and the pin may be gone, or not whole yet. */
static void pin_and_unpin_all(void)
{
    for (int i = 0; i < 60 * ROUNDS; i++) {
        int32_t number = -1;

        (void)CALL(CALL_PIN, AT(page), 8, WARD_WRITE, AT(&number));
        (void)CALL(CALL_PIN, AT(page), 8, WARD_WRITE, PAGE);
        for (number = 0; number < PIN_NUMBERS; number++)
            (void)CALL(CALL_UNPIN, number);
    }
}

/* A pin is its taker's: nobody else is given its number, or unpins half of it. */
static void each_pin_has_a_number_of_its_own(void)
{
    page = map(PAGE);
    together(pin_and_unpin, 2);
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(page), PAGE));
    page = map(PAGE);
    together(pin_and_unpin_all, 3);
    for (int number = 0; number < PIN_NUMBERS; number++)
        (void)CALL(CALL_UNPIN, number);
    EXPECT_IS(0, CALL(CALL_UNMAP, AT(page), PAGE));
}

/* --- Children, pipes -------------------------------------------------------------------------- */

static void wait_for_all(void)
{
    int64_t pid;
    int32_t status = -1;

    while ((pid = CALL(CALL_WAIT, AT(&status))) > 0) {
        EXPECT(status == 3 || status == STATUS_KILLED);
        EXPECT_IS(-ESRCH, CALL(CALL_KILL, pid));
        __atomic_fetch_add(&children_found, 1, __ATOMIC_RELAXED);
        EXPECT(CALL(CALL_WAIT, PAGE) < 0); /* loses none */
    }
    EXPECT_IS(-ECHILD, pid);
}

static void each_child_is_waited_for_once(void)
{
    for (int i = 0; i < ROUNDS / 4; i++) {
        children_found = 0;
        for (int n = 0; n < CHILDREN; n++) {
            int64_t pid = CALL(CALL_FORK);

            if (pid == 0)
                quit(3);
            EXPECT(pid > 0);
            if (n % 3 == 0)
                EXPECT_IS(0, CALL(CALL_KILL, pid));
        }
        together(wait_for_all, 2);
        EXPECT_IS(CHILDREN, (int64_t)children_found);
    }
}

static int32_t ends[2];

static void read_one(void)
{
    char byte;
    int64_t n = CALL(CALL_READ, ends[0], AT(&byte), 1);

    EXPECT(n == 0 || n == -EBADF);
}

/* The reader keeps its end for as long as it reads. */
static void close_both(void)
{
    static uint32_t turn;

    if (__atomic_fetch_xor(&turn, 1, __ATOMIC_RELAXED) == 0) {
        read_one();
        return;
    }
    (void)CALL(CALL_GETPID);
    EXPECT_IS(0, CALL(CALL_CLOSE, ends[0]));
    EXPECT_IS(0, CALL(CALL_CLOSE, ends[1]));
}

/* The reader keeps its end for as long as it reads, and is told that nobody writes any more. */
static void a_pipe_is_closed_under_its_reader(void)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        EXPECT_IS(0, CALL(CALL_PIPE, AT(ends)));
        together(close_both, 2);
    }
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    measure();
    each_byte_of_a_program_is_read_once();
    each_entry_is_listed_once();
    each_pin_has_a_number_of_its_own();
    each_child_is_waited_for_once();
    a_pipe_is_closed_under_its_reader();
    return 0;
}
