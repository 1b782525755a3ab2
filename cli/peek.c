/* SPDX-License-Identifier: MIT */
/* ward peek: shows memory of another process. */
#include <stdio.h>
#include <stdlib.h>

#include <ward/arith.h>

#include "target.h"
#include "value.h"

enum { PIECE = 4096, ROW = 16, DEFAULT_BYTES = 64, DEFAULT_STRING = 4096 };

/* --- Shapes ----------------------------------------------------------------------------------- */

static void print_row(uint64_t address, const unsigned char *bytes, size_t n)
{
    printf("%016llx ", (unsigned long long)address);
    for (size_t i = 0; i < ROW; i++) {
        if (i % (ROW / 2) == 0)
            putchar(' ');
        if (i < n)
            printf("%02x ", bytes[i]);
        else
            fputs("   ", stdout);
    }
    fputs(" |", stdout);
    for (size_t i = 0; i < n; i++)
        putchar(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
    puts("|");
}

static void print_piece(const struct value_type *type, uint64_t address, const unsigned char *bytes,
                        size_t n)
{
    if (type->kind == BYTES) {
        for (size_t i = 0; i < n; i += ROW)
            print_row(address + i, bytes + i, n - i < ROW ? n - i : ROW);
        return;
    }
    for (size_t i = 0; n - i >= type->size; i += type->size)
        value_print(type, bytes + i);
}

/* What another process says does not reach the terminal as it is. */
static void print_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '\\')
            fputs("\\\\", stdout);
        else if (byte >= ' ' && byte <= '~')
            putchar(byte);
        else
            printf("\\x%02x", byte);
    }
    putchar('\n');
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int show(struct target *target, const struct value_type *type, size_t bytes)
{
    unsigned char piece[PIECE];
    struct ward_fault why;

    for (size_t done = 0; done < bytes; done += PIECE) {
        uint64_t address = target->address + done;
        size_t n = bytes - done < PIECE ? bytes - done : PIECE;
        int error = ward_space_read(&target->process.space, address, piece, n, &why);

        print_piece(type, address, piece, error ? why.done : n);
        if (error)
            return target_fail(target, &peek_command, done, bytes, &why);
    }
    return DONE;
}

static int show_string(struct target *target, size_t cap)
{
    char *text = malloc(cap + 1);
    struct ward_fault why;
    ptrdiff_t length;
    int status = DONE;

    if (!text) {
        fprintf(stderr, "ward peek: no memory for %zu bytes\n", cap);
        return FAILED;
    }
    length = ward_space_read_str(&target->process.space, target->address, text, cap + 1, &why);
    print_text(text, length >= 0 ? (size_t)length : length == -ENAMETOOLONG ? cap : why.done);
    if (length == -ENAMETOOLONG) {
        fprintf(stderr, "ward peek: the string does not end within %zu bytes\n", cap);
        status = FAILED;
    } else if (length < 0) {
        status = target_fail(target, &peek_command, 0, cap, &why);
    }
    free(text);
    return status;
}

static uint64_t default_count(const struct value_type *type)
{
    if (type->kind == BYTES)
        return DEFAULT_BYTES;
    return type->kind == STRING ? DEFAULT_STRING : 1;
}

/* How many: of one type, as a length in bytes. False: no such number. */
static bool find_length(const struct target *target, const struct value_type *type, size_t *bytes)
{
    uint64_t count = default_count(type);

    if (target->rest_count > 0 && !parse_number(target->rest[0], &count))
        return false;
    return count > 0 && ward_mul(count, type->size, bytes) && *bytes < (size_t)PTRDIFF_MAX;
}

static int peek_opened(struct target *target)
{
    struct value_type type;
    size_t bytes;

    if (!value_type_find(target->type, target->process.pointer_bytes, &type))
        return misuse(&peek_command, "there is no type \"%s\"", target->type);
    if (!find_length(target, &type, &bytes))
        return misuse(&peek_command, "\"%s\" is no number of them", target->rest[0]);
    return type.kind == STRING ? show_string(target, bytes) : show(target, &type, bytes);
}

static int peek(int argc, char **argv)
{
    struct target target;
    int status = target_parse(&target, &peek_command, argc, argv);

    if (!status && target.rest_count > 1)
        status = misuse(&peek_command, "\"%s\" is too much", target.rest[1]);
    if (status)
        return status;
    status = target_open(&target, &peek_command);
    if (status)
        return status;
    status = peek_opened(&target);
    ward_process_close(&target.process);
    return status;
}

const struct command peek_command = {
    .name = "peek",
    .arguments = "[--force] PID ADDR TYPE [COUNT]",
    .purpose = "shows memory of another process",
    .help =
        "ADDR is decimal, or hexadecimal with 0x. COUNT is how many of TYPE (1; 64 bytes), or the\n"
        "most bytes of a string (4096). Numbers are printed one in a line; bytes that are not\n"
        "printable are shown as \\xNN.\n\n" VALUE_TYPES "\n"
        "--force reads through page protections, by /proc/PID/mem.\n\n"
        "The exit status is 0; 1 if not everything could be read: what could is printed; 2 if the\n"
        "command line makes no sense; 3 if the process could not be opened.\n",
    .run = peek,
};
