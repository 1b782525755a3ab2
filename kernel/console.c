/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "kernel.h"

static struct lock console;

void print_bytes(const char *text, size_t n)
{
    lock_take(&console);
    for (size_t i = 0; i < n; i++)
        arch_console_put(text[i]);
    lock_drop(&console);
}

static void put_number(uint64_t n, unsigned radix)
{
    if (n >= radix)
        put_number(n / radix, radix);
    arch_console_put("0123456789abcdef"[n % radix]);
}

static void put_string(const char *s)
{
    while (*s)
        arch_console_put(*s++);
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
    current()->cpu->depth = 0;
    arch_irq_restore(true);
    process_exit(current()->rehearsal);
}
