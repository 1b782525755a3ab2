/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "symbols.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload.h"

/* More than any program has; a file that says otherwise is not looked at. */
enum { SECTIONS_MOST = 4096, SYMBOLS_MOST = 4 << 20, AT_ONCE = 64 };
#define STRINGS_MOST ((size_t)256 << 20)

/* A table of names, in memory, ending with a zero byte. */
struct strings {
    char *at;
    size_t len;
};

/* Symbols that only one allocator or sanitizer has, wherever they are defined. */
static const struct hint {
    const char *name, *allocator, *sanitizer;
} hints[] = {
    { "mallocx", "jemalloc", NULL },
    { "sdallocx", "jemalloc", NULL },
    { "je_malloc", "jemalloc", NULL },
    { "_rjem_malloc", "jemalloc", NULL },
    { "tc_malloc", "tcmalloc", NULL },
    { "mi_malloc", "mimalloc", NULL },
    { "scalable_malloc", "TBB's malloc", NULL },
    { "__asan_init", NULL, "AddressSanitizer" },
    { "__hwasan_init", NULL, "HWAddressSanitizer" },
    { "__tsan_init", NULL, "ThreadSanitizer" },
    { "__msan_init", NULL, "MemorySanitizer" },
    { "__lsan_init", NULL, "LeakSanitizer" },
};

/* The same of the libraries it names. */
static const struct hint libraries[] = {
    { "libjemalloc", "jemalloc", NULL },
    { "libtcmalloc", "tcmalloc", NULL },
    { "libmimalloc", "mimalloc", NULL },
    { "libsnmalloc", "snmalloc", NULL },
    { "libhardened_malloc", "hardened_malloc", NULL },
    { "libtbbmalloc_proxy", "TBB's malloc", NULL },
    { "libasan", NULL, "AddressSanitizer" },
    { "libhwasan", NULL, "HWAddressSanitizer" },
    { "libtsan", NULL, "ThreadSanitizer" },
    { "liblsan", NULL, "LeakSanitizer" },
};

static bool read_at(int fd, void *to, size_t len, uint64_t from)
{
    return from <= INT64_MAX && pread(fd, to, len, (off_t)from) == (ssize_t)len;
}

static void take(const struct hint *hint, const char **allocator, const char **sanitizer)
{
    if (hint->allocator)
        *allocator = hint->allocator;
    else
        *sanitizer = hint->sanitizer;
}

/* --- Sections --------------------------------------------------------------------------------- */

static bool read_section(int fd, const ElfW(Ehdr) * header, unsigned index, ElfW(Shdr) * section)
{
    return header->e_shentsize == sizeof *section && index < header->e_shnum &&
           header->e_shoff <= INT64_MAX - SECTIONS_MOST * sizeof *section &&
           read_at(fd, section, sizeof *section, header->e_shoff + index * sizeof *section);
}

static bool read_strings(int fd, const ElfW(Ehdr) * header, unsigned index, struct strings *strings)
{
    ElfW(Shdr) section;
    struct stat file;

    strings->at = NULL;
    if (!read_section(fd, header, index, &section) || section.sh_type != SHT_STRTAB ||
        fstat(fd, &file) || section.sh_size > (uint64_t)file.st_size ||
        section.sh_size > STRINGS_MOST || section.sh_size == 0)
        return false;
    strings->len = section.sh_size;
    strings->at = malloc(strings->len);
    if (strings->at && read_at(fd, strings->at, strings->len, section.sh_offset)) {
        strings->at[strings->len - 1] = '\0';
        return true;
    }
    free(strings->at);
    strings->at = NULL;
    return false;
}

static const char *string(const struct strings *strings, uint64_t index)
{
    return index < strings->len ? strings->at + index : "";
}

/* --- Symbols, libraries, sections by name ----------------------------------------------------- */

static void look_at_symbol(struct symbols *found, const ElfW(Sym) * symbol, const char *name)
{
    unsigned kind = symbol->st_info & 0xf;

    if (strcmp(name, "malloc") == 0 && symbol->st_shndx != SHN_UNDEF &&
        (kind == STT_FUNC || kind == STT_NOTYPE || kind == STT_GNU_IFUNC))
        found->own_malloc = true;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(name, hints[i].name) == 0)
            take(&hints[i], &found->allocator, &found->sanitizer);
}

static void look_at_symbols(int fd, const ElfW(Shdr) * section, const struct strings *strings,
                            struct symbols *found)
{
    uint64_t count = section->sh_size / sizeof(ElfW(Sym));
    ElfW(Sym) some[AT_ONCE];

    if (section->sh_entsize != sizeof *some || count > SYMBOLS_MOST)
        return;
    found->known = true;
    for (uint64_t i = 0; i < count; i += AT_ONCE) {
        size_t n = count - i < AT_ONCE ? (size_t)(count - i) : AT_ONCE;

        if (!read_at(fd, some, n * sizeof *some, section->sh_offset + i * sizeof *some))
            return;
        for (size_t j = 0; j < n; j++)
            look_at_symbol(found, &some[j], string(strings, some[j].st_name));
    }
}

static bool begins_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

static void look_at_library(struct symbols *found, const char *name)
{
    if (begins_with(name, PRELOAD_LIBRARY) && !found->linked) /* else that one comes first */
        found->names_ward = true;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (begins_with(name, libraries[i].name))
            take(&libraries[i], &found->linked, &found->sanitizer);
}

static void look_at_libraries(int fd, const ElfW(Shdr) * section, const struct strings *strings,
                              struct symbols *found)
{
    uint64_t count = section->sh_size / sizeof(ElfW(Dyn));
    ElfW(Dyn) entry;

    for (uint64_t i = 0; i < count && i < SECTIONS_MOST; i++) {
        if (!read_at(fd, &entry, sizeof entry, section->sh_offset + i * sizeof entry) ||
            entry.d_tag == DT_NULL)
            return;
        if (entry.d_tag == DT_NEEDED)
            look_at_library(found, string(strings, entry.d_un.d_val));
    }
}

static void look_at_section(int fd, const ElfW(Ehdr) * header, const ElfW(Shdr) * section,
                            struct symbols *found)
{
    struct strings strings;

    if ((section->sh_type != SHT_DYNSYM && section->sh_type != SHT_DYNAMIC) ||
        section->sh_offset > INT64_MAX / 2 || section->sh_size > INT64_MAX / 2 ||
        !read_strings(fd, header, section->sh_link, &strings))
        return;
    if (section->sh_type == SHT_DYNSYM)
        look_at_symbols(fd, section, &strings, found);
    else
        look_at_libraries(fd, section, &strings, found);
    free(strings.at);
}

/* Of a section. */
static void look_at_name(struct symbols *found, const char *name)
{
    found->is_go |= strcmp(name, ".note.go.buildid") == 0;
    found->has_ward |= strcmp(name, ".note.ward") == 0; /* malloc/status.c */
}

void symbols_look(int fd, struct symbols *found)
{
    struct strings names = { NULL, 0 };
    ElfW(Ehdr) header;
    ElfW(Shdr) section;

    *found = (struct symbols){ .known = false };
    if (!read_at(fd, &header, sizeof header, 0) || header.e_shnum > SECTIONS_MOST)
        return;
    (void)read_strings(fd, &header, header.e_shstrndx, &names);
    for (unsigned i = 0; i < header.e_shnum; i++) {
        if (!read_section(fd, &header, i, &section))
            break;
        if (names.at)
            look_at_name(found, string(&names, section.sh_name));
        look_at_section(fd, &header, &section, found);
    }
    free(names.at);
}
