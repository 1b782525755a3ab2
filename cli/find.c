/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "find.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENTS = 64, NOTES_CAP = 4096 };

/* An object as it is mapped. Its bytes are not to be believed. */
struct object {
    struct ward_process *process;
    uint64_t start; /* of the mapping that begins with its header */
    uint64_t bias;  /* added to its addresses */
    Elf64_Phdr segments[SEGMENTS];
    unsigned count;
};

int status_read(void *arg, uint64_t at, void *to, size_t len)
{
    struct ward_process *process = arg;
    ptrdiff_t got = ward_space_read(&process->space, at, to, len, NULL);

    return got < 0 ? (int)got : 0;
}

static bool read_object(struct object *object)
{
    Elf64_Ehdr header;

    if (status_read(object->process, object->start, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof *object->segments || header.e_phnum > SEGMENTS ||
        status_read(object->process, object->start + header.e_phoff, object->segments,
                    header.e_phnum * sizeof *object->segments))
        return false;
    object->count = header.e_phnum;
    for (unsigned i = 0; i < object->count; i++)
        if (object->segments[i].p_type == PT_LOAD) {
            object->bias =
                object->start - (object->segments[i].p_vaddr - object->segments[i].p_offset);
            return true;
        }
    return false;
}

static size_t padded(uint32_t bytes)
{
    return ((size_t)bytes + 3) & ~(size_t)3;
}

/* notes: at address `at`. 0: it is not among them. */
static uint64_t find_note(const unsigned char *notes, size_t len, uint64_t at)
{
    size_t off = 0;

    while (len - off >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        size_t name = off + sizeof note, desc;
        uint64_t relative;

        memcpy(&note, notes + off, sizeof note);
        desc = name + padded(note.n_namesz);
        off = desc + padded(note.n_descsz);
        if (off > len)
            return 0;
        if (note.n_type != WARD_STATUS_NOTE || note.n_namesz != sizeof "ward" ||
            note.n_descsz != sizeof relative || memcmp(notes + name, "ward", sizeof "ward") != 0)
            continue;
        memcpy(&relative, notes + desc, sizeof relative);
        return at + desc + relative;
    }
    return 0;
}

/* The address of the status, if the object holds it; else 0. */
static uint64_t find_in_object(struct object *object)
{
    unsigned char notes[NOTES_CAP];

    if (!read_object(object))
        return 0;
    for (unsigned i = 0; i < object->count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        size_t len = segment->p_filesz < NOTES_CAP ? (size_t)segment->p_filesz : NOTES_CAP;
        uint64_t at = object->bias + segment->p_vaddr, found;

        if (segment->p_type != PT_NOTE || status_read(object->process, at, notes, len))
            continue;
        found = find_note(notes, len, at);
        if (found)
            return found;
    }
    return 0;
}

/* In the objects whose first byte is mapped, in the order of addresses. */
static uint64_t find_address(struct ward_process *process, FILE *maps)
{
    struct object object = { .process = process };
    uint64_t found = 0;
    char *line = NULL;
    size_t cap = 0;

    while (!found && getline(&line, &cap, maps) > 0) {
        unsigned long long start, offset;
        char mode[5];

        if (sscanf(line, "%llx-%*x %4s %llx", &start, mode, &offset) != 3 || mode[0] != 'r' ||
            offset != 0 || !strchr(line, '/'))
            continue;
        object.start = start;
        found = find_in_object(&object);
    }
    free(line);
    return found;
}

int status_find(struct ward_process *process, struct ward_status *status)
{
    char path[32];
    uint64_t at;
    FILE *maps;
    int error;

    memset(status, 0, sizeof *status);
    (void)snprintf(path, sizeof path, "/proc/%d/maps",
                   process->proc_pid ? process->proc_pid : process->pid);
    maps = fopen(path, "re");
    if (!maps)
        return -errno;
    at = find_address(process, maps);
    fclose(maps);
    if (!at)
        return -ENOENT;
    error = status_read(process, at, status, sizeof *status);
    if (error)
        return error;
    if (status->magic == 0)
        return -EAGAIN;
    return ward_status_ok(status) ? 0 : -EPROTO;
}
