/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>

#include "symbolize.h"

static void add_names(struct names *names, const json_t *modules, json_t *frame, bool is_exact)
{
    json_t *index = json_object_get(frame, "module");
    const json_t *module = json_array_get(modules, (size_t)json_integer_value(index));
    const char *path = json_string_value(json_object_get(module, "path"));
    const char *id = json_string_value(json_object_get(module, "build_id"));
    const char *offset = json_string_value(json_object_get(frame, "offset"));
    struct name name;

    if (!json_is_integer(index) || !path || !offset ||
        !names_find(names, path, id ? id : "",
                    symbolize_address(strtoull(offset, NULL, 16), is_exact), &name))
        return;
    if (name.function)
        (void)json_object_set_new(frame, "function", json_string(name.function));
    if (name.file) {
        (void)json_object_set_new(frame, "file", json_string(name.file));
        (void)json_object_set_new(frame, "line", json_integer(name.line));
    }
}

static void add_names_to_stack(struct names *names, const json_t *modules, json_t *stack)
{
    bool is_exact = json_is_true(json_object_get(stack, "exact"));
    json_t *frames = json_object_get(stack, "frames");
    json_t *frame;
    size_t i;

    json_array_foreach(frames, i, frame)
    {
        add_names(names, modules, frame, is_exact && i == 0);
    }
}

bool symbolize_json(struct names *names, const char *line, FILE *to)
{
    json_t *report = json_loads(line, 0, NULL);
    const json_t *modules = json_object_get(report, "modules");
    bool is_report = json_is_integer(json_object_get(report, "ward_report"));

    if (is_report) {
        add_names_to_stack(names, modules, json_object_get(report, "detected"));
        add_names_to_stack(names, modules,
                           json_object_get(json_object_get(report, "allocated"), "stack"));
        add_names_to_stack(names, modules,
                           json_object_get(json_object_get(report, "freed"), "stack"));
        (void)json_dumpf(report, to, JSON_COMPACT);
        fputc('\n', to);
    }
    json_decref(report);
    return is_report;
}
