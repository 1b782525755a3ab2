/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <string.h>

#include "core/bug.h"
#include "finding.h"
#include "module.h"
#include "rows.h"
#include "trace.h"
#include "unwind.h"

/* --- How sure it is --------------------------------------------------------------------------- */

static const struct certainty {
    bool certain;
    const char *sure;
} certainties[WARD_BUG_KIND_END_] = {
    [WARD_BUG_DOUBLE_FREE] = { true, "the block is recorded as free" },
    [WARD_BUG_WILD_FREE] = { true, "this malloc never gave the address out" },
    [WARD_BUG_INTERIOR_FREE] = { true, "the address is not the start of a block" },
    [WARD_BUG_WRONG_SIZE] = { true, "the block itself is sound, and is not as its free says" },
    [WARD_BUG_OVERFLOW] = { false, "the bytes changed for certain; likely by an overflow of this "
                                   "block, before the report" },
    [WARD_BUG_UNDERFLOW] = { false, "the bytes changed for certain; likely by an index below zero, "
                                    "before the report" },
    [WARD_BUG_WRITE_AFTER_FREE] = { false, "the bytes changed for certain; likely by a pointer to "
                                           "the block after its free, before the report" },
    [WARD_BUG_STALE_HANDLE] = { true, "the block of the handle was freed" },
    [WARD_BUG_METADATA] = { false, "the records make no sense for certain; no overflow reaches "
                                   "them" },
    [WARD_BUG_FORKED] = { true, "the memory does not survive a fork" },
    [WARD_BUG_OUT_OF_BOUNDS] = { false, "no block is at the address for certain; likely the one "
                                        "named here was meant, the nearest" },
    [WARD_BUG_USE_AFTER_FREE] = { false, "the block there is free for certain; likely it is the "
                                         "one that was meant" },
    [WARD_BUG_MISMATCH] = { true, "the block itself is sound, and is freed; the program goes on" },
};

static const char not_ours[] = "memory that is not of this malloc";

/* What would tell more, if it is not what was done. NULL: nothing. */
static const char *more_advice(const struct finding *finding)
{
    bool pages = (ward_root_.policy & POLICY_PAGES) != 0;

    switch (finding->bug.kind) {
    case WARD_BUG_WILD_FREE:
        return finding->place != not_ours
                   ? NULL
                   : "look where the pointer comes from; a block of another malloc in the process "
                     "can be passed on to it: option foreign=pass";
    case WARD_BUG_OVERFLOW:
        if (!pages)
            return "look for what fills the block; a guard behind every block stops at the write "
                   "itself: ward run --profile pages";
        return ward_root_.guarded.exact
                   ? NULL
                   : "look for what fills the block; with option align=1 the guard is right behind "
                     "its last byte, and stops at the write itself";
    case WARD_BUG_WRITE_AFTER_FREE:
        return pages ? NULL
                     : "look for who keeps a pointer to the block; a guard on every freed block "
                       "stops at the write itself: ward run --profile pages";
    default: return NULL;
    }
}

const char *ward_finding_advice_(const struct finding *finding)
{
    static const char *const by_kind[WARD_BUG_KIND_END_] = {
        [WARD_BUG_DOUBLE_FREE] = "look for two places that believe they own the block",
        [WARD_BUG_WILD_FREE] = "look where the pointer comes from",
        [WARD_BUG_INTERIOR_FREE] = "look for a pointer that was moved on and then freed",
        [WARD_BUG_WRONG_SIZE] = "look for a size that is computed twice; in C++ for delete of "
                                "what new[] made, or of a base without a virtual destructor",
        [WARD_BUG_OVERFLOW] = "look for what fills the block",
        [WARD_BUG_UNDERFLOW] = "look for an index below zero",
        [WARD_BUG_WRITE_AFTER_FREE] = "look for who keeps a pointer to the block",
        [WARD_BUG_MISMATCH] = "free with what belongs to the allocation",
        [WARD_BUG_OUT_OF_BOUNDS] = "the first line of the stack is the access itself",
        [WARD_BUG_USE_AFTER_FREE] = "the first line of the stack is the access itself",
    };
    const char *more = more_advice(finding);
    unsigned kind = (unsigned)finding->bug.kind;

    if (more)
        return more;
    return kind < WARD_BUG_KIND_END_ && by_kind[kind] ? by_kind[kind] : "read ward explain";
}

static const char *name_of_profile(void)
{
    return ward_root_.profile ? ward_root_.profile : "";
}

/* --- Stacks and modules ----------------------------------------------------------------------- */

static void copy_name(char *to, size_t cap, const char *from)
{
    size_t len = strnlen(from, cap - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

static uint8_t add_module(struct finding *finding, const struct module *module)
{
    struct finding_module *seen = finding->modules;
    uint8_t i = 0;

    for (; i < finding->module_count; i++)
        if (seen[i].bias == module->bias && seen[i].start == module->start)
            return i;
    if (i == FINDING_MODULES)
        return NO_MODULE;
    finding->module_count++;
    seen[i] = (struct finding_module){ .start = module->start, .bias = module->bias };
    copy_name(seen[i].path, sizeof seen[i].path, *module->name ? module->name : finding->program);
    seen[i].id_bytes = (unsigned)ward_module_id_(module, seen[i].id, FINDING_ID);
    return i;
}

/* The malloc's own frames say nothing, where they can be told from the program's. */
static bool is_own(uintptr_t pc)
{
    struct module own, module;

    return ward_module_find_((uintptr_t)is_own, &own) && *own.name &&
           ward_module_find_(pc, &module) && module.bias == own.bias;
}

static void add_frames(struct finding *finding, struct finding_stack *stack, const uintptr_t *pcs,
                       unsigned count)
{
    unsigned i = 0;

    while (i < count && !stack->exact && is_own(pcs[i]))
        i++;
    for (; i < count; i++) {
        struct finding_frame *frame = &stack->frames[stack->count++];
        struct module module;
        bool called = !stack->exact || stack->count > 1; /* the call is before the address */

        frame->pc = pcs[i];
        frame->module =
            ward_module_find_(pcs[i] - called, &module) ? add_module(finding, &module) : NO_MODULE;
    }
}

static void add_found(struct finding *finding, const void *context)
{
    struct finding_stack *stack = &finding->found;
    uintptr_t pcs[FINDING_DEPTH];
    unsigned count = context ? ward_unwind_from_(context, pcs, FINDING_DEPTH, &stack->complete)
                             : ward_unwind_(pcs, FINDING_DEPTH, 0, &stack->complete);

    stack->exact = context != NULL;
    add_frames(finding, stack, pcs, count);
}

static void add_event(struct finding *finding, struct finding_event *event,
                      const struct moment *moment)
{
    uintptr_t pcs[FINDING_DEPTH];

    if (!moment->at)
        return;
    event->known = true;
    event->thread = moment->thread;
    event->age = ward_moment_clock_() - moment->at;
    add_frames(finding, &event->stack, pcs,
               ward_trace_get_(moment->trace, pcs, FINDING_DEPTH, &event->stack.complete));
}

static void add_events(struct finding *finding, const struct report_known *known)
{
    struct moments moments = { known->issued, known->freed };

    if (known->place && !moments.issued.at)
        moments = ward_rows_moments_(known->place);
    add_event(finding, &finding->issued, &moments.issued);
    add_event(finding, &finding->freed, &moments.freed);
}

/* --- What lies around ------------------------------------------------------------------------- */

static struct finding_neighbour describe(const struct place *place, uint32_t slot)
{
    uint32_t state = LOAD(&place->span->states[slot]);

    if (!was_issued(place->span, slot))
        return (struct finding_neighbour){ .state = "never issued" };
    if (state >= SLOT_LIVE)
        return (struct finding_neighbour){ .state = "live",
                                           .is_live = true,
                                           .size = place->class->bytes - (state - SLOT_LIVE) };
    if (state == SLOT_RETIRED)
        return (struct finding_neighbour){ .state = "retired" };
    return (struct finding_neighbour){ .state = state <= SLOT_FREE ? "free" : "freed, waiting" };
}

static void add_neighbours(struct finding *finding, const struct place *place)
{
    uint32_t count = place->class->slots, slot = place->slot, from, to;

    if (slot == NO_SLOT || slot >= count || count == 1 || !place->span->base)
        return;
    from = slot < 2 ? 0 : slot - 2;
    to = count - slot < 3 ? count : slot + 3;
    for (uint32_t i = from; i < to; i++) {
        finding->neighbours[finding->neighbour_count] = describe(place, i);
        finding->neighbours[finding->neighbour_count++].is_it = i == slot;
    }
}

/* Some memory cannot be read, or is not there. */
static bool is_readable(const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += i % 8 ? 1 : 8)
        if (!ward_module_is_readable_(((uintptr_t)at + i) & ~(uintptr_t)7))
            return false;
    return bytes == 0 || ward_module_is_readable_(((uintptr_t)at + bytes - 1) & ~(uintptr_t)7);
}

static unsigned char was_at(const struct report_known *known, size_t i)
{
    return known->was ? known->was[i] : 0;
}

/* From the first byte that changed to the last. */
static void add_damage(struct finding *finding, const struct report_known *known)
{
    const unsigned char *is = known->damaged;
    size_t count = known->damaged_count, first = 0;

    if (!is || !is_readable(is, count < REPORT_DAMAGE_MAX ? count : REPORT_DAMAGE_MAX))
        return;
    count = count < REPORT_DAMAGE_MAX ? count : REPORT_DAMAGE_MAX;
    while (first < count && is[first] == was_at(known, first))
        first++;
    for (size_t i = first; i < count; i++) {
        finding->damaged[i - first] = is[i];
        if (is[i] == was_at(known, i))
            continue;
        finding->damaged_bits |= (uint32_t)1 << (i - first);
        finding->damaged_count = (unsigned)(i - first) + 1;
    }
    finding->damaged_offset = is + first - (const unsigned char *)finding->bug.block;
}

static bool is_within(const void *addr, const void *from, size_t bytes)
{
    return (uintptr_t)addr - (uintptr_t)from < bytes;
}

/* Of an address that is no block's. */
static const char *place_of(const void *addr)
{
    uintptr_t at = (uintptr_t)addr, here = (uintptr_t)&at, near = (uintptr_t)1 << 20;
    struct module module;

    if (at < 65536)
        return "a null pointer, with an offset";
    if (at + near > here && at - here < near)
        return "likely on the stack of this thread";
    if (is_within(addr, ward_root_.base, ward_root_.bytes) ||
        is_within(addr, ward_root_.shared.base, ward_root_.shared.bytes) ||
        is_within(addr, ward_root_.guarded.base, ward_root_.guarded.bytes))
        return "where this malloc has its blocks, but at none of them";
    if (ward_module_find_listed_(at, &module))
        return "code or data of the program or a library";
    return ward_module_is_readable_(at & ~(uintptr_t)7) ? not_ours : "no memory that can be read";
}

void ward_finding_collect_(struct finding *finding, const struct ward_bug *bug,
                           const struct report_known *known, const struct output *output)
{
    unsigned kind = (unsigned)bug->kind;

    memset(finding, 0, sizeof *finding);
    finding->bug = *bug;
    finding->profile = name_of_profile();
    if (kind < WARD_BUG_KIND_END_) {
        finding->certain = certainties[kind].certain;
        finding->sure = certainties[kind].sure;
    }
    if (bug->kind == WARD_BUG_OUT_OF_BOUNDS && !bug->block) {
        finding->certain = true;
        finding->sure = "no block is at the address";
    }
    finding->sure = finding->sure ? finding->sure : "";
    finding->access = known->access;
    finding->given = known->given;
    finding->place = bug->block ? NULL : place_of(bug->addr);
    finding->ids = ward_output_ids_();
    ward_output_program_(finding->program, sizeof finding->program);
    ward_output_thread_(finding->thread);
    if (known->place && bug->block) {
        if (known->place->class->slots > 1)
            finding->slot_bytes = known->place->class->bytes;
        add_neighbours(finding, known->place);
    }
    if (!output->hides_bytes)
        add_damage(finding, known);
    add_found(finding, known->context);
    add_events(finding, known);
}
