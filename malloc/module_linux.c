/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "module.h"
#include "syscall.h"

enum { LISTED_MAX = 4096, KERNEL_SIGSET_BYTES = 8, GRAIN = 4096 };

/* The set of signals is read before anything else is looked at, and there is no such way to change
 * the mask: "bad address" comes first. No set at all (NULL) is not read. */
bool ward_module_is_readable_(uintptr_t at)
{
    const long no_way = -1;

    return at != 0 && ward_syscall_(SYS_rt_sigprocmask, no_way, (long)at, 0, KERNEL_SIGSET_BYTES, 0,
                                    0) != -EFAULT;
}

/* --- The segments of an object ---------------------------------------------------------------- */

struct segments {
    const ElfW(Phdr) * at;
    size_t count;
    uintptr_t bias;
};

static bool are_readable(uintptr_t at, size_t bytes)
{
    for (uintptr_t page = at & ~(uintptr_t)(GRAIN - 1); page < at + bytes; page += GRAIN)
        if (!ward_module_is_readable_(page > at ? page : at))
            return false;
    return true;
}

/* By the header of an object, which begins at its bias, as all but old programs do. */
static bool read_header(uintptr_t bias, struct segments *segments)
{
    const ElfW(Ehdr) *header = (const void *)bias;

    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_phentsize != sizeof *segments->at)
        return false;
    segments->at = (const void *)(bias + header->e_phoff);
    segments->count = header->e_phnum;
    segments->bias = bias;
    return true;
}

/* The same where it is not certain that there is an object. */
static bool get_segments(uintptr_t bias, struct segments *segments)
{
    return bias != 0 && bias % GRAIN == 0 && are_readable(bias, sizeof(ElfW(Ehdr))) &&
           read_header(bias, segments) &&
           are_readable((uintptr_t)segments->at, segments->count * sizeof *segments->at);
}

/* The program's own are where the kernel says. A static program that is position independent does
 * not say where it wants them, but they follow its header. */
static bool get_own_segments(struct segments *segments)
{
    bool said = false;

    segments->at = (const void *)getauxval(AT_PHDR);
    segments->count = getauxval(AT_PHNUM);
    segments->bias = 0;
    for (size_t i = 0; segments->at && i < segments->count; i++) {
        const ElfW(Phdr) *segment = &segments->at[i];

        if (segment->p_type == PT_PHDR)
            segments->bias = (uintptr_t)segments->at - segment->p_vaddr;
        else if (segment->p_type == PT_LOAD && segment->p_offset == 0 && segment->p_filesz && !said)
            segments->bias = (uintptr_t)segments->at - sizeof(ElfW(Ehdr)) - segment->p_vaddr;
        said = said || segment->p_type == PT_PHDR;
    }
    return segments->at != NULL;
}

static void describe(const struct segments *segments, struct module *module)
{
    *module = (struct module){ .start = UINTPTR_MAX, .bias = segments->bias, .name = "" };
    for (size_t i = 0; i < segments->count; i++) {
        const ElfW(Phdr) *segment = &segments->at[i];
        uintptr_t start = segments->bias + segment->p_vaddr;

        if (segment->p_type == PT_GNU_EH_FRAME)
            module->frames = (const unsigned char *)start;
        if (segment->p_type != PT_LOAD)
            continue;
        if (start < module->start)
            module->start = start;
        if (start + segment->p_memsz > module->end)
            module->end = start + segment->p_memsz;
    }
}

static bool is_in(uintptr_t pc, const struct segments *segments, struct module *module)
{
    describe(segments, module);
    return pc >= module->start && pc < module->end;
}

/* --- The list --------------------------------------------------------------------------------- */

/* The program's dynamic section names it, where there is one. */
static const struct link_map *first_listed(const struct segments *own)
{
    const ElfW(Dyn) *entry = NULL;
    const struct r_debug *debug;

    for (size_t i = 0; i < own->count; i++)
        if (own->at[i].p_type == PT_DYNAMIC)
            entry = (const void *)(own->bias + own->at[i].p_vaddr);
    while (entry && entry->d_tag != DT_NULL && entry->d_tag != DT_DEBUG)
        entry++;
    if (!entry || entry->d_tag != DT_DEBUG || entry->d_un.d_ptr == 0)
        return NULL;
    debug = (const void *)entry->d_un.d_ptr;
    return debug->r_map;
}

static bool is_listed(uintptr_t pc, const struct segments *own, struct module *module)
{
    const struct link_map *map = first_listed(own);

    for (size_t i = 0; i < LISTED_MAX && map; i++, map = map->l_next) {
        struct segments segments;

        if (!are_readable((uintptr_t)map, sizeof *map))
            return false;
        if (get_segments(map->l_addr, &segments) && is_in(pc, &segments, module)) {
            module->name = map->l_name;
            return true;
        }
    }
    return false;
}

bool ward_module_find_listed_(uintptr_t pc, struct module *module)
{
    struct segments own, code;

    if (get_own_segments(&own) && (is_in(pc, &own, module) || is_listed(pc, &own, module)))
        return true;
    if (get_segments(getauxval(AT_SYSINFO_EHDR), &code) && is_in(pc, &code, module)) {
        module->name = "[vdso]";
        return true;
    }
    *module = (struct module){ 0 };
    return false;
}

/* --- The linker's answer ---------------------------------------------------------------------- */

#ifdef DLFO_STRUCT_HAS_EH_DBASE

#pragma weak _dl_find_object

/* Of an object whose segments have holes between them, the linker tells of the code alone. */
static void widen(struct module *module)
{
    struct segments segments;
    struct module all;

    if (module->bias && *module->name ? !read_header(module->bias, &segments)
                                      : !get_own_segments(&segments))
        return;
    describe(&segments, &all);
    if (module->start >= all.start && module->end <= all.end) {
        module->start = all.start;
        module->end = all.end;
    }
}

/* In a static program the linker's tables are made by a malloc, and cannot be asked before that. */
static bool has_linker(void)
{
    struct segments own;
    bool found = false;

    if (get_own_segments(&own))
        for (size_t i = 0; i < own.count; i++)
            found = found || own.at[i].p_type == PT_INTERP;
    return found;
}

bool ward_module_find_(uintptr_t pc, struct module *module)
{
    struct dl_find_object found;

    if (!_dl_find_object || !has_linker())
        return ward_module_find_listed_(pc, module);
    *module = (struct module){ 0 };
    if (_dl_find_object((void *)pc, &found) != 0) // NOLINT(performance-no-int-to-ptr)
        return false;
    module->start = (uintptr_t)found.dlfo_map_start;
    module->end = (uintptr_t)found.dlfo_map_end;
    module->frames = found.dlfo_eh_frame;
    module->bias = found.dlfo_link_map ? found.dlfo_link_map->l_addr : 0;
    module->name = found.dlfo_link_map ? found.dlfo_link_map->l_name : "";
    if ((uintptr_t)module->frames < module->start || (uintptr_t)module->frames >= module->end)
        widen(module);
    return true;
}

#else

bool ward_module_find_(uintptr_t pc, struct module *module)
{
    return ward_module_find_listed_(pc, module);
}

#endif

/* --- The build id ----------------------------------------------------------------------------- */

static size_t id_among(uintptr_t at, size_t bytes, unsigned char *id, size_t cap)
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        size_t name = ((size_t)note->n_namesz + 3) & ~(size_t)3;
        size_t all = sizeof *note + name + (((size_t)note->n_descsz + 3) & ~(size_t)3);

        if (all > bytes)
            return 0;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof "GNU" &&
            memcmp(note + 1, "GNU", sizeof "GNU") == 0) {
            size_t len = note->n_descsz < cap ? note->n_descsz : cap;

            memcpy(id, (const unsigned char *)(note + 1) + name, len);
            return len;
        }
        at += all;
        bytes -= all;
    }
    return 0;
}

size_t ward_module_id_(const struct module *module, unsigned char *id, size_t cap)
{
    struct segments segments;
    size_t len = 0;

    if (!get_segments(module->start, &segments) && !get_own_segments(&segments))
        return 0;
    for (size_t i = 0; i < segments.count && !len; i++) {
        uintptr_t at = module->bias + segments.at[i].p_vaddr;

        if (segments.at[i].p_type == PT_NOTE && at >= module->start &&
            at + segments.at[i].p_memsz <= module->end && are_readable(at, segments.at[i].p_memsz))
            len = id_among(at, segments.at[i].p_memsz, id, cap);
    }
    return len;
}
