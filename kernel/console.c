/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "kernel.h"

static struct lock console;

static void put(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        arch_console_put(text[i]);
}

void print_bytes(const char *text, size_t n)
{
    lock_take(&console);
    put(text, n);
    lock_drop(&console);
}

static void put_number(uint64_t n, unsigned radix)
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = "0123456789abcdef"[n % radix];
    while (n /= radix);
    put(digits + i, sizeof digits - i);
}

static void put_string(const char *s)
{
    put(s, __builtin_strlen(s));
}

static void put_format(const char *format, va_list args)
{
    for (; *format; format++) {
        if (*format != '%') {
            arch_console_put(*format);
            continue;
        }
        switch (*++format) {
        case 's': put_string(va_arg(args, const char *)); break;
        case 'c': arch_console_put((char)va_arg(args, int)); break;
        case 'p': put_string("0x"); /* fall through */
        case 'x': put_number(va_arg(args, uint64_t), 16); break;
        default: put_number(va_arg(args, uint64_t), 10); break;
        }
    }
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    lock_take(&console);
    put_format(format, args);
    lock_drop(&console);
    va_end(args);
}

/* Whoever holds the console may be who panics. In a rehearsal nobody holds anything. */
void panic(const char *format, ...)
{
    va_list args;

    (void)arch_irq_off();
    va_start(args, format);
    put_string(current()->rehearsal ? "rehearsed panic: " : "kernel panic: ");
    put_format(format, args);
    put_string("\n");
    va_end(args);
    if (!current()->rehearsal)
        arch_exit(false);
    arch_irq_restore(true);
    process_exit(current()->rehearsal);
}
