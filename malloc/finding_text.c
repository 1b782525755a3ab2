/* SPDX-License-Identifier: MIT */
/* A report as lines. The first ones are those of every report of ward (src/core/bug.c). */
#include <string.h>

#include "core/bug.h"
#include "finding.h"

#define BOLD_RED "\033[1;31m"
#define BOLD     "\033[1m"
#define PLAIN    "\033[0m"

static void row(struct text *text, const char *label)
{
    ward_text_put_(text, "  ");
    ward_text_put_(text, label);
    for (size_t len = strlen(label); len < 9; len++)
        ward_text_put_(text, " ");
}

static void end(struct text *text)
{
    ward_text_put_(text, "\n");
}

/* --- The first lines -------------------------------------------------------------------------- */

static void put_facts(const struct finding *finding, bool colour, struct text *text)
{
    size_t from = text->len, room;

    if (colour)
        ward_text_put_(text, BOLD_RED);
    room = text->cap - text->len;
    text->len += ward_bug_print_facts_(&finding->bug, text->at + text->len, room);
    if (colour) { /* up to the end of the first line */
        char *line = memchr(text->at + from, '\n', text->len - from);
        size_t rest = line ? text->len - (size_t)(line - text->at) : 0;

        if (line && text->cap - text->len > sizeof PLAIN) {
            memmove(line + sizeof PLAIN - 1, line, rest);
            memcpy(line, PLAIN, sizeof PLAIN - 1);
            text->len += sizeof PLAIN - 1;
        }
    }
}

static void put_sure(const struct finding *finding, struct text *text)
{
    row(text, finding->certain ? "certain" : "likely");
    ward_text_put_(text, finding->sure);
    end(text);
}

static void put_process(const struct finding *finding, struct text *text)
{
    row(text, "process");
    ward_text_put_name_(text, finding->program, sizeof finding->program);
    ward_text_put_(text, ", pid ");
    ward_text_put_decimal_(text, finding->ids.process);
    ward_text_put_(text, ", thread ");
    ward_text_put_decimal_(text, finding->ids.thread);
    ward_text_put_(text, " \"");
    ward_text_put_name_(text, finding->thread, sizeof finding->thread);
    ward_text_put_(text, "\", profile ");
    ward_text_put_(text, finding->profile);
    end(text);
}

static void put_access(const struct finding *finding, struct text *text)
{
    if (finding->given.is_given) {
        row(text, "given");
        ward_text_put_decimal_(text, finding->given.size);
        ward_text_put_(text, finding->given.size == 1 ? " byte" : " bytes");
        if (finding->given.align) {
            ward_text_put_(text, ", an alignment of ");
            ward_text_put_decimal_(text, finding->given.align);
        }
        end(text);
    }
    if (finding->access) {
        row(text, "access");
        ward_text_put_(text, finding->access);
        end(text);
    }
    if (finding->place) {
        row(text, "place");
        ward_text_put_(text, finding->place);
        end(text);
    }
    if (finding->slot_bytes) {
        row(text, "slot");
        ward_text_put_decimal_(text, finding->slot_bytes);
        ward_text_put_(text, " bytes");
        end(text);
    }
}

/* --- Bytes, neighbours ------------------------------------------------------------------------ */

static void put_ascii(const struct finding *finding, struct text *text)
{
    for (unsigned i = 0; i < finding->damaged_count; i++) {
        unsigned char c = finding->damaged[i];
        bool is_changed = finding->damaged_bits >> i & 1;

        ward_text_put_(text,
                       (const char[]){ is_changed && c >= ' ' && c <= '~' ? (char)c : '.', '\0' });
    }
}

/* What did not change is not shown: it may be secret. */
static void put_damage(const struct finding *finding, struct text *text)
{
    if (!finding->damaged_bits)
        return;
    row(text, "bytes");
    ward_text_put_(text, "from offset ");
    ward_text_put_signed_(text, finding->damaged_offset);
    ward_text_put_(text, ":");
    for (unsigned i = 0; i < finding->damaged_count; i++) {
        ward_text_put_(text, " ");
        if (finding->damaged_bits >> i & 1)
            ward_text_put_bytes_(text, &finding->damaged[i], 1, "");
        else
            ward_text_put_(text, "--");
    }
    ward_text_put_(text, "  |");
    put_ascii(finding, text);
    ward_text_put_(text, "| (-- is unchanged)");
    end(text);
}

static void put_neighbours(const struct finding *finding, struct text *text)
{
    if (finding->neighbour_count == 0)
        return;
    row(text, "beside");
    for (unsigned i = 0; i < finding->neighbour_count; i++) {
        const struct finding_neighbour *slot = &finding->neighbours[i];

        ward_text_put_(text, i ? " [" : "[");
        ward_text_put_(text, slot->is_it ? "THIS: " : "");
        ward_text_put_(text, slot->state);
        if (slot->is_live) {
            ward_text_put_(text, " ");
            ward_text_put_decimal_(text, slot->size);
        }
        ward_text_put_(text, "]");
    }
    end(text);
}

/* --- Stacks ----------------------------------------------------------------------------------- */

/* 1.8 s */
static void put_age(struct text *text, uint64_t age)
{
    uint64_t tenths = age / 100000000;

    if (tenths == 0) {
        ward_text_put_decimal_(text, age / 1000);
        ward_text_put_(text, " us");
        return;
    }
    ward_text_put_decimal_(text, tenths / 10);
    ward_text_put_(text, ".");
    ward_text_put_decimal_(text, tenths % 10);
    ward_text_put_(text, " s");
}

static void put_heading(struct text *text, const char *heading, bool colour)
{
    ward_text_put_(text, "  ");
    ward_text_put_(text, colour ? BOLD : "");
    ward_text_put_(text, heading);
    ward_text_put_(text, colour ? PLAIN : "");
}

static void put_frame(const struct finding *finding, const struct finding_frame *frame,
                      struct text *text)
{
    const struct finding_module *module = &finding->modules[frame->module];

    ward_text_put_hex_(text, frame->pc);
    if (frame->module != NO_MODULE) {
        ward_text_put_(text, " ");
        ward_text_put_name_(text, module->path, sizeof module->path);
        ward_text_put_(text, "+");
        ward_text_put_hex_(text, frame->pc - module->bias);
    }
    end(text);
}

static void put_stack(const struct finding *finding, const struct finding_stack *stack,
                      struct text *text)
{
    for (unsigned i = 0; i < stack->count; i++) {
        ward_text_put_(text, "    #");
        ward_text_put_decimal_(text, i);
        ward_text_put_(text, i < 10 ? "  " : " ");
        put_frame(finding, &stack->frames[i], text);
    }
    if (stack->count == 0)
        ward_text_put_(text, "    no stack is known\n");
    else if (!stack->complete)
        ward_text_put_(text, "    ... incomplete: what is further out is not known\n");
}

static void put_event(const struct finding *finding, const struct finding_event *event,
                      const char *what, bool colour, struct text *text)
{
    if (!event->known)
        return;
    put_heading(text, what, colour);
    ward_text_put_(text, " by thread ");
    ward_text_put_decimal_(text, event->thread);
    ward_text_put_(text, ", ");
    put_age(text, event->age);
    ward_text_put_(text, " ago:\n");
    put_stack(finding, &event->stack, text);
}

/* --- The last lines --------------------------------------------------------------------------- */

static void put_modules(const struct finding *finding, struct text *text)
{
    if (finding->module_count == 0)
        return;
    ward_text_put_(text, "  modules:\n");
    for (unsigned i = 0; i < finding->module_count; i++) {
        const struct finding_module *module = &finding->modules[i];

        ward_text_put_(text, "    ");
        ward_text_put_name_(text, module->path, sizeof module->path);
        ward_text_put_(text, " at ");
        ward_text_put_hex_(text, module->start);
        ward_text_put_(text, module->id_bytes ? ", build id " : ", no build id");
        ward_text_put_bytes_(text, module->id, module->id_bytes, "");
        end(text);
    }
}

/* Could it have been recorded who allocated the block? */
static bool lacks_history(const struct finding *finding)
{
    return finding->slot_bytes && !finding->issued.known && ward_root_.policy != POLICY_FAST &&
           !(ward_root_.policy & POLICY_MOMENTS);
}

static void put_next(const struct finding *finding, struct text *text)
{
    row(text, "next");
    ward_text_put_(text, ward_finding_advice_(finding));
    end(text);
    if (lacks_history(finding)) {
        row(text, "");
        ward_text_put_(text, "where the block was allocated and freed: WARD_OPTIONS=profile=");
        ward_text_put_(text, ward_root_.profile);
        ward_text_put_(text, ":stacks=all\n");
    }
    row(text, "");
    ward_text_put_(text, "names of functions: ward symbolize; more about it: ward explain ");
    ward_text_put_(text, ward_bug_code(finding->bug.kind));
    ward_text_put_(text, "\n  " WARD_BUG_BLAME_ "\n");
}

void ward_finding_print_(const struct finding *finding, bool colour, struct text *text)
{
    put_facts(finding, colour, text);
    put_sure(finding, text);
    put_access(finding, text);
    put_process(finding, text);
    put_damage(finding, text);
    put_neighbours(finding, text);
    put_heading(text, finding->found.exact ? "struck" : "detected", colour);
    ward_text_put_(text, " at:\n");
    put_stack(finding, &finding->found, text);
    put_event(finding, &finding->issued, "allocated", colour, text);
    put_event(finding, &finding->freed, "freed", colour, text);
    put_modules(finding, text);
    put_next(finding, text);
}
