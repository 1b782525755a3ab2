/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <string.h>

#include "cfi.h"
#include "unwind.h"

enum { GRAIN = 4096 /* no page is smaller */ };

/* A walk: the frame it is at, and what of the stack was seen to be readable. */
struct walk {
    uintptr_t registers[FRAME_REGISTERS];
    uintptr_t low, high; /* [low, high) can be read */
    bool exact;          /* the pc is of the instruction itself, not the one behind a call */
    bool sure;           /* no step was a guess */
    bool is_quick;       /* only fp, sp and pc are followed, and what was found out is remembered */
};

enum step { STEP_MORE, STEP_END, STEP_LOST };

/* --- Reading ---------------------------------------------------------------------------------- */

/* Not inlined: what it asks for need not be on the stack at every read. */
static __attribute__((noinline)) bool see(struct walk *walk, uintptr_t at)
{
    uintptr_t page = at & ~(uintptr_t)(GRAIN - 1);

    if (!ward_module_is_readable_(at))
        return false;
    if (page != walk->high)
        walk->low = page;
    walk->high = page + GRAIN;
    return true;
}

static bool read_word(void *arg, uintptr_t at, uintptr_t *word)
{
    struct walk *walk = arg;

    if (at % sizeof *word || ((at < walk->low || at >= walk->high) && !see(walk, at)))
        return false;
    *word = *(const uintptr_t *)at;
    return true;
}

/* --- A step by what .eh_frame says ------------------------------------------------------------ */

static bool cfa_of(struct walk *walk, const struct cfi_row *row, uintptr_t *cfa)
{
    if (row->cfa.kind == CFI_COMPUTED)
        return ward_cfi_compute_(row, &row->cfa, walk->registers, NULL, read_word, walk, cfa);
    if (row->cfa.kind != CFI_REGISTER || row->cfa_register >= FRAME_REGISTERS)
        return false;
    *cfa = walk->registers[row->cfa_register] + (uintptr_t)(intptr_t)row->cfa.value;
    return true;
}

static bool apply(struct walk *walk, const struct cfi_row *row, const struct cfi_rule *rule,
                  const uintptr_t *registers, uintptr_t cfa, uintptr_t *value)
{
    switch (rule->kind) {
    case CFI_SAVED: return read_word(walk, cfa + (uintptr_t)(intptr_t)rule->value, value);
    case CFI_OFFSET: *value = cfa + (uintptr_t)(intptr_t)rule->value; return true;
    case CFI_REGISTER: {
        unsigned i = cfi_register((uint64_t)rule->value);

        *value = i < FRAME_REGISTERS ? registers[i] : 0;
        return i < FRAME_REGISTERS;
    }
    case CFI_SAVED_COMPUTED:
        return ward_cfi_compute_(row, rule, registers, &cfa, read_word, walk, value) &&
               read_word(walk, *value, value);
    case CFI_COMPUTED: return ward_cfi_compute_(row, rule, registers, &cfa, read_word, walk, value);
    default: return true; /* the same, or nobody asks for it */
    }
}

static bool caller_of(struct walk *walk, const struct cfi_row *row)
{
    uintptr_t callee[FRAME_REGISTERS], cfa;

    memcpy(callee, walk->registers, sizeof callee);
    if (!cfa_of(walk, row, &cfa))
        return false;
    walk->registers[FRAME_SP] = cfa;
    for (unsigned i = 0; i < FRAME_REGISTERS; i++)
        if (!apply(walk, row, &row->rules[i], callee, cfa, &walk->registers[i]))
            return false;
    walk->registers[FRAME_PC] = ward_frame_strip_(walk->registers[row->pc_register]);
    /* Outwards; a signal may have struck on another stack. */
    return row->is_signal || walk->registers[FRAME_SP] > callee[FRAME_SP] ||
           (walk->exact && walk->registers[FRAME_SP] == callee[FRAME_SP]);
}

static enum step step_by_rules(struct walk *walk, const struct cfi_row *row)
{
    if (row->rules[row->pc_register].kind == CFI_UNDEFINED)
        return STEP_END;
    if (!caller_of(walk, row))
        return STEP_LOST;
    walk->exact = row->is_signal;
    return walk->registers[FRAME_PC] ? STEP_MORE : STEP_END;
}

/* --- What most frames are like, remembered ---------------------------------------------------- */

/*
 * A return address and what .eh_frame says of its frame, where that is simple: the CFA is fp or sp
 * plus something, and of the registers only fp and pc matter. Threads write at once, without a
 * lock: an entry is right if its two words belong together. What is remembered of an object that
 * was unloaded can be wrong for one that came to the same place; nothing worse than a wrong stack
 * comes of it, and reports look anew.
 *
 *   rule   | 63 48 | 47 32 | 31 2        | 1 0 |
 *            fp at   pc at   CFA, words    kind
 *
 * fp and pc are so many words from the CFA; fp at 0: it is the same.
 */
enum { REMEMBERED_LOG2 = 12 };
enum simple { NOT_SIMPLE, FROM_SP, FROM_FP, AT_END };

static struct {
    _Atomic uint64_t mixed, rule; /* mixed: the address ^ the rule */
} remembered[1 << REMEMBERED_LOG2];

static size_t index_of(uintptr_t pc)
{
    return (size_t)(pc * UINT64_C(0x9e3779b97f4a7c15) >> (64 - REMEMBERED_LOG2));
}

static uint64_t recall(uintptr_t pc)
{
    size_t i = index_of(pc);
    uint64_t rule = atomic_load_explicit(&remembered[i].rule, memory_order_relaxed);

    return atomic_load_explicit(&remembered[i].mixed, memory_order_relaxed) == (pc ^ rule) ? rule
                                                                                           : 0;
}

/* In words, as it is kept. False: it does not fit. */
static bool in_words(int32_t bytes, int32_t least, int32_t most, int32_t *words)
{
    *words = bytes / 8;
    return bytes % 8 == 0 && *words >= least && *words <= most;
}

static uint64_t simplify(const struct cfi_row *row)
{
    const struct cfi_rule *fp = &row->rules[FRAME_FP], *pc = &row->rules[row->pc_register];
    int32_t cfa_words, pc_words, fp_words = 0;
    bool is_from_sp = row->cfa_register == FRAME_SP;

    if (pc->kind == CFI_UNDEFINED)
        return AT_END;
    if (row->is_signal || row->cfa.kind != CFI_REGISTER || pc->kind != CFI_SAVED ||
        (!is_from_sp && row->cfa_register != FRAME_FP) ||
        (fp->kind != CFI_SAVED && fp->kind != CFI_SAME) || row->rules[FRAME_SP].kind != CFI_SAME ||
        !in_words(row->cfa.value, 0, INT32_MAX / 8, &cfa_words) ||
        !in_words(pc->value, INT16_MIN, -1, &pc_words) ||
        (fp->kind == CFI_SAVED && !in_words(fp->value, INT16_MIN, -1, &fp_words)))
        return NOT_SIMPLE;
    return (uint64_t)(uint16_t)fp_words << 48 | (uint64_t)(uint16_t)pc_words << 32 |
           (uint64_t)(uint32_t)cfa_words << 2 | (is_from_sp ? FROM_SP : FROM_FP);
}

static void remember(uintptr_t pc, const struct cfi_row *row)
{
    uint64_t rule = simplify(row);
    size_t i = index_of(pc);

    if (rule == NOT_SIMPLE)
        return;
    atomic_store_explicit(&remembered[i].rule, rule, memory_order_relaxed);
    atomic_store_explicit(&remembered[i].mixed, pc ^ rule, memory_order_relaxed);
}

static enum step step_quickly(struct walk *walk, uint64_t rule)
{
    uintptr_t sp = walk->registers[FRAME_SP];
    uintptr_t cfa = walk->registers[(rule & 3) == FROM_SP ? FRAME_SP : FRAME_FP] +
                    8 * (uintptr_t)((uint32_t)rule >> 2);
    intptr_t fp_words = (int16_t)(rule >> 48), pc_words = (int16_t)(rule >> 32);

    if (rule == AT_END)
        return STEP_END;
    if (cfa <= sp || !read_word(walk, cfa + 8 * (uintptr_t)pc_words, &walk->registers[FRAME_PC]) ||
        (fp_words && !read_word(walk, cfa + 8 * (uintptr_t)fp_words, &walk->registers[FRAME_FP])))
        return STEP_LOST;
    walk->registers[FRAME_SP] = cfa;
    walk->registers[FRAME_PC] = ward_frame_strip_(walk->registers[FRAME_PC]);
    walk->exact = false;
    return walk->registers[FRAME_PC] ? STEP_MORE : STEP_END;
}

/* --- A step that is a guess ------------------------------------------------------------------- */

static bool is_code(uintptr_t pc)
{
    struct module module;

    return ward_module_find_(pc, &module);
}

static enum step step_by_frame_pointer(struct walk *walk)
{
    uintptr_t fp = walk->registers[FRAME_FP], sp = walk->registers[FRAME_SP], up, pc;

    if (fp < sp || !read_word(walk, fp + (uintptr_t)(intptr_t)FRAME_SAVED_FP, &up) ||
        !read_word(walk, fp + (uintptr_t)(intptr_t)FRAME_SAVED_PC, &pc))
        return STEP_LOST;
    if (up == 0 && pc == 0)
        return STEP_END;
    if (up != 0 && up <= fp)
        return STEP_LOST;
    walk->registers[FRAME_SP] = fp + FRAME_CALLER_SP;
    walk->registers[FRAME_FP] = up;
    walk->registers[FRAME_PC] = ward_frame_strip_(pc);
    walk->exact = false;
    return STEP_MORE;
}

/* What runs is no code: then it was just called, as it is when a pointer to a function is bad. */
static enum step step_out_of_nowhere(struct walk *walk)
{
    struct walk called = *walk;
    uintptr_t at = ward_frame_call_(called.registers), pc;

    if (!walk->exact || is_code(walk->registers[FRAME_PC]) || !read_word(walk, at, &pc) ||
        !is_code(ward_frame_strip_(pc)))
        return STEP_LOST;
    memcpy(walk->registers, called.registers, sizeof walk->registers);
    walk->registers[FRAME_PC] = ward_frame_strip_(pc);
    walk->exact = false;
    return STEP_MORE;
}

/* Apart from what may be deep on the stack while the walk goes on. */
static __attribute__((noinline)) enum step step(struct walk *walk)
{
    uintptr_t pc = walk->registers[FRAME_PC] - !walk->exact;
    struct module module;
    struct cfi_row row;
    enum step step;

    if (ward_module_find_(pc, &module) && ward_cfi_find_(&module, pc, &row)) {
        if (walk->is_quick)
            remember(pc, &row);
        return step_by_rules(walk, &row);
    }
    walk->sure = false;
    step = step_out_of_nowhere(walk);
    return step == STEP_LOST ? step_by_frame_pointer(walk) : step;
}

/* --- Walks ------------------------------------------------------------------------------------ */

static unsigned walk_out(struct walk *walk, uintptr_t *pcs, unsigned max, unsigned skip,
                         bool *complete)
{
    enum step next = STEP_MORE;
    unsigned count = 0;

    while (next == STEP_MORE && count < max) {
        uint64_t rule = walk->is_quick ? recall(walk->registers[FRAME_PC] - !walk->exact) : 0;

        if (skip > 0)
            skip--;
        else
            pcs[count++] = walk->registers[FRAME_PC];
        next = rule ? step_quickly(walk, rule) : step(walk);
    }
    *complete = next == STEP_END && walk->sure;
    return count;
}

/* The page the stack pointer is on can be read: this very function's frame is there. */
static void begin(struct walk *walk)
{
    walk->low = walk->registers[FRAME_SP] & ~(uintptr_t)(GRAIN - 1);
    walk->high = walk->low + GRAIN;
    walk->exact = walk->sure = true;
    walk->is_quick = false;
}

WARD_COLD unsigned ward_unwind_(uintptr_t *pcs, unsigned max, unsigned skip, bool *complete)
{
    struct walk walk;

    memset(walk.registers, 0, sizeof walk.registers);
    ward_frame_here_(walk.registers);
    begin(&walk);
    return walk_out(&walk, pcs, max, skip + 1, complete);
}

unsigned ward_unwind_quickly_(uintptr_t *pcs, unsigned max, unsigned skip, bool *complete)
{
    struct walk walk;

    memset(walk.registers, 0, sizeof walk.registers);
    ward_frame_here_(walk.registers);
    begin(&walk);
    walk.is_quick = true;
    return walk_out(&walk, pcs, max, skip + 1, complete);
}

WARD_COLD unsigned ward_unwind_from_(const void *context, uintptr_t *pcs, unsigned max,
                                     bool *complete)
{
    struct walk walk;

    ward_frame_of_(walk.registers, context);
    begin(&walk);
    walk.low = walk.high = 0; /* the stack may be what is broken */
    return walk_out(&walk, pcs, max, 0, complete);
}
