/* SPDX-License-Identifier: MIT */
/* A report as one line of JSON. Numbers that may need more than 53 bits are strings of hexadecimal
 * digits. What is not known is null, or left out where it is an object. */
#include "core/bug.h"
#include "finding.h"

/* "name": , after what comes before it. */
static void key(struct text *text, const char *before, const char *name)
{
    ward_text_put_(text, before);
    ward_text_put_json_(text, name, SIZE_MAX);
    ward_text_put_(text, ":");
}

static void put_string(struct text *text, const char *before, const char *name, const char *value)
{
    key(text, before, name);
    if (value)
        ward_text_put_json_(text, value, SIZE_MAX);
    else
        ward_text_put_(text, "null");
}

static void put_decimal(struct text *text, const char *before, const char *name, uint64_t value)
{
    key(text, before, name);
    ward_text_put_decimal_(text, value);
}

static void put_signed(struct text *text, const char *before, const char *name, int64_t value)
{
    key(text, before, name);
    ward_text_put_signed_(text, value);
}

static void put_hex(struct text *text, const char *before, const char *name, uint64_t value)
{
    key(text, before, name);
    ward_text_put_(text, "\"");
    ward_text_put_hex_(text, value);
    ward_text_put_(text, "\"");
}

static void put_bool(struct text *text, const char *before, const char *name, bool value)
{
    key(text, before, name);
    ward_text_put_(text, value ? "true" : "false");
}

/* --- Stacks ----------------------------------------------------------------------------------- */

static void put_frame(const struct finding *finding, const struct finding_frame *frame,
                      struct text *text)
{
    put_hex(text, "{", "pc", frame->pc);
    if (frame->module != NO_MODULE) {
        put_decimal(text, ",", "module", frame->module);
        put_hex(text, ",", "offset", frame->pc - finding->modules[frame->module].bias);
    }
    ward_text_put_(text, "}");
}

static void put_stack(const struct finding *finding, const struct finding_stack *stack,
                      struct text *text)
{
    put_bool(text, "{", "complete", stack->complete);
    put_bool(text, ",", "exact", stack->exact);
    key(text, ",", "frames");
    ward_text_put_(text, "[");
    for (unsigned i = 0; i < stack->count; i++) {
        ward_text_put_(text, i ? "," : "");
        put_frame(finding, &stack->frames[i], text);
    }
    ward_text_put_(text, "]}");
}

static void put_event(const struct finding *finding, const struct finding_event *event,
                      const char *name, struct text *text)
{
    if (!event->known)
        return;
    key(text, ",", name);
    put_decimal(text, "{", "thread", event->thread);
    put_decimal(text, ",", "age_ns", event->age);
    key(text, ",", "stack");
    put_stack(finding, &event->stack, text);
    ward_text_put_(text, "}");
}

/* --- The block, what lies around -------------------------------------------------------------- */

static void put_block(const struct finding *finding, struct text *text)
{
    const struct ward_bug *bug = &finding->bug;

    key(text, ",", "block");
    if (!bug->block) {
        ward_text_put_(text, "null");
        return;
    }
    put_hex(text, "{", "address", (uintptr_t)bug->block);
    if (ward_bug_knows_size_(bug))
        put_decimal(text, ",", "size", bug->size);
    put_decimal(text, ",", "slot", finding->slot_bytes);
    put_signed(text, ",", "offset", (intptr_t)bug->addr - (intptr_t)bug->block);
    ward_text_put_(text, "}");
}

static void put_given(const struct finding *finding, struct text *text)
{
    if (!finding->given.is_given)
        return;
    key(text, ",", "given");
    put_hex(text, "{", "size", finding->given.size);
    put_hex(text, ",", "align", finding->given.align);
    ward_text_put_(text, "}");
}

static void put_damage(const struct finding *finding, struct text *text)
{
    if (!finding->damaged_bits)
        return;
    key(text, ",", "bytes");
    put_signed(text, "{", "offset", finding->damaged_offset);
    key(text, ",", "found");
    ward_text_put_(text, "[");
    for (unsigned i = 0; i < finding->damaged_count; i++) {
        ward_text_put_(text, i ? "," : "");
        if (finding->damaged_bits >> i & 1)
            ward_text_put_decimal_(text, finding->damaged[i]);
        else
            ward_text_put_(text, "null");
    }
    ward_text_put_(text, "]}");
}

static void put_neighbours(const struct finding *finding, struct text *text)
{
    key(text, ",", "neighbours");
    ward_text_put_(text, "[");
    for (unsigned i = 0; i < finding->neighbour_count; i++) {
        const struct finding_neighbour *slot = &finding->neighbours[i];

        put_string(text, i ? ",{" : "{", "state", slot->state);
        if (slot->is_live)
            put_decimal(text, ",", "size", slot->size);
        put_bool(text, ",", "this", slot->is_it);
        ward_text_put_(text, "}");
    }
    ward_text_put_(text, "]");
}

static void put_modules(const struct finding *finding, struct text *text)
{
    key(text, ",", "modules");
    ward_text_put_(text, "[");
    for (unsigned i = 0; i < finding->module_count; i++) {
        const struct finding_module *module = &finding->modules[i];

        put_string(text, i ? ",{" : "{", "path", module->path);
        put_hex(text, ",", "start", module->start);
        put_hex(text, ",", "bias", module->bias);
        key(text, ",", "build_id");
        ward_text_put_(text, "\"");
        ward_text_put_bytes_(text, module->id, module->id_bytes, "");
        ward_text_put_(text, "\"}");
    }
    ward_text_put_(text, "]");
}

void ward_finding_print_json_(const struct finding *finding, struct text *text)
{
    const struct ward_bug *bug = &finding->bug;

    put_decimal(text, "{", "ward_report", 1);
    put_string(text, ",", "code", ward_bug_code(bug->kind));
    put_decimal(text, ",", "cwe", ward_bug_cwe(bug->kind));
    put_string(text, ",", "title", ward_bug_title_(bug->kind));
    put_bool(text, ",", "certain", finding->certain);
    put_string(text, ",", "sure", finding->sure);
    put_string(text, ",", "found", bug->message);
    put_hex(text, ",", "address", (uintptr_t)bug->addr);
    put_string(text, ",", "place", finding->place);
    put_string(text, ",", "access", finding->access);
    put_block(finding, text);
    put_given(finding, text);
    put_damage(finding, text);
    put_neighbours(finding, text);
    put_decimal(text, ",", "pid", finding->ids.process);
    put_decimal(text, ",", "thread", finding->ids.thread);
    put_string(text, ",", "thread_name", finding->thread);
    put_string(text, ",", "program", finding->program);
    put_string(text, ",", "profile", finding->profile);
    key(text, ",", "detected");
    put_stack(finding, &finding->found, text);
    put_event(finding, &finding->issued, "allocated", text);
    put_event(finding, &finding->freed, "freed", text);
    put_modules(finding, text);
    put_string(text, ",", "next", ward_finding_advice_(finding));
    ward_text_put_(text, "}\n");
}
