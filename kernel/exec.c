/* SPDX-License-Identifier: MIT */
/*
 * Programs into memory: ELF files of the archive, and the stack they begin with:
 *
 *      stack -> argc, argv[0] ... , 0, envp[0] ... , 0, the strings
 *
 * All of it is written through the gates, to a space that is not in use yet.
 */
#include <ward/arith.h>

#include "host.h"
#include "kernel.h"

struct elf_header {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t bytes, segment_bytes, segment_count, section_bytes, section_count, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, va, pa, file_bytes, memory_bytes, align;
};

enum { LOAD = 1, ELF_EXEC = 1, ELF_WRITE = 2, ELF_READ = 4, USER_STACK_BYTES = 1 << 18 };

/* --- Segments
 * --------------------------------------------------------------------------------------- */

static unsigned prot_of(uint32_t flags)
{
    return (flags & ELF_READ ? WARD_READ : 0u) | (flags & ELF_WRITE ? WARD_WRITE : 0u) |
           (flags & ELF_EXEC ? WARD_EXEC : 0u);
}

static int load_segment(struct vm *vm, const struct program *program, const struct elf_segment *s)
{
    uint64_t first = ward_round_down(s->va, PAGE);
    uint64_t n = ward_round_down(s->va + s->memory_bytes + PAGE - 1, PAGE) - first;
    size_t size = (size_t)(program->end - program->bytes);
    int error;

    if (!ward_within(s->offset, s->file_bytes, size) || s->memory_bytes < s->file_bytes)
        return -EINVAL;
    error = vm_map(vm, &first, n, WARD_RW);
    if (!error)
        error =
            ward_space_write(&vm->remote, s->va, program->bytes + s->offset, s->file_bytes, NULL);
    if (!error)
        error = vm_protect(vm, first, n, prot_of(s->flags));
    if (vm->brk < first + n)
        vm->brk_first = vm->brk = first + n;
    return error;
}

static int load(struct vm *vm, const struct program *program, uint64_t *entry)
{
    struct elf_header header;
    size_t size = (size_t)(program->end - program->bytes);
    int error = 0;

    if (size < sizeof header)
        return -EINVAL;
    memcpy(&header, program->bytes, sizeof header);
    if (memcmp(header.ident, "\177ELF", 4) != 0 ||
        !ward_within(header.segments, header.segment_count * sizeof(struct elf_segment), size))
        return -EINVAL;
    for (unsigned i = 0; i < header.segment_count && !error; i++) {
        struct elf_segment segment;

        memcpy(&segment, program->bytes + header.segments + i * sizeof segment, sizeof segment);
        if (segment.type == LOAD)
            error = load_segment(vm, program, &segment);
    }
    *entry = header.entry;
    return error;
}

/* --- The stack
 * ---------------------------------------------------------------------------------------- */

/* The words before the strings, `count` of them at `to`. */
static int write_words(struct vm *vm, uint64_t to, const struct strings *strings, uint64_t at)
{
    const char *s = strings->bytes;
    int error = ward_space_write_u64(&vm->remote, to, strings->argc, NULL);

    for (unsigned i = 0; i < strings->argc + strings->envc && !error; i++) {
        unsigned slot = 1 + i + (i >= strings->argc);

        error = ward_space_write_u64(&vm->remote, to + 8 * slot,
                                     at + (uint64_t)(s - strings->bytes), NULL);
        s += __builtin_strlen(s) + 1;
    }
    return error;
}

static int make_stack(struct vm *vm, const struct strings *strings, uint64_t *stack)
{
    uint64_t first = USER_END - ((uint64_t)1 << 21), end = first + USER_STACK_BYTES;
    uint64_t at = end - strings->used;
    uint64_t to = ward_round_down(at - 8 * (3 + strings->argc + strings->envc), 16);
    int error = vm_map(vm, &first, USER_STACK_BYTES, WARD_RW);

    if (!error)
        error = ward_space_write(&vm->remote, at, strings->bytes, strings->used, NULL);
    if (!error)
        error = write_words(vm, to, strings, at);
    *stack = to;
    return error;
}

int exec_load(struct vm *vm, const char *path, const struct strings *strings, uint64_t *entry,
              uint64_t *stack)
{
    const struct program *program = archive_find(path);
    int error = program ? load(vm, program, entry) : -ENOENT;

    return error ? error : make_stack(vm, strings, stack);
}
