/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "user.h"

void program_start(uint64_t *stack);
void user_thread(void);

void program_start(uint64_t *stack)
{
    char **argv = (char **)(stack + 1);
    int argc = (int)stack[0];

    quit(main(argc, argv, argv + argc + 1));
}

void quit(int status)
{
    for (;;)
        (void)CALL(CALL_EXIT, status);
}

/* --- Output ----------------------------------------------------------------------------------- */

struct line {
    char text[256];
    size_t n;
};

static void put(struct line *line, char c)
{
    if (line->n < sizeof line->text)
        line->text[line->n++] = c;
}

static void put_string(struct line *line, const char *s)
{
    while (*s)
        put(line, *s++);
}

static void put_number(struct line *line, uint64_t n, unsigned radix)
{
    char digits[20];
    size_t i = 0;

    do
        digits[i++] = "0123456789abcdef"[n % radix];
    while (n /= radix);
    while (i > 0)
        put(line, digits[--i]);
}

static void put_signed(struct line *line, int64_t n)
{
    if (n < 0)
        put(line, '-');
    put_number(line, n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
}

void say(const char *format, ...)
{
    struct line line = { .n = 0 };
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%')
            put(&line, *format);
        else if (*++format == 's')
            put_string(&line, va_arg(args, const char *));
        else if (*format == 'd')
            put_signed(&line, va_arg(args, int64_t));
        else
            put_number(&line, va_arg(args, uint64_t), 16);
    }
    va_end(args);
    (void)CALL(CALL_WRITE, 1, AT(line.text), line.n);
}

void expected(const char *file, int line, const char *what)
{
    say("%s:%d: expected %s\n", file, (int64_t)line, what);
    quit(1);
}

void expect_is(const char *file, int line, const char *what, int64_t got, int64_t wanted)
{
    if (got == wanted)
        return;
    say("%s:%d: %s is %d, not %d\n", file, (int64_t)line, what, got, wanted);
    quit(1);
}

/* --- Memory, threads, children ---------------------------------------------------------------- */

char *map_at(uint64_t at, uint64_t n, unsigned prot)
{
    int64_t got = CALL(CALL_MAP, at, n, prot);

    EXPECT(got > 0);
    return (char *)(uintptr_t)got;
}

char *map(uint64_t n)
{
    return map_at(0, n, WARD_RW);
}

struct start {
    void (*function)(void *);
    void *argument;
};

int64_t try_thread(void (*function)(void *), void *argument)
{
    char *stack = map(4 * PAGE);
    struct start *start = (struct start *)(void *)(stack + 4 * PAGE - 64);
    struct thread_args args = { .entry = AT(user_thread),
                                .stack = AT(start),
                                .argument = AT(start) };

    *start = (struct start){ function, argument };
    return CALL(CALL_THREAD_CREATE, AT(&args), sizeof args);
}

void start_thread(void (*function)(void *), void *argument)
{
    EXPECT_IS(0, try_thread(function, argument));
}

int32_t run_child(int (*function)(void *), void *argument)
{
    int32_t status = -1;
    int64_t pid = CALL(CALL_FORK);

    if (pid == 0)
        quit(function(argument));
    EXPECT(pid > 0);
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    return status;
}

struct info info_get(void)
{
    struct info info;

    EXPECT_IS(0, CALL(CALL_INFO, AT(&info), sizeof info));
    return info;
}
