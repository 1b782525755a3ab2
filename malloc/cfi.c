/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cfi.h"
#include "bytes.h"

/* Encodings of addresses: what compilers and linkers write. */
enum {
    ENCODED_ABSOLUTE = 0x00,
    ENCODED_U2 = 0x02,
    ENCODED_U4 = 0x03,
    ENCODED_U8 = 0x04,
    ENCODED_SIGNED = 0x08,
    ENCODED_S4 = ENCODED_SIGNED | ENCODED_U4,
    ENCODED_FROM_HERE = 0x10,
    ENCODED_FROM_TABLE = 0x30,
    ENCODED_INDIRECT = 0x80,
};

/* What the description of a function shares with others. */
struct common {
    uint64_t code_unit;
    int64_t data_unit;
    uint8_t pc_register;
    uint8_t encoding; /* of addresses */
    bool is_signal;
    bool is_augmented; /* data of a length of its own precede the instructions */
    struct bytes code;
};

/* Of a function. */
struct description {
    struct common common;
    const unsigned char *origin;
    uintptr_t start; /* its first address */
    uint64_t size;
    struct bytes code;
};

/* --- Finding the description ------------------------------------------------------------------ */

static size_t width_of(unsigned encoding)
{
    switch (encoding & 0x07) {
    case ENCODED_ABSOLUTE:
    case ENCODED_U8: return 8;
    case ENCODED_U4: return 4;
    case ENCODED_U2: return 2;
    default: return 0;
    }
}

/* An address, absolute or from where it stands. Fails (bytes->at == NULL) for other encodings. */
static uintptr_t encoded(struct bytes *bytes, unsigned encoding)
{
    uintptr_t here = (uintptr_t)bytes->at;
    size_t width = width_of(encoding);
    uint64_t value;

    if (width == 0 || encoding & ENCODED_INDIRECT || (encoding & 0x70) > ENCODED_FROM_HERE) {
        bytes->at = NULL;
        return 0;
    }
    value = encoding & ENCODED_SIGNED ? (uint64_t)bytes_signed(bytes, width)
                                      : bytes_fixed(bytes, width);
    return (uintptr_t)value + ((encoding & 0x70) == ENCODED_FROM_HERE ? here : 0);
}

/* The entry of the sorted table for pc: the last that does not begin behind it. NULL: none. */
static const unsigned char *look_up(const struct module *module, uintptr_t pc)
{
    struct bytes header = { module->frames, (const unsigned char *)module->end };
    uint32_t version = (uint32_t)bytes_fixed(&header, 1);
    uint32_t how = (uint32_t)bytes_fixed(&header, 3);
    uint64_t low = 0, count;
    int64_t wanted = (int64_t)(pc - (uintptr_t)module->frames);
    const int32_t *table;

    /* frames: relative, 4 bytes; count: 4 bytes; table: relative to the header, 4 bytes, sorted */
    if (version != 1 || how != ((ENCODED_FROM_TABLE | ENCODED_S4) << 16 | ENCODED_U4 << 8 |
                                ENCODED_FROM_HERE | ENCODED_S4))
        return NULL;
    bytes_skip(&header, 4);
    count = bytes_fixed(&header, 4);
    if (!header.at || count > (size_t)(header.end - header.at) / 8)
        return NULL;
    table = (const int32_t *)(const void *)header.at;
    for (uint64_t high = count; low < high;) {
        uint64_t middle = (low + high) / 2;

        if (table[2 * middle] <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : module->frames + table[2 * low - 1];
}

/* The contents of an entry: behind its length. */
static struct bytes contents(const struct module *module, const unsigned char *entry)
{
    struct bytes bytes = { entry, (const unsigned char *)module->end };
    uint64_t len;

    if ((uintptr_t)entry < module->start || (uintptr_t)entry >= module->end)
        bytes.at = NULL;
    len = bytes_fixed(&bytes, 4);
    if (!bytes.at || len == 0 || len > (size_t)(bytes.end - bytes.at))
        bytes.at = NULL;
    else
        bytes.end = bytes.at + len;
    return bytes;
}

/* What the letters behind 'z' say. False: there is one that is not known. */
static bool read_augmentation(struct common *common, const unsigned char *letters,
                              struct bytes data)
{
    for (; *letters; letters++)
        if (*letters == 'R')
            common->encoding = (uint8_t)bytes_fixed(&data, 1);
        else if (*letters == 'L')
            bytes_skip(&data, 1);
        else if (*letters == 'P')
            bytes_skip(&data, width_of((unsigned)bytes_fixed(&data, 1)));
        else if (*letters == 'S')
            common->is_signal = true;
        else if (*letters != 'B')
            return false;
    return data.at != NULL;
}

static bool read_common(const struct module *module, const unsigned char *entry,
                        struct common *common)
{
    struct bytes bytes = contents(module, entry);
    uint32_t id = (uint32_t)bytes_fixed(&bytes, 4), version = (uint32_t)bytes_fixed(&bytes, 1);
    const unsigned char *letters = bytes.at;
    uint64_t len;

    *common = (struct common){ .encoding = ENCODED_ABSOLUTE };
    while (bytes_fixed(&bytes, 1) != 0)
        ;
    if (!bytes.at || id != 0 || (version != 1 && version != 3))
        return false;
    common->code_unit = bytes_uleb(&bytes);
    common->data_unit = bytes_sleb(&bytes);
    common->pc_register =
        (uint8_t)cfi_register(version == 1 ? bytes_fixed(&bytes, 1) : bytes_uleb(&bytes));
    common->is_augmented = *letters == 'z';
    if (common->is_augmented) {
        len = bytes_uleb(&bytes);
        if (!bytes.at || len > (size_t)(bytes.end - bytes.at) ||
            !read_augmentation(common, letters + 1, (struct bytes){ bytes.at, bytes.at + len }))
            return false;
        bytes.at += len;
    } else if (*letters) {
        return false;
    }
    common->code = bytes;
    return bytes.at && common->pc_register < FRAME_REGISTERS;
}

static bool read_description(const struct module *module, const unsigned char *entry,
                             struct description *description)
{
    struct bytes bytes = contents(module, entry);
    const unsigned char *here = bytes.at;
    uint64_t back = bytes_fixed(&bytes, 4);
    unsigned encoding;

    if (!bytes.at || back == 0 || back > (uintptr_t)here - module->start ||
        !read_common(module, here - back, &description->common))
        return false;
    encoding = description->common.encoding;
    description->origin = entry;
    description->start = encoded(&bytes, encoding);
    description->size = encoded(&bytes, encoding & 0x0f);
    if (description->common.is_augmented)
        bytes_skip(&bytes, bytes_uleb(&bytes));
    description->code = bytes;
    return bytes.at != NULL;
}

/* --- Executing it ----------------------------------------------------------------------------- */

enum { REMEMBERED_MAX = 4 };

struct machine {
    const struct common *common;
    struct cfi_row *row;
    const struct cfi_rule *initial; /* rules after the common part; NULL: still in it */
    uintptr_t at, pc;               /* rows are for code from `at` on; the one for pc is wanted */
    unsigned remembered;
    struct saved {
        struct cfi_rule cfa, rules[FRAME_REGISTERS];
        uint8_t cfa_register;
    } saved[REMEMBERED_MAX];
};

static void set(struct machine *machine, uint64_t number, enum cfi_kind kind, int64_t value)
{
    unsigned i = cfi_register(number);

    if (i < FRAME_REGISTERS)
        machine->row->rules[i] = (struct cfi_rule){ (uint8_t)kind, (int32_t)value };
}

static void restore(struct machine *machine, uint64_t number)
{
    unsigned i = cfi_register(number);

    if (i < FRAME_REGISTERS && machine->initial)
        machine->row->rules[i] = machine->initial[i];
}

static void set_cfa(struct machine *machine, uint64_t number, int64_t value)
{
    machine->row->cfa = (struct cfi_rule){ CFI_REGISTER, (int32_t)value };
    machine->row->cfa_register = (uint8_t)cfi_register(number);
}

static bool keep(struct machine *machine)
{
    struct saved *saved = &machine->saved[machine->remembered];

    if (machine->remembered == REMEMBERED_MAX)
        return false;
    machine->remembered++;
    saved->cfa = machine->row->cfa;
    saved->cfa_register = machine->row->cfa_register;
    memcpy(saved->rules, machine->row->rules, sizeof saved->rules);
    return true;
}

static bool bring_back(struct machine *machine)
{
    const struct saved *saved;

    if (machine->remembered == 0)
        return false;
    saved = &machine->saved[--machine->remembered];
    machine->row->cfa = saved->cfa;
    machine->row->cfa_register = saved->cfa_register;
    memcpy(machine->row->rules, saved->rules, sizeof saved->rules);
    return true;
}

/* Where an expression stands, and over it. */
static int64_t expression(struct machine *machine, struct bytes *code)
{
    int64_t where = code->at - machine->row->origin;

    bytes_skip(code, bytes_uleb(code));
    return where;
}

/* Those whose operand is in the instruction itself. */
static void execute_packed(struct machine *machine, unsigned what, struct bytes *code)
{
    unsigned operand = what & 0x3f;

    if (what >> 6 == 1)
        machine->at += operand * machine->common->code_unit;
    else if (what >> 6 == 2)
        set(machine, operand, CFI_SAVED, (int64_t)bytes_uleb(code) * machine->common->data_unit);
    else
        restore(machine, operand);
}

/* The rules of registers. False: it is none of these. */
static bool execute_rule(struct machine *machine, unsigned what, struct bytes *code)
{
    uint64_t number = bytes_uleb(code);
    int64_t unit = machine->common->data_unit;

    switch (what) {
    case 0x05: set(machine, number, CFI_SAVED, (int64_t)bytes_uleb(code) * unit); return true;
    case 0x06: restore(machine, number); return true;
    case 0x07: set(machine, number, CFI_UNDEFINED, 0); return true;
    case 0x08: set(machine, number, CFI_SAME, 0); return true;
    case 0x09: set(machine, number, CFI_REGISTER, (int64_t)bytes_uleb(code)); return true;
    case 0x10: set(machine, number, CFI_SAVED_COMPUTED, expression(machine, code)); return true;
    case 0x11: set(machine, number, CFI_SAVED, bytes_sleb(code) * unit); return true;
    case 0x14: set(machine, number, CFI_OFFSET, (int64_t)bytes_uleb(code) * unit); return true;
    case 0x15: set(machine, number, CFI_OFFSET, bytes_sleb(code) * unit); return true;
    case 0x16: set(machine, number, CFI_COMPUTED, expression(machine, code)); return true;
    case 0x2e: return true; /* bytes of arguments */
    case 0x2f: set(machine, number, CFI_SAVED, -(int64_t)bytes_uleb(code) * unit); return true;
    default: return false;
    }
}

/* The CFA. False: it is none of these. */
static bool execute_cfa(struct machine *machine, unsigned what, struct bytes *code)
{
    struct cfi_row *row = machine->row;
    int64_t unit = machine->common->data_unit;
    uint64_t number;

    switch (what) {
    case 0x0c:
        number = bytes_uleb(code);
        set_cfa(machine, number, (int64_t)bytes_uleb(code));
        return true;
    case 0x0d: set_cfa(machine, bytes_uleb(code), row->cfa.value); return true;
    case 0x0e: row->cfa.value = (int32_t)bytes_uleb(code); return true;
    case 0x0f:
        row->cfa = (struct cfi_rule){ CFI_COMPUTED, (int32_t)expression(machine, code) };
        return true;
    case 0x12:
        number = bytes_uleb(code);
        set_cfa(machine, number, bytes_sleb(code) * unit);
        return true;
    case 0x13: row->cfa.value = (int32_t)(bytes_sleb(code) * unit); return true;
    default: return false;
    }
}

/* Where rows begin, and what is remembered. False: it is none of these. */
static bool execute_place(struct machine *machine, unsigned what, struct bytes *code)
{
    switch (what) {
    case 0x00: return true;
    case 0x01: machine->at = encoded(code, machine->common->encoding); return true;
    case 0x02:
    case 0x03: machine->at += bytes_fixed(code, what - 1) * machine->common->code_unit; return true;
    case 0x04: machine->at += bytes_fixed(code, 4) * machine->common->code_unit; return true;
    case 0x0a: return keep(machine);
    case 0x0b: return bring_back(machine);
    case 0x2d: return true; /* return addresses are signed: they are stripped anyway */
    default: return false;
    }
}

/* Up to the row for pc. */
static bool execute(struct machine *machine, struct bytes code)
{
    while (code.at != code.end && machine->at <= machine->pc) {
        unsigned what = (unsigned)bytes_fixed(&code, 1);

        if (what >> 6 != 0)
            execute_packed(machine, what, &code);
        else if (!execute_place(machine, what, &code) && !execute_cfa(machine, what, &code) &&
                 !execute_rule(machine, what, &code))
            return false;
        if (!code.at)
            return false;
    }
    return true;
}

bool ward_cfi_find_(const struct module *module, uintptr_t pc, struct cfi_row *row)
{
    struct cfi_rule initial[FRAME_REGISTERS];
    struct description description;
    struct machine machine = { .common = &description.common, .row = row };
    const unsigned char *entry = module->frames ? look_up(module, pc) : NULL;

    memset(row, 0, sizeof *row);
    if (!entry || !read_description(module, entry, &description) ||
        pc - description.start >= description.size)
        return false;
    row->origin = description.origin;
    row->end = description.code.end;
    row->pc_register = description.common.pc_register;
    row->is_signal = description.common.is_signal;
    machine.pc = pc;
    if (!execute(&machine, description.common.code))
        return false;
    memcpy(initial, row->rules, sizeof initial);
    machine.initial = initial;
    machine.at = description.start;
    return execute(&machine, description.code);
}
