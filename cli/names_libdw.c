/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "names.h"

enum { ID_BYTES = 64 };

struct object {
    struct object *next;
    Dwfl_Module *module; /* NULL: it cannot be read */
    char *path;
};

/* What the C++ runtime has for it (Itanium C++ ABI). */
typedef char *demangler(const char *name, char *text, size_t *cap, int *error);

struct names {
    Dwfl *dwfl;
    struct object *objects;
    demangler *demangle; /* NULL: there is no C++ runtime */
    char *text;          /* the last that it made, in so many bytes */
    size_t cap;
};

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

static demangler *find_demangler(void)
{
    static const char *const runtimes[] = { "libstdc++.so.6", "libc++abi.so.1" };
    void *runtime = NULL;

    for (size_t i = 0; !runtime && i < sizeof runtimes / sizeof runtimes[0]; i++)
        runtime = dlopen(runtimes[i], RTLD_LAZY | RTLD_LOCAL);
    return runtime ? (demangler *)dlsym(runtime, "__cxa_demangle") : NULL;
}

struct names *names_open(void)
{
    struct names *names = calloc(1, sizeof *names);

    if (!names)
        return NULL;
    names->dwfl = dwfl_begin(&callbacks);
    if (!names->dwfl) {
        free(names);
        return NULL;
    }
    names->demangle = find_demangler();
    return names;
}

/* A report may name anything: only files are opened. */
static Dwfl_Module *open_module(Dwfl *dwfl, const char *path)
{
    Dwfl_Module *module;
    struct stat about;

    if (stat(path, &about) || !S_ISREG(about.st_mode))
        return NULL;
    dwfl_report_begin_add(dwfl);
    module = dwfl_report_offline(dwfl, path, path, -1);
    return dwfl_report_end(dwfl, NULL, NULL) ? NULL : module;
}

static struct object *get_object(struct names *names, const char *path)
{
    struct object *object;

    for (object = names->objects; object; object = object->next)
        if (strcmp(object->path, path) == 0)
            return object;
    object = calloc(1, sizeof *object);
    if (!object)
        return NULL;
    object->path = strdup(path);
    if (!object->path) {
        free(object);
        return NULL;
    }
    object->module = open_module(names->dwfl, path);
    object->next = names->objects;
    names->objects = object;
    return object;
}

static bool has_id(Dwfl_Module *module, const char *id)
{
    const unsigned char *bits;
    char text[2 * ID_BYTES + 1] = "";
    GElf_Addr where;
    int len = dwfl_module_build_id(module, &bits, &where);

    for (int i = 0; i < len && i < ID_BYTES; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bits[i]);
    return *id == '\0' || strcasecmp(text, id) == 0;
}

const char *names_lack(struct names *names, const char *path, const char *id)
{
    struct object *object = names ? get_object(names, path) : NULL;

    if (!object)
        return NULL;
    if (!object->module)
        return "the file cannot be read";
    return has_id(object->module, id) ? "the file has no name for it"
                                      : "the file is another one now";
}

/* As it is written in the source. What is not of C++ stays as it is. */
static const char *demangled(struct names *names, const char *name)
{
    char *text = NULL;
    int error;

    if (name && names->demangle && strncmp(name, "_Z", 2) == 0)
        text = names->demangle(name, names->text, &names->cap, &error);
    if (!text)
        return name;
    names->text = text;
    return text;
}

/* Compilers that leave no table of addresses (clang) are asked unit by unit. */
static void find_line_in_units(Dwfl_Module *module, GElf_Addr address, struct name *name)
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = NULL;

    while ((unit = dwfl_module_nextcu(module, unit, &bias))) {
        Dwarf_Line *line =
            dwarf_haspc(unit, address - bias) == 1 ? dwarf_getsrc_die(unit, address - bias) : NULL;

        if (line && dwarf_lineno(line, &name->line) == 0) {
            name->file = dwarf_linesrc(line, NULL, NULL);
            return;
        }
    }
}

static void find_line(Dwfl_Module *module, GElf_Addr address, struct name *name)
{
    Dwfl_Line *line = dwfl_module_getsrc(module, address);

    if (line)
        name->file = dwfl_lineinfo(line, NULL, &name->line, NULL, NULL, NULL);
    else
        find_line_in_units(module, address, name);
}

bool names_find(struct names *names, const char *path, const char *id, uint64_t address,
                struct name *name)
{
    struct object *object = names ? get_object(names, path) : NULL;
    GElf_Addr bias = 0;

    *name = (struct name){ NULL, NULL, 0 };
    if (!object || !object->module || !has_id(object->module, id) ||
        !dwfl_module_getelf(object->module, &bias))
        return false;
    name->function = demangled(names, dwfl_module_addrname(object->module, address + bias));
    find_line(object->module, address + bias, name);
    return name->function || name->file;
}

void names_close(struct names *names)
{
    struct object *object, *next;

    if (!names)
        return;
    for (object = names->objects; object; object = next) {
        next = object->next;
        free(object->path);
        free(object);
    }
    dwfl_end(names->dwfl);
    free(names->text);
    free(names);
}
