/* SPDX-License-Identifier: MIT */
/*
 * Reports of caught bugs. Everything here must work in a damaged process and in a signal handler:
 * it allocates nothing, formats into the stack, and writes once.
 */
#include <ward/bug.h>
#include <ward/host.h>
#include <ward/region.h>

#include "bug.h"
#include "text.h"

struct kind {
    const char *code;
    unsigned cwe;
    const char *title;
};

static const struct kind kinds[WARD_BUG_KIND_END_] = {
    [WARD_BUG_DOUBLE_FREE] = { "WARD-DOUBLE-FREE", 415, "a block was freed twice" },
    [WARD_BUG_WILD_FREE] = { "WARD-WILD-FREE", 590, "an address that is no block was freed" },
    [WARD_BUG_INTERIOR_FREE] = { "WARD-INTERIOR-FREE", 761, "an address inside a block was freed" },
    [WARD_BUG_WRONG_SIZE] = { "WARD-WRONG-SIZE", 763, "a block was freed with another size" },
    [WARD_BUG_OVERFLOW] = { "WARD-OVERFLOW", 787, "bytes behind a block were written" },
    [WARD_BUG_UNDERFLOW] = { "WARD-UNDERFLOW", 124, "bytes before a block were written" },
    [WARD_BUG_WRITE_AFTER_FREE] = { "WARD-WRITE-AFTER-FREE", 416, "a free block was written" },
    [WARD_BUG_STALE_HANDLE] = { "WARD-STALE-HANDLE", 825, "a handle outlived its block" },
    [WARD_BUG_METADATA] = { "WARD-METADATA", 1284, "the allocator's own records are damaged" },
    [WARD_BUG_FORKED] = { "WARD-FORKED", 666, "memory that a fork leaves behind was used" },
    [WARD_BUG_OUT_OF_BOUNDS] = { "WARD-OUT-OF-BOUNDS", 119,
                                 "an access beyond a block was stopped" },
    [WARD_BUG_USE_AFTER_FREE] = { "WARD-USE-AFTER-FREE", 416,
                                  "an access to a freed block was stopped" },
    [WARD_BUG_MISMATCH] = { "WARD-MISMATCH", 762, "a block was freed by the wrong function" },
};

static const struct kind unknown = { "WARD-UNKNOWN", 0, "unknown" };

static ward_bug_handler *handler;
static void *handler_arg;

static const struct kind *kind_of(enum ward_bug_kind kind)
{
    unsigned i = (unsigned)kind;

    return i < WARD_BUG_KIND_END_ && kinds[i].code ? &kinds[i] : &unknown;
}

const char *ward_bug_code(enum ward_bug_kind kind)
{
    return kind_of(kind)->code;
}

const char *ward_bug_title_(enum ward_bug_kind kind)
{
    return kind_of(kind)->title;
}

unsigned ward_bug_cwe(enum ward_bug_kind kind)
{
    return kind_of(kind)->cwe;
}

void ward_bug_handle(ward_bug_handler *to, void *arg)
{
    handler_arg = arg;
    handler = to;
}

/* Of a live block it is known, and may be 0. */
bool ward_bug_knows_size_(const struct ward_bug *bug)
{
    switch (bug->kind) {
    case WARD_BUG_OVERFLOW:
    case WARD_BUG_UNDERFLOW:
    case WARD_BUG_WRONG_SIZE:
    case WARD_BUG_MISMATCH:
    case WARD_BUG_OUT_OF_BOUNDS: return bug->block != NULL;
    default: return bug->block && bug->size;
    }
}

static void put_bytes(struct text *t, uintptr_t n)
{
    put_number(t, n, 10);
    put(t, n == 1 ? " byte " : " bytes ");
}

/* Where addr lies, seen from the block: the sentence a reader looks for first. */
static void put_relation(struct text *t, const struct ward_bug *bug)
{
    uintptr_t addr = (uintptr_t)bug->addr, block = (uintptr_t)bug->block;

    if (!bug->block || addr == block)
        return;
    put(t, ", ");
    if (addr < block) {
        put_bytes(t, block - addr);
        put(t, "before the block");
    } else if (addr - block < bug->size || !ward_bug_knows_size_(bug)) {
        put_bytes(t, addr - block);
        put(t, "into the block");
    } else {
        put_bytes(t, addr - block - bug->size + 1);
        put(t, "past the end of the block");
    }
}

static void put_block(struct text *t, const struct ward_bug *bug)
{
    if (!bug->block)
        return;
    put(t, "\n  block    ");
    put_number(t, (uintptr_t)bug->block, 16);
    if (ward_bug_knows_size_(bug)) {
        put(t, ", ");
        put_bytes(t, bug->size);
        put(t, "requested");
    }
}

static void put_region(struct text *t, const struct ward_region *region)
{
    if (!region)
        return;
    put(t, "\n  region   ");
    put_number(t, (uintptr_t)region->base, 16);
    put(t, " to ");
    put_number(t, (uintptr_t)region->base + region->size, 16);
    put(t, ", ");
    put(t, ward_region_name(region));
}

static void put_facts(struct text *t, const struct ward_bug *bug)
{
    const struct kind *kind = kind_of(bug->kind);

    put(t, "==ward== ");
    put(t, kind->code);
    put(t, " (CWE-");
    put_number(t, kind->cwe, 10);
    put(t, "): ");
    put(t, kind->title);
    put(t, "\n  address  ");
    put_number(t, (uintptr_t)bug->addr, 16);
    put_relation(t, bug);
    put_block(t, bug);
    put_region(t, bug->region);
    put(t, "\n  found    ");
    put(t, bug->message ? bug->message : "");
    put(t, "\n");
}

size_t ward_bug_print_facts_(const struct ward_bug *bug, char *out, size_t cap)
{
    struct text t = { out, 0, cap };

    if (cap == 0)
        return 0;
    put_facts(&t, bug);
    out[t.len] = '\0';
    return t.len;
}

size_t ward_bug_print(const struct ward_bug *bug, char *out, size_t cap)
{
    struct text t = { out, 0, cap };

    if (cap == 0)
        return 0;
    put_facts(&t, bug);
    put(&t, "  " WARD_BUG_BLAME_ "\n");
    out[t.len] = '\0';
    return t.len;
}

bool ward_bug_is_contained_(const struct ward_bug *bug)
{
    ward_bug_handler *ask = handler;

    return ask && ask(bug, handler_arg) == WARD_CONTAIN;
}

void ward_bug_raise(const struct ward_bug *bug)
{
    char text[1024];

    if (ward_bug_is_contained_(bug))
        return;
    ward_host_die(text, ward_bug_print(bug, text, sizeof text));
}
