/* SPDX-License-Identifier: MIT */
/*
 * unwinder [--installed] [--abort] [DAMAGE...]: a crash handler that prints the stack, whatever has
 * become of it.
 *
 *     low   | sp ...                                                                  | high
 *           |  crash        inner         middle        outer         main            |
 *           |  next ret --> next ret -->  next ret -->  next ret -->  next ret        |
 *
 * Each function that keeps a frame pointer begins by storing the caller's beside the return
 * address: a linked list through the very memory that the bug has damaged. So every link is a user
 * pointer. The handler reads it through a space, says what is wrong with one that cannot be
 * followed, and looks further up the stack for the next frame that makes sense.
 *
 * It runs in whatever state the process died: on an alternate stack, with signals blocked, before
 * or after ward_recover_install(), by whoever called it. ward_access_begin() finds out what is
 * possible there; within a handler of SIGSEGV that is usually to have the system do the copying.
 *
 * The program damages its own stack in the ways named (or all), in a child each, and then writes to
 * a null pointer, or with --abort aborts. --installed installs ward's handler over this one.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <ward/ward.h>

enum { FRAMES_MAX = 10, LOOK_WORDS = 4096, NEAR_BYTES = 65536, STACK_BYTES = 65536 };

/* What a function that keeps a frame pointer stores first. */
struct frame {
    uint64_t next; /* the caller's frame pointer */
    uint64_t ret;  /* the return address */
};
WARD_USER_IN_DEFINE(uframe, struct frame);

/* --- the machine ------------------------------------------------------------------------------ */

#if defined(__x86_64__)
#define CONTEXT_PC(C) ((uint64_t)(C)->uc_mcontext.gregs[REG_RIP])
#define CONTEXT_SP(C) ((uint64_t)(C)->uc_mcontext.gregs[REG_RSP])
#define CONTEXT_FP(C) ((uint64_t)(C)->uc_mcontext.gregs[REG_RBP])
enum { FRAME_BELOW = 0 }; /* bytes from the frame to where the frame pointer points */
#elif defined(__aarch64__)
#define CONTEXT_PC(C) ((uint64_t)(C)->uc_mcontext.pc)
#define CONTEXT_SP(C) ((uint64_t)(C)->uc_mcontext.sp)
#define CONTEXT_FP(C) ((uint64_t)(C)->uc_mcontext.regs[29])
enum { FRAME_BELOW = 0 };
#elif defined(__riscv)
#define CONTEXT_PC(C) ((uint64_t)(C)->uc_mcontext.__gregs[REG_PC])
#define CONTEXT_SP(C) ((uint64_t)(C)->uc_mcontext.__gregs[REG_SP])
#define CONTEXT_FP(C) ((uint64_t)(C)->uc_mcontext.__gregs[REG_S0])
enum { FRAME_BELOW = 16 };
#endif

/* The program is built with -fno-omit-frame-pointer, so that its functions have one. */
#define MY_FRAME ((uint64_t)(uintptr_t)__builtin_frame_address(0))

/* The linker's: this program's first byte, and the end of its code. */
extern const char __executable_start[], etext[];

static uint64_t outermost; /* the frame pointer of main, where the list ends */

/* --- printing, with nothing but write --------------------------------------------------------- */

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(1);
}

static void say_hex(uint64_t value)
{
    char text[2 + 16 + 1] = "0x";
    unsigned digits = 1;

    while (digits < 16 && value >> (4 * digits))
        digits++;
    for (unsigned i = 0; i < digits; i++)
        text[2 + i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
    text[2 + digits] = 0;
    say(text);
}

static bool is_code(uint64_t pc)
{
    return pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
}

/* As `addr2line -e PROGRAM` takes it. */
static void say_code(uint64_t pc)
{
    say(is_code(pc) ? "  program+" : "  elsewhere ");
    say_hex(is_code(pc) ? pc - (uintptr_t)__executable_start : pc);
    say("\n");
}

/* --- unwinding -------------------------------------------------------------------------------- */

/* Reads the frame that the frame pointer fp leads to. NULL, or what is wrong with it; low is where
 * the last frame ended. Callers' frames are above, and return to somewhere. */
static const char *frame_at(struct ward_space *space, uint64_t fp, uint64_t low,
                            struct frame *frame)
{
    struct ward_fault why;
    uint8_t code;

    if (uframe_read(space, uframe_in_at(fp - FRAME_BELOW), frame, &why))
        return ward_fault_name(why.kind);
    if (fp - FRAME_BELOW < low)
        return "leads back";
    return ward_u8_read(space, ward_u8_in_at(frame->ret), &code, NULL) ? "no frame there" : NULL;
}

/* Two words at a look like a frame: the next one is near and above, and the return address is in
 * this program's code. */
static bool is_frame(struct ward_space *space, uint64_t a)
{
    struct frame frame;

    if (a + FRAME_BELOW == outermost)
        return true;
    return !uframe_read(space, uframe_in_at(a), &frame, NULL) && is_code(frame.ret) &&
           frame.next > a && frame.next - a < NEAR_BYTES && frame.next % sizeof frame == 0;
}

/* The frame pointer of the first frame from low on; 0 if there is none in reach. */
static uint64_t look(struct ward_space *space, uint64_t low)
{
    for (unsigned i = 0; i < LOOK_WORDS; i++)
        if (is_frame(space, low + 8 * i))
            return low + 8 * i + FRAME_BELOW;
    return 0;
}

static void say_wrong(uint64_t fp, const char *wrong)
{
    say("  -- frame pointer ");
    say_hex(fp);
    say(": ");
    say(wrong);
    say("\n");
}

/* The callers of the function whose frame pointer is fp, and what is wrong with their frames. */
static void unwind(struct ward_space *space, uint64_t fp, uint64_t sp)
{
    uint64_t low = sp & ~(uint64_t)7;
    struct frame frame;
    unsigned left = FRAMES_MAX;

    while (fp != outermost && left-- > 0) {
        const char *wrong = frame_at(space, fp, low, &frame);

        if (wrong) {
            say_wrong(fp, wrong);
            fp = look(space, low);
            if (fp == 0)
                break;
        } else {
            say_code(frame.ret);
            low = fp - FRAME_BELOW + sizeof frame;
            fp = frame.next;
        }
    }
    say(fp == outermost ? "  that was main\n" : fp ? "  and so on\n" : "  no more frames\n");
}

static void on_crash(int number, siginfo_t *info, void *arg)
{
    const ucontext_t *context = arg;
    struct ward_space *space = ward_access_begin();

    (void)info;
    say(number == SIGABRT ? "aborted, read " : "crashed, read ");
    say(space == ward_space_self_by_calls() ? "by calls\n" : "by table\n");
    say_code(CONTEXT_PC(context));
    unwind(space, CONTEXT_FP(context), CONTEXT_SP(context));
    ward_access_end();
    (void)signal(number, SIG_DFL); /* it strikes again when this returns, and is the end */
}

static void handle_crashes(void)
{
    static char stack[STACK_BYTES]; /* the thread's own may have overflowed */
    const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    if (sigaltstack(&alternate, NULL) || sigaction(SIGSEGV, &action, NULL) ||
        sigaction(SIGABRT, &action, NULL))
        _exit(1);
}

/* --- the damage ------------------------------------------------------------------------------- */

struct damage {
    const char *name;
    uint64_t value; /* of the frame pointer that middle has stored */
};

enum { SOUND, UNMAPPED, LOOP, BACK, OVERFLOW, GARBAGE, DAMAGES = 10 };

static struct damage damages[DAMAGES] = {
    [SOUND] = { "sound", 0 },
    [UNMAPPED] = { "unmapped", 0 }, /* these values are set when they are known */
    [LOOP] = { "loop", 0 },
    [BACK] = { "back", 0 },
    [OVERFLOW] = { "overflow", 0 },
    [GARBAGE] = { "garbage", 0 },
    { "null", 0 },
    { "misaligned", 0x10003 },
    { "non-canonical", 0x4141414141414140 },
    { "kernel", 0xffffffff81000000 },
};

static bool aborts;

__attribute__((noinline)) static void crash(void)
{
    volatile uint64_t here = MY_FRAME;

    if (aborts)
        abort();
    *(volatile int *)(uintptr_t)(here & 8) = 0; /* frames are aligned: a null pointer */
}

__attribute__((noinline)) static void inner(const struct damage *damage)
{
    volatile uint64_t here = MY_FRAME;

    if (damage == &damages[OVERFLOW])
        inner(damage);
    crash();
    (void)here; /* something is left to do: not a jump but a call */
}

__attribute__((noinline)) static void middle(const struct damage *damage)
{
    volatile uint64_t here = MY_FRAME;
    struct frame *mine = (struct frame *)(uintptr_t)(here - FRAME_BELOW);

    if (damage == &damages[LOOP])
        mine->next = here;
    else if (damage == &damages[BACK])
        mine->next = here - 64;
    else if (damage != &damages[SOUND] && damage != &damages[OVERFLOW])
        mine->next = damage->value;
    inner(damage);
    (void)here;
}

__attribute__((noinline)) static void outer(const struct damage *damage)
{
    volatile uint64_t here = MY_FRAME;

    middle(damage);
    (void)here;
}

/* --- trying it -------------------------------------------------------------------------------- */

__attribute__((noinline)) static int try(const struct damage *damage, bool installed)
{
    struct frame garbage[2] = { { 0x1111, 0x2222 }, { 0x3333, 0x4444 } }; /* on the stack */
    int status;
    pid_t child;

    printf("%s: ", damage->name);
    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        handle_crashes();
        if (installed && ward_recover_install())
            _exit(1);
        damages[GARBAGE].value = (uintptr_t)&garbage[0] + FRAME_BELOW;
        outer(damage);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    return WIFSIGNALED(status) ? 0 : 1; /* as if there had been no handler */
}

static bool is_wanted(int argc, char **argv, int first, const char *name)
{
    for (int i = first; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return first == argc;
}

/* An address at which there is nothing. */
static uint64_t unmapped(void)
{
    void *at = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED || munmap(at, 65536) ? 0x10000 : (uintptr_t)at;
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = { 0, 0 };
    bool installed = argc > 1 && strcmp(argv[1], "--installed") == 0;
    int first = 1 + installed;
    int failed = 0;

    outermost = MY_FRAME;
    (void)setrlimit(RLIMIT_CORE, &no_core);
    aborts = first < argc && strcmp(argv[first], "--abort") == 0;
    first += aborts;
    damages[UNMAPPED].value = unmapped();
    for (size_t i = 0; i < DAMAGES; i++)
        if (is_wanted(argc, argv, first, damages[i].name))
            failed |= try(&damages[i], installed);
    return failed;
}
