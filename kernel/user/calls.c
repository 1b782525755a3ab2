/* SPDX-License-Identifier: MIT */
/*
 * Every system call that takes a pointer, with every kind of pointer that is bad. Each is answered
 * with the right error; what was to be read is still there, and what was to be written is written
 * nowhere.
 */
#include "machine_user.h"
#include "user.h"

enum { IN, OUT, STRING, BYTES_IN, BYTES_OUT };

/* A call with a pointer: args[at] is replaced by the pointer to be tried. */
struct pointer_call {
    const char *name;
    uint64_t number, args[6];
    unsigned at;
    unsigned size, align;
    int kind;
};

static char *area;    /* two pages, then a hole */
static char *fresh;   /* a page that nobody touched */
static uint64_t hole; /* the first address of the hole */
static uint64_t closed, read_only;
static uint64_t kernel_data;
static int32_t pipe_fds[2];

static int64_t make_call(const struct pointer_call *call, uint64_t pointer)
{
    uint64_t a[6];

    memcpy(a, call->args, sizeof a);
    a[call->at] = pointer;
    return system_call(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void expect_error(const struct pointer_call *call, uint64_t pointer, int64_t wanted)
{
    int64_t got = make_call(call, pointer);

    if (got == wanted)
        return;
    say("%s at %x is %d, not %d\n", call->name, pointer, got, wanted);
    quit(1);
}

/* --- Pointers that are bad wherever they are used --------------------------------------------- */

static void try_bad(const struct pointer_call *call)
{
    const uint64_t bad[] = {
        0,
        PAGE,
        hole,
        hole + PAGE - 64,
        closed,
        kernel_data,
        USER_LIMIT,
        USER_LIMIT - PAGE,
        UINT64_C(1) << 63,
        UINT64_C(0x8000000000000000) | AT(area),
        UINT64_C(0x0100000000000000) | AT(area),
        UINT64_C(0x0000800000000000),
        UINT64_C(0xffff7ffffffff000),
        ~UINT64_C(0) << 12,
        ~UINT64_C(0) - 63,
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_error(call, bad[i], -EFAULT);
    if (call->kind == OUT || call->kind == BYTES_OUT)
        expect_error(call, read_only, -EFAULT);
    for (uint64_t off = 1; off < call->align; off++)
        expect_error(call, AT(area) + off, -EINVAL);
    if (call->align == 1 && call->kind != STRING && call->kind != BYTES_IN)
        expect_error(call, ~UINT64_C(0), -EFAULT);
}

/* Reaching into the hole by each number of bytes. What is counted says how far it came. */
static void try_straddling(const struct pointer_call *call)
{
    for (uint64_t inside = call->align; inside < call->size; inside += call->align) {
        bool counted = call->kind == BYTES_IN || call->kind == BYTES_OUT;

        memset(area, 0x5a, 2 * PAGE);
        expect_error(call, hole - inside, counted ? (int64_t)inside : -EFAULT);
        for (uint64_t i = 0; i < 2 * PAGE - inside; i++)
            EXPECT(area[i] == 0x5a);
    }
}

/* A string that ends with memory, of each length. */
static void try_unterminated(const struct pointer_call *call)
{
    memset(area, 'x', 2 * PAGE);
    for (uint64_t n = 1; n < 64; n++)
        expect_error(call, hole - n, -EFAULT);
    expect_error(call, hole - 64,
                 call->number == CALL_OPEN || call->at == 0 ? -ENAMETOOLONG : -EFAULT);
}

static void try_all(const struct pointer_call *call)
{
    try_bad(call);
    if (call->kind == STRING)
        try_unterminated(call);
    else
        try_straddling(call);
}

/* --- The calls -------------------------------------------------------------------------------- */

static void fill_pipe(void)
{
    EXPECT_IS(16, CALL(CALL_WRITE, pipe_fds[1], AT("0123456789abcdef"), 16));
}

/* What a failed read left in a pipe, or a partial one: all of the rest. */
static void read_keeps_what_it_cannot_give(void)
{
    struct pointer_call call = { "read", CALL_READ, { (uint64_t)pipe_fds[0], 0, 16 }, 1, 16,
                                 1,      BYTES_OUT };
    char bytes[16];

    fill_pipe();
    try_bad(&call);
    EXPECT_IS(16, CALL(CALL_READ, pipe_fds[0], AT(bytes), 16));
    EXPECT(memcmp(bytes, "0123456789abcdef", 16) == 0);
    for (int64_t inside = 1; inside < 16; inside++) {
        fill_pipe();
        EXPECT_IS(inside, CALL(CALL_READ, pipe_fds[0], hole - (uint64_t)inside, 16));
        EXPECT_IS(16 - inside, CALL(CALL_READ, pipe_fds[0], AT(bytes), 16));
        EXPECT(memcmp(bytes, "0123456789abcdef" + inside, (size_t)(16 - inside)) == 0);
    }
}

/* A child's status is not lost with the call that could not say it. */
static void wait_keeps_the_child(void)
{
    const struct pointer_call call = { "wait", CALL_WAIT, { 0 }, 0, 4, 4, OUT };
    int64_t pid = CALL(CALL_FORK);
    int32_t status = -1;

    if (pid == 0)
        quit(7);
    expect_error(&call, hole, -EFAULT);
    expect_error(&call, read_only, -EFAULT);
    expect_error(&call, kernel_data, -EFAULT);
    expect_error(&call, AT(area) + 1, -EINVAL);
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == 7);
    EXPECT_IS(-ECHILD, CALL(CALL_WAIT, AT(&status)));
    EXPECT(status == 7);
}

static void lengths_that_no_object_has(void)
{
    const uint64_t lengths[] = { UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1,
                                 UINT64_MAX - 4095 };
    struct {
        uint64_t at, n;
    } ranges[2] = { { AT(area), UINT64_MAX }, { AT(area), 16 } };

    for (size_t i = 0; i < 4; i++) {
        int64_t wanted = (int64_t)lengths[i] < 0 ? -EINVAL : -EFAULT;

        EXPECT_IS(wanted, CALL(CALL_WRITE, pipe_fds[1], AT(area), lengths[i]));
        EXPECT_IS(wanted, CALL(CALL_READ, pipe_fds[0], AT(area), lengths[i]));
        EXPECT(CALL(CALL_INFO, AT(area), lengths[i]) == -E2BIG);
        EXPECT(CALL(CALL_THREAD_CREATE, AT(area), lengths[i]) == -E2BIG);
        EXPECT(CALL(CALL_PEEK, CALL(CALL_GETPID), AT(area), AT(area), lengths[i]) == -EINVAL);
        EXPECT(CALL(CALL_GETDENTS, pipe_fds[0], AT(area), lengths[i]) < 0);
        EXPECT_IS(-EINVAL, CALL(CALL_UNMAP, AT(area), lengths[i]));
        EXPECT_IS(-EINVAL, CALL(CALL_PROTECT, AT(area), lengths[i] & ~(PAGE - 1), WARD_READ));
        EXPECT(CALL(CALL_MAP, 0, lengths[i] & ~(PAGE - 1), WARD_READ) < 0);
        EXPECT_IS(-EINVAL, CALL(CALL_WRITEV, pipe_fds[1], AT(ranges), lengths[i]));
    }
    EXPECT(CALL(CALL_WRITEV, pipe_fds[1], AT(ranges), 2) < 0);
    ranges[0].n = INT64_MAX;
    ranges[1].n = INT64_MAX;
    EXPECT(CALL(CALL_WRITEV, pipe_fds[1], AT(ranges), 2) < 0);
    ranges[0].n = 8;
    ranges[1].at = kernel_data;
    ranges[1].n = 8;
    EXPECT_IS(-EFAULT, CALL(CALL_WRITEV, pipe_fds[1], AT(ranges), 2));
}

static void arrays_without_end(void)
{
    uint64_t *words = (uint64_t *)(void *)area;

    for (size_t i = 0; i < 2 * PAGE / 8; i++)
        words[i] = AT("argument");
    EXPECT_IS(-E2BIG, CALL(CALL_EXEC, AT("calls"), AT(words), 0));
    EXPECT_IS(-EFAULT, CALL(CALL_EXEC, AT("calls"), hole - 16, 0));
    EXPECT_IS(-EFAULT, CALL(CALL_EXEC, AT("calls"), 0, hole - 16));
    memset(area, 'y', 2 * PAGE);
    words[0] = AT(area) + 64; /* longer than all strings may be */
    words[1] = 0;
    EXPECT_IS(-E2BIG, CALL(CALL_EXEC, AT("calls"), AT(words), 0));
    EXPECT_IS(-EFAULT,
              CALL(CALL_EXEC, AT("calls"), hole - 8 * 4, 0)); /* the words are no addresses */
}

/* Only what a structure has is written; of the rest no byte, and no byte of the kernel's. */
static void nothing_else_is_written(void)
{
    struct info zero;
    size_t sizes[] = { 8, 24, sizeof(struct info), sizeof(struct info) + 16 };

    memset(&zero, 0, sizeof zero);
    for (size_t i = 0; i < 4; i++) {
        memset(area, 0xa5, PAGE);
        EXPECT_IS(0, CALL(CALL_INFO, AT(area), sizes[i]));
        for (size_t b = sizes[i]; b < PAGE; b++)
            EXPECT((unsigned char)area[b] == 0xa5);
        for (size_t b = sizeof(struct info); b < sizes[i]; b++)
            EXPECT(area[b] == 0);
    }
    memset(area, 0xa5, PAGE);
    EXPECT_IS(1, CALL(CALL_GETDENTS, CALL(CALL_OPEN, AT(".")), AT(area), 1));
    for (size_t b = sizeof(struct dirent); b < PAGE; b++)
        EXPECT((unsigned char)area[b] == 0xa5);
    for (size_t b = 8 + 8; b < sizeof(struct dirent); b++) /* names are shorter: zeroes follow */
        EXPECT(area[b] == 0);
}

static void larger_structures_must_be_zero_beyond(void)
{
    struct {
        struct thread_args args;
        uint64_t more;
    } later = { .more = 1 };

    EXPECT_IS(-E2BIG, CALL(CALL_THREAD_CREATE, AT(&later), sizeof later));
    later.more = 0;
    later.args.reserved = 1;
    EXPECT_IS(-EINVAL, CALL(CALL_THREAD_CREATE, AT(&later), sizeof later));
    later.args.reserved = 0;
    later.args.entry = kernel_data;
    EXPECT_IS(-EINVAL, CALL(CALL_THREAD_CREATE, AT(&later), sizeof later));
}

static void nofault_reads_what_is_there(void)
{
    static char here = 77;

    here = 77;
    EXPECT_IS(77, CALL(CALL_TEST, TEST_NOFAULT, AT(&here)));
    EXPECT_IS(-EFAULT, CALL(CALL_TEST, TEST_NOFAULT, AT(fresh)));
    fresh[0] = 1;
    EXPECT_IS(1, CALL(CALL_TEST, TEST_NOFAULT, AT(fresh)));
    EXPECT_IS(-EFAULT, CALL(CALL_TEST, TEST_NOFAULT, kernel_data));
}

static void numbers_that_are_no_calls(void)
{
    EXPECT_IS(-ENOSYS, CALL(CALL_COUNT));
    EXPECT_IS(-ENOSYS, CALL(UINT64_MAX));
    EXPECT_IS(-ENOSYS, CALL(UINT64_C(1) << 32));
    EXPECT_IS(-EBADF, CALL(CALL_READ, 99, AT(area), 1));
    EXPECT_IS(-EBADF, CALL(CALL_CLOSE, UINT64_MAX));
    EXPECT_IS(-EBADF, CALL(CALL_DUP, 15));
    EXPECT_IS(-ESRCH, CALL(CALL_KILL, 123456));
    EXPECT_IS(-ENOENT, CALL(CALL_OPEN, AT("nothing")));
    EXPECT_IS(-ENOENT, CALL(CALL_EXEC, AT("nothing"), 0, 0));
}

int main(int argc, char **argv, char **envp)
{
    int64_t pid = CALL(CALL_GETPID), directory = CALL(CALL_OPEN, AT("."));
    uint64_t there;

    (void)argc, (void)argv, (void)envp;
    area = map(3 * PAGE);
    hole = AT(area) + 2 * PAGE;
    fresh = map(PAGE);
    closed = AT(map_at(0, PAGE, WARD_NONE));
    read_only = AT(map_at(0, PAGE, WARD_READ));
    kernel_data = (uint64_t)CALL(CALL_TEST, TEST_KERNEL_ADDRESS);
    there = AT(area);
    EXPECT_IS(0, CALL(CALL_UNMAP, hole, PAGE)); /* last: what is mapped later would fill it */
    EXPECT_IS(0, CALL(CALL_PIPE, AT(pipe_fds)));

    {
        const struct pointer_call all[] = {
            { "write", CALL_WRITE, { (uint64_t)pipe_fds[1], 0, 16 }, 1, 16, 1, BYTES_IN },
            { "writev", CALL_WRITEV, { (uint64_t)pipe_fds[1], 0, 1 }, 1, 16, 8, IN },
            { "open", CALL_OPEN, { 0 }, 0, 0, 1, STRING },
            { "exec", CALL_EXEC, { 0 }, 0, 0, 1, STRING },
            { "pipe", CALL_PIPE, { 0 }, 0, 8, 4, OUT },
            { "getdents", CALL_GETDENTS, { (uint64_t)directory, 0, 1 }, 1, 32, 8, OUT },
            { "clock", CALL_CLOCK, { 0 }, 0, 8, 8, OUT },
            { "thread_create", CALL_THREAD_CREATE, { 0, 32 }, 0, 32, 8, IN },
            { "info", CALL_INFO, { 0, sizeof(struct info) }, 0, sizeof(struct info), 8, OUT },
            { "futex_wait", CALL_FUTEX_WAIT, { 0, 1 }, 0, 4, 4, IN },
            { "pin", CALL_PIN, { there, 8, WARD_READ, 0 }, 3, 4, 4, OUT },
            { "peek to", CALL_PEEK, { (uint64_t)pid, there, 0, 16 }, 2, 16, 1, OUT },
            { "peek from", CALL_PEEK, { (uint64_t)pid, 0, there, 16 }, 1, 16, 1, IN },
            { "poke from", CALL_POKE, { (uint64_t)pid, there, 0, 16 }, 2, 16, 1, IN },
            { "poke to", CALL_POKE, { (uint64_t)pid, 0, there, 16 }, 1, 16, 1, OUT },
        };

        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            if (all[i].number == CALL_PEEK || all[i].number == CALL_POKE) {
                try_bad(&all[i]); /* the other side is in the area */
                continue;
            }
            try_all(&all[i]);
        }
    }
    while (CALL(CALL_WRITE, pipe_fds[1], 0, 0) != 0)
        ;
    EXPECT_IS(0, CALL(CALL_CLOSE, pipe_fds[0]));
    EXPECT_IS(0, CALL(CALL_CLOSE, pipe_fds[1]));
    EXPECT_IS(0, CALL(CALL_PIPE, AT(pipe_fds)));
    read_keeps_what_it_cannot_give();
    wait_keeps_the_child();
    lengths_that_no_object_has();
    arrays_without_end();
    nothing_else_is_written();
    larger_structures_must_be_zero_beyond();
    nofault_reads_what_is_there();
    numbers_that_are_no_calls();
    return 0;
}
