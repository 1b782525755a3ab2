/* SPDX-License-Identifier: MIT */
/*
 * interpreter_host: a host, and guests that pass it any pointer they like.
 *
 *     0x10000  code     r-x    what the guest runs; a guest can jump anywhere, but not write here
 *     0x20000  data     rw-
 *     0x30000  nothing
 *     0x40000  given    r--    what the host hands over at start
 *     0x50000  closed   ---
 *
 * The guests are programs for a small register machine. Their memory is a ward_guest, and all that
 * the host does there goes through its space: fetching instructions, loads and stores, and the
 * arguments of system calls. So there is no pointer to check anywhere in this file. A bad one in an
 * instruction ends the guest, as a signal would; in a system call the guest is told, as by a
 * kernel.
 *
 * Prints how each guest ended, and for the one that tries out hostile pointers what each system
 * call said to each of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

enum { CODE = 0x10000, DATA = 0x20000, HOLE = 0x30000, GIVEN = 0x40000, CLOSED = 0x50000 };
enum { AREA_BYTES = 0x10000, MEMORY_BYTES = 0x100000, REGISTERS = 16, STEPS_MAX = 10000 };

enum operation {
    OP_SET,   /* a = n */
    OP_ADD,   /* a = b + c + n */
    OP_LOAD,  /* a = 8 bytes at b + n */
    OP_STORE, /* 8 bytes at b + n = a */
    OP_LESS,  /* if a < b, go n instructions on (or back) */
    OP_JUMP,  /* to b + n */
    OP_CALL,  /* system call r0, with r1 and r2; the answer is in r0 */
};

struct instruction {
    uint8_t op, a, b, c;
    int32_t n;
};

struct machine {
    struct ward_guest guest;
    struct ward_space *memory; /* the guest's */
    uint64_t pc, r[REGISTERS];
    struct ward_fault fault; /* why it ended with FAULTS */
    char console[1024];
    size_t said; /* bytes in console */
};

enum ending { GOES_ON, EXITS, FAULTS, ILLEGAL, TOO_LONG };

/* What a guest may know of the console. */
struct status {
    uint64_t bytes;
    uint32_t mode, links;
};

WARD_USER_IN_DEFINE(uinstruction, struct instruction);
WARD_USER_DEFINE(ustatus, struct status, WARD_FIELDS(struct status, bytes, mode, links));

/* --- system calls: a pointer and a number, which may be anything ------------------------------ */

static int64_t say(struct machine *machine, const char *text, size_t n)
{
    if (n > sizeof machine->console - machine->said)
        return -ENOSPC;
    memcpy(machine->console + machine->said, text, n);
    machine->said += n;
    return (int64_t)n;
}

/* As with write(2), what could be read counts, and only nothing is an error. */
static int64_t sys_write(struct machine *machine, uint64_t from, uint64_t n)
{
    char text[64];
    size_t wanted = n < sizeof text ? n : sizeof text;
    struct ward_fault why;
    int error = ward_space_read(machine->memory, from, text, wanted, &why);

    return error && why.done == 0 ? error : say(machine, text, error ? why.done : wanted);
}

static int64_t sys_open(struct machine *machine, uint64_t path, uint64_t flags)
{
    char name[32];
    ptrdiff_t length =
        ward_char_read_str(machine->memory, ward_char_in_at(path), name, sizeof name, NULL);

    (void)flags;
    if (length < 0)
        return length;
    return strcmp(name, "/dev/console") == 0 ? 1 : -ENOENT;
}

static int64_t sys_writev(struct machine *machine, uint64_t from, uint64_t count)
{
    char text[64];
    struct ward_iov vec[16];
    struct ward_iov_list list;
    ptrdiff_t got = ward_iovec_import(machine->memory, ward_iovec_in_at(from), count, vec, 16,
                                      WARD_READ, &list, NULL);

    if (got == 0)
        got = ward_iov_read(machine->memory, &list, 0, text, sizeof text, NULL);
    return got < 0 ? got : say(machine, text, (size_t)got);
}

/* The word is 0, or who holds the lock. Other threads of a guest might change it at any time. */
static int64_t sys_lock(struct machine *machine, uint64_t word, uint64_t owner)
{
    uint32_t was;
    int error = ward_u32_atomic_compare_exchange(machine->memory, ward_u32_inout_at(word), 0,
                                                 (uint32_t)owner, &was, NULL);

    return error ? error : was == 0 ? 0 : -EBUSY;
}

static int64_t sys_stat(struct machine *machine, uint64_t to, uint64_t file)
{
    const struct status status = { machine->said, 0620, 1 };

    (void)file;
    return ustatus_write(machine->memory, ustatus_out_at(to), &status, NULL);
}

static int64_t sys_read(struct machine *machine, uint64_t to, uint64_t n)
{
    static const char input[] = "Hello from the host!\n";
    struct ward_fault why;
    size_t wanted = n < strlen(input) ? n : strlen(input);
    int error = ward_space_write(machine->memory, to, input, wanted, &why);

    return error && why.done == 0 ? error : (int64_t)(error ? why.done : wanted);
}

enum { SYS_EXIT, SYS_WRITE, SYS_OPEN, SYS_WRITEV, SYS_LOCK, SYS_STAT, SYS_READ, SYS_CALLS };

static const struct {
    const char *name;
    int64_t (*call)(struct machine *, uint64_t pointer, uint64_t number);
} calls[SYS_CALLS] = {
    [SYS_WRITE] = { "write", sys_write },    [SYS_OPEN] = { "open", sys_open },
    [SYS_WRITEV] = { "writev", sys_writev }, [SYS_LOCK] = { "lock", sys_lock },
    [SYS_STAT] = { "stat", sys_stat },       [SYS_READ] = { "read", sys_read },
};

static enum ending system_call(struct machine *machine)
{
    uint64_t number = machine->r[0];
    int64_t answer = -ENOSYS;

    if (number == SYS_EXIT)
        return EXITS;
    if (number < SYS_CALLS)
        answer = calls[number].call(machine, machine->r[1], machine->r[2]);
    machine->r[0] = (uint64_t)answer;
    return GOES_ON;
}

/* --- the machine ------------------------------------------------------------------------------ */

static enum ending load(struct machine *machine, uint64_t *value, uint64_t at)
{
    int error = ward_u64_read(machine->memory, ward_u64_in_at(at), value, &machine->fault);

    return error ? FAULTS : GOES_ON;
}

static enum ending store(struct machine *machine, uint64_t value, uint64_t at)
{
    int error = ward_u64_write(machine->memory, ward_u64_out_at(at), &value, &machine->fault);

    return error ? FAULTS : GOES_ON;
}

static enum ending execute(struct machine *machine, const struct instruction *in)
{
    uint64_t *a = &machine->r[in->a], b = machine->r[in->b], n = (uint64_t)in->n;

    switch (in->op) {
    case OP_SET: *a = n; return GOES_ON;
    case OP_ADD: *a = b + machine->r[in->c] + n; return GOES_ON;
    case OP_LOAD: return load(machine, a, b + n);
    case OP_STORE: return store(machine, *a, b + n);
    case OP_LESS: machine->pc += *a < b ? n * sizeof *in : 0; return GOES_ON;
    case OP_JUMP: machine->pc = b + n; return GOES_ON;
    case OP_CALL: return system_call(machine);
    default: return ILLEGAL;
    }
}

/* The instruction is fetched once: what is checked is what is executed. */
static enum ending step(struct machine *machine)
{
    struct instruction in;

    if (uinstruction_read(machine->memory, uinstruction_in_at(machine->pc), &in, &machine->fault))
        return FAULTS;
    if (in.a >= REGISTERS || in.b >= REGISTERS || in.c >= REGISTERS)
        return ILLEGAL;
    machine->pc += sizeof in;
    return execute(machine, &in);
}

static enum ending run(struct machine *machine)
{
    enum ending ending = GOES_ON;

    for (unsigned i = 0; i < STEPS_MAX && ending == GOES_ON; i++)
        ending = step(machine);
    return ending == GOES_ON ? TOO_LONG : ending;
}

/* --- the guests ------------------------------------------------------------------------------- */

enum { POINTERS = 15, IN_THE_HOST = 11, VECTORS = 12 };

/* What the host puts at GIVEN. */
struct given {
    uint64_t pointers[POINTERS];
    char path[16];
    struct ward_iov good[VECTORS], bad[VECTORS];
    char long_text[64]; /* and not terminated */
};

#define GIVEN_AT(MEMBER) (GIVEN + offsetof(struct given, MEMBER))

/* Hostile pointers, and a few good ones. */
static struct {
    const char *name;
    uint64_t at;
} pointers[POINTERS] = {
    { "good", DATA + 0x1000 },
    { "a path", GIVEN_AT(path) },
    { "a vector", GIVEN_AT(good) },
    { "a bad vector", GIVEN_AT(bad) },
    { "a long text", GIVEN_AT(long_text) },
    { "misaligned", DATA + 0x2001 },
    { "into a hole", HOLE - 8 },
    { "null", 0 },
    { "unmapped", HOLE + 64 },
    { "closed", CLOSED },
    { "behind the end", MEMORY_BYTES },
    [IN_THE_HOST] = { "in the host", 0 }, /* set at start: all that it knows of the guest */
    { "non-canonical", 0x4141414141414140 },
    { "the kernel's", 0xffff800000000000 },
    { "wrapping", UINT64_MAX - 7 },
};

enum { ANSWERS = DATA + 0x8000, R_ZERO = 3 };

/* clang-format off */
#define SET(A, N)       { OP_SET, A, 0, 0, N }
#define ADD(A, B, C, N) { OP_ADD, A, B, C, N }
#define LOAD(A, B, N)   { OP_LOAD, A, B, 0, N }
#define STORE(A, B, N)  { OP_STORE, A, B, 0, N }
#define LESS(A, B, N)   { OP_LESS, A, B, 0, N }
#define JUMP(B, N)      { OP_JUMP, 0, B, 0, N }
#define CALL            { OP_CALL, 0, 0, 0, 0 }

static const struct program {
    const char *name;
    struct instruction code[20];
} programs[] = {
    { "echo", {
        SET(1, DATA),
        SET(2, 64),
        SET(0, SYS_READ),
        CALL,
        ADD(2, 0, R_ZERO, 0), /* as many as were read */
        SET(0, SYS_WRITE),
        CALL,
        SET(0, SYS_EXIT),
        CALL,
    } },
    { "reads what is not there", { SET(1, HOLE), LOAD(2, 1, 8) } },
    { "rewrites itself", { SET(1, CODE), STORE(2, 1, 0) } },
    { "reads the host", {
        SET(1, GIVEN),
        LOAD(1, 1, 8 * IN_THE_HOST),
        LOAD(2, 1, 0),
    } },
    { "jumps away", { SET(1, -8), JUMP(1, 0) } },
    { "has a seventeenth register", { SET(16, 1) } },
    { "has an eighth operation", { { OP_CALL + 1, 0, 0, 0, 0 } } },
    { "goes on for ever", { JUMP(R_ZERO, CODE) } },
    { "tries everything", {
        SET(10, GIVEN),
        SET(11, ANSWERS),
        SET(12, GIVEN + 8 * POINTERS),
        SET(14, SYS_CALLS),
        LOAD(9, 10, 0), /* for each pointer */
        SET(13, SYS_WRITE),
        ADD(0, 13, R_ZERO, 0), /* for each call */
        ADD(1, 9, R_ZERO, 0),
        SET(2, VECTORS),
        CALL,
        STORE(0, 11, 0),
        ADD(11, 11, R_ZERO, 8),
        ADD(13, 13, R_ZERO, 1),
        LESS(13, 14, -8),
        ADD(10, 10, R_ZERO, 8),
        LESS(10, 12, -12),
        SET(0, SYS_EXIT),
        CALL,
    } },
};
/* clang-format on */

/* --- the host --------------------------------------------------------------------------------- */

static void demand(int error, const char *what)
{
    if (!error)
        return;
    fprintf(stderr, "interpreter_host: %s: %s\n", what, strerror(-error));
    exit(1);
}

/* Maps an area, fills it, and gives it the protection that the guest is to have. */
static void give(struct machine *machine, uint64_t at, const void *bytes, size_t n, unsigned prot)
{
    demand(ward_guest_map(&machine->guest, at, AREA_BYTES, WARD_RW), "map");
    demand(ward_space_write(machine->memory, at, bytes, n, NULL), "write");
    demand(ward_guest_protect(&machine->guest, at, AREA_BYTES, prot), "protect");
}

static void given_init(struct given *given)
{
    memset(given, 0, sizeof *given);
    for (size_t i = 0; i < POINTERS; i++)
        given->pointers[i] = pointers[i].at;
    (void)strcpy(given->path, "/dev/console");
    given->good[0] = (struct ward_iov){ GIVEN_AT(path), 4 };
    given->good[1] = (struct ward_iov){ GIVEN_AT(path) + 5, 7 };
    given->bad[0] = given->good[0];
    given->bad[1] = (struct ward_iov){ pointers[IN_THE_HOST].at, 7 };
    memset(given->long_text, 'x', sizeof given->long_text);
}

static void machine_init(struct machine *machine, const struct program *program)
{
    const struct ward_guest_spec spec = { .size = MEMORY_BYTES, .flags = WARD_GUEST_CLAMP };
    struct given given;

    memset(machine, 0, sizeof *machine);
    demand(ward_guest_reserve(&machine->guest, &spec), "reserve");
    machine->memory = &machine->guest.space;
    machine->pc = CODE;
    pointers[IN_THE_HOST].at = (uintptr_t)machine;
    given_init(&given);
    give(machine, CODE, program->code, sizeof program->code, WARD_READ | WARD_EXEC);
    give(machine, DATA, "", 0, WARD_RW);
    give(machine, GIVEN, &given, sizeof given, WARD_READ);
    give(machine, CLOSED, "", 0, WARD_NONE);
}

static void print_ending(const struct machine *machine, const char *name, enum ending ending)
{
    printf("%s: ", name);
    if (ending == FAULTS)
        printf("%s of 0x%" PRIx64 ": %s\n", machine->fault.access == WARD_WRITE ? "store" : "load",
               machine->fault.addr, ward_fault_name(machine->fault.kind));
    else if (ending == EXITS)
        printf("exits\n");
    else
        printf("%s\n", ending == ILLEGAL ? "illegal instruction" : "takes too long");
}

static const char *name_of(int64_t error)
{
    switch (error) {
    case -EFAULT: return "EFAULT";
    case -EINVAL: return "EINVAL";
    case -ENOENT: return "ENOENT";
    case -EBUSY: return "EBUSY";
    case -ENAMETOOLONG: return "ENAMETOOLONG";
    default: return "?";
    }
}

static void print_answer(int64_t answer)
{
    if (answer < 0)
        printf("%13s", name_of(answer));
    else
        printf("%13" PRId64, answer);
}

/* The guest has left them in its memory, where they are no more to be trusted than anything. */
static void print_answers(struct machine *machine)
{
    static uint64_t answers[POINTERS][SYS_CALLS - 1];

    demand(ward_u64_read_array(machine->memory, ward_u64_in_at(ANSWERS), &answers[0][0],
                               sizeof answers / sizeof answers[0][0], NULL),
           "answers");
    printf("%16s", "");
    for (int call = SYS_WRITE; call < SYS_CALLS; call++)
        printf("%13s", calls[call].name);
    for (size_t i = 0; i < POINTERS; i++) {
        printf("\n  %-14s", pointers[i].name);
        for (int call = SYS_WRITE; call < SYS_CALLS; call++)
            print_answer((int64_t)answers[i][call - SYS_WRITE]);
    }
    printf("\n");
}

int main(void)
{
    static struct machine machine;

    demand(ward_recover_install(), "install");
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        enum ending ending;

        machine_init(&machine, &programs[i]);
        ending = run(&machine);
        print_ending(&machine, programs[i].name, ending);
        if (i == 0)
            printf("  %.*s", (int)machine.said, machine.console);
        if (ending == EXITS && i > 0)
            print_answers(&machine);
        demand(ward_guest_fini(&machine.guest), "fini");
    }
    return 0;
}
