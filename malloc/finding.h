/* SPDX-License-Identifier: MIT */
/* All that a report says, put together before the first word of it is written. */
#ifndef WARD_MALLOC_FINDING_H
#define WARD_MALLOC_FINDING_H

#include "output.h"
#include "report.h"
#include "text.h"

enum { FINDING_DEPTH = 64, FINDING_MODULES = 24, FINDING_NEIGHBOURS = 5, FINDING_ID = 20 };

enum { NO_MODULE = UINT8_MAX };

struct finding_frame {
    uintptr_t pc;
    uint8_t module; /* index, or NO_MODULE */
};

struct finding_stack {
    struct finding_frame frames[FINDING_DEPTH];
    unsigned count;
    bool complete; /* the last is where the thread began */
    bool exact;    /* the first is the instruction itself, not what is behind a call */
};

/* When something was done to the block, and where. */
struct finding_event {
    bool known;
    struct finding_stack stack; /* no frames: not recorded */
    uint32_t thread;
    uint64_t age; /* in nanoseconds */
};

struct finding_module {
    uintptr_t start, bias;
    char path[256];
    unsigned char id[FINDING_ID];
    unsigned id_bytes; /* 0: it has none */
};

/* A slot of the same span. */
struct finding_neighbour {
    const char *state; /* "live", ... */
    bool is_live;      /* it holds a block, */
    size_t size;       /* of this size */
    bool is_it;        /* the block the report is about */
};

struct finding {
    struct ward_bug bug;
    const char *profile, *sure, *access;
    const char *place; /* where an address that is no block's lies; NULL: not known */
    bool certain;      /* nothing but this can be the cause */
    struct report_given given;
    size_t slot_bytes; /* 0: not in a slot */
    struct finding_stack found;
    struct finding_event issued, freed;
    ptrdiff_t damaged_offset; /* from the block */
    unsigned damaged_count;
    uint32_t damaged_bits; /* a bit for each of the bytes that changed */
    unsigned char damaged[REPORT_DAMAGE_MAX];
    unsigned neighbour_count, module_count;
    struct finding_neighbour neighbours[FINDING_NEIGHBOURS];
    struct finding_module modules[FINDING_MODULES];
    struct output_ids ids;
    char program[256], thread[16];
};

/* Collects it; output says what is to be left out. */
void ward_finding_collect_(struct finding *finding, const struct ward_bug *bug,
                           const struct report_known *known, const struct output *output);

/* As lines of text; colour: for a terminal. */
void ward_finding_print_(const struct finding *finding, bool colour, struct text *text);

/* As one line of JSON. */
void ward_finding_print_json_(const struct finding *finding, struct text *text);

/* The next step that the report advises. */
const char *ward_finding_advice_(const struct finding *finding);

#endif
