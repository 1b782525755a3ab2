/* SPDX-License-Identifier: MIT */
/* ward poke: changes memory of another process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"
#include "value.h"

/* What is to be written. */
struct data {
    unsigned char *bytes; /* room for all */
    size_t count;
};

static int nibble(char byte)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = byte ? strchr(digits, byte) : NULL;

    return at ? (int)((at - digits) % 16) : -1;
}

/* "c0ffee" is three bytes. */
static bool add_bytes(struct data *data, const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length % 2 != 0)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        int high = nibble(text[i]), low = nibble(text[i + 1]);

        if (high < 0 || low < 0)
            return false;
        data->bytes[data->count++] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool add_string(struct data *data, const char *text)
{
    memcpy(data->bytes + data->count, text, strlen(text) + 1);
    data->count += strlen(text) + 1;
    return true;
}

static bool add_value(struct data *data, const struct value_type *type, const char *text)
{
    if (!value_parse(type, text, data->bytes + data->count))
        return false;
    data->count += type->size;
    return true;
}

static bool add(struct data *data, const struct value_type *type, const char *text)
{
    switch (type->kind) {
    case BYTES: return add_bytes(data, text);
    case STRING: return add_string(data, text);
    case SIGNED:
    case UNSIGNED:
    case HEXADECIMAL:
    case FLOATING: break;
    }
    return add_value(data, type, text);
}

/* At least as many bytes as the arguments come to. */
static size_t room_for(const struct target *target)
{
    size_t room = 0;

    for (int i = 0; i < target->rest_count; i++)
        room += strlen(target->rest[i]) + 1 + sizeof(uint64_t);
    return room;
}

static int put(struct target *target, const struct value_type *type, struct data *data)
{
    struct ward_fault why;

    for (int i = 0; i < target->rest_count; i++)
        if (!add(data, type, target->rest[i]))
            return misuse(&poke_command, "\"%s\" is no %s", target->rest[i], target->type);
    if (ward_space_write(&target->process.space, target->address, data->bytes, data->count, &why))
        return target_fail(target, &poke_command, 0, data->count, &why);
    return DONE;
}

/* Everything is understood before the first byte is written. */
static int poke_opened(struct target *target)
{
    struct value_type type;
    struct data data = { 0 };
    int status;

    if (!value_type_find(target->type, target->process.pointer_bytes, &type))
        return misuse(&poke_command, "there is no type \"%s\"", target->type);
    data.bytes = malloc(room_for(target));
    if (!data.bytes) {
        fputs("ward poke: no memory for the values\n", stderr);
        return FAILED;
    }
    status = put(target, &type, &data);
    free(data.bytes);
    return status;
}

static int poke(int argc, char **argv)
{
    struct target target;
    int status = target_parse(&target, &poke_command, argc, argv);

    if (!status && target.rest_count == 0)
        status = misuse(&poke_command, "a VALUE is wanted");
    if (status)
        return status;
    status = target_open(&target, &poke_command);
    if (status)
        return status;
    status = poke_opened(&target);
    ward_process_close(&target.process);
    return status;
}

const struct command poke_command = {
    .name = "poke",
    .arguments = "[--force] PID ADDR TYPE VALUE...",
    .purpose = "changes memory of another process",
    .help =
        "ADDR is decimal, or hexadecimal with 0x. The values are written one behind the other,\n"
        "and none if one of them does not fit TYPE. Bytes are pairs of hexadecimal digits; a\n"
        "string is written with its zero byte.\n\n" VALUE_TYPES "\n"
        "--force writes through page protections, by /proc/PID/mem; pages that belong to a file\n"
        "and are private are copied first.\n\n"
        "The exit status is 0; 1 if not everything could be written; 2 if the command line makes\n"
        "no sense; 3 if the process could not be opened.\n",
    .run = poke,
};
