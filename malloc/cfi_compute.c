/* SPDX-License-Identifier: MIT */
/*
 * The expressions of .eh_frame: a small stack machine. Few frames need it: those of signals, of the
 * procedure linkage table, and of functions that realign their stack.
 */
#define _GNU_SOURCE
#include "bytes.h"
#include "cfi.h"

enum { VALUES = 16 };

struct computer {
    const uintptr_t *registers;
    cfi_read *read;
    void *arg;
    uintptr_t values[VALUES];
    unsigned count;
};

static bool push(struct computer *computer, uint64_t value)
{
    if (computer->count == VALUES)
        return false;
    computer->values[computer->count++] = (uintptr_t)value;
    return true;
}

static bool push_register(struct computer *computer, uint64_t number, struct bytes *code)
{
    unsigned i = cfi_register(number);
    int64_t offset = bytes_sleb(code);

    return i < FRAME_REGISTERS && push(computer, computer->registers[i] + (uint64_t)offset);
}

/* The value `back` below the top, once more. */
static bool copy(struct computer *computer, uint64_t back)
{
    return back < computer->count && push(computer, computer->values[computer->count - 1 - back]);
}

static bool swap(struct computer *computer)
{
    uintptr_t *top, kept;

    if (computer->count < 2)
        return false;
    top = &computer->values[computer->count - 1];
    kept = top[0];
    top[0] = top[-1];
    top[-1] = kept;
    return true;
}

/* Constants. False: it is none of these. */
static bool push_constant(struct computer *computer, unsigned what, struct bytes *code)
{
    switch (what) {
    case 0x03:
    case 0x0e: return push(computer, bytes_fixed(code, 8));
    case 0x08: return push(computer, bytes_fixed(code, 1));
    case 0x09: return push(computer, (uint64_t)bytes_signed(code, 1));
    case 0x0a: return push(computer, bytes_fixed(code, 2));
    case 0x0b: return push(computer, (uint64_t)bytes_signed(code, 2));
    case 0x0c: return push(computer, bytes_fixed(code, 4));
    case 0x0d: return push(computer, (uint64_t)bytes_signed(code, 4));
    case 0x0f: return push(computer, bytes_fixed(code, 8));
    case 0x10: return push(computer, bytes_uleb(code));
    case 0x11: return push(computer, (uint64_t)bytes_sleb(code));
    default: return false;
    }
}

/* Of one value. False: it is none of these, or there is none. */
static bool change_top(struct computer *computer, unsigned what, struct bytes *code)
{
    uintptr_t *top;

    if (computer->count == 0)
        return false;
    top = &computer->values[computer->count - 1];
    switch (what) {
    case 0x06: return computer->read(computer->arg, *top, top);
    case 0x13: computer->count--; return true;
    case 0x1f: *top = 0 - *top; return true;
    case 0x20: *top = ~*top; return true;
    case 0x23: *top += (uintptr_t)bytes_uleb(code); return true;
    default: return false;
    }
}

/* Of two. */
static bool combine(struct computer *computer, unsigned what)
{
    uintptr_t *left = &computer->values[computer->count - 2], right = left[1];
    bool less = (intptr_t)*left < (intptr_t)right;

    switch (what) {
    case 0x1a: *left &= right; break;
    case 0x1c: *left -= right; break;
    case 0x1e: *left *= right; break;
    case 0x21: *left |= right; break;
    case 0x22: *left += right; break;
    case 0x24: *left = right < 64 ? *left << right : 0; break;
    case 0x25: *left = right < 64 ? *left >> right : 0; break;
    case 0x27: *left ^= right; break;
    case 0x29: *left = *left == right; break;
    case 0x2a: *left = !less; break;
    case 0x2b: *left = !less && *left != right; break;
    case 0x2c: *left = less || *left == right; break;
    case 0x2d: *left = less; break;
    case 0x2e: *left = *left != right; break;
    default: return false;
    }
    computer->count--;
    return true;
}

static bool step(struct computer *computer, struct bytes *code)
{
    unsigned what = (unsigned)bytes_fixed(code, 1);

    if (what >= 0x30 && what < 0x50)
        return push(computer, what - 0x30);
    if (what >= 0x70 && what < 0x90)
        return push_register(computer, what - 0x70, code);
    switch (what) {
    case 0x12: return copy(computer, 0);
    case 0x14: return copy(computer, 1);
    case 0x15: return copy(computer, bytes_fixed(code, 1));
    case 0x16: return swap(computer);
    case 0x92: return push_register(computer, bytes_uleb(code), code);
    case 0x96: return true; /* nothing */
    default: break;
    }
    return push_constant(computer, what, code) || change_top(computer, what, code) ||
           (computer->count >= 2 && combine(computer, what));
}

bool ward_cfi_compute_(const struct cfi_row *row, const struct cfi_rule *rule,
                       const uintptr_t *registers, const uintptr_t *cfa, cfi_read *read, void *arg,
                       uintptr_t *value)
{
    struct computer computer = { .registers = registers, .read = read, .arg = arg };
    struct bytes code = { row->origin + rule->value, row->end };
    uint64_t len = bytes_uleb(&code);

    if (!code.at || len > (size_t)(code.end - code.at))
        return false;
    code.end = code.at + len;
    if (cfa)
        push(&computer, *cfa);
    while (code.at && code.at != code.end)
        if (!step(&computer, &code))
            return false;
    if (!code.at || computer.count == 0)
        return false;
    *value = computer.values[computer.count - 1];
    return true;
}
