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

enum { LOAD = 1, ELF_EXEC = 1, ELF_WRITE = 2, ELF_READ = 4, USER_STACK_BYTES = 1 << 18, ARGS = 32 };

/* --- Segments --------------------------------------------------------------------------------- */

static unsigned prot_of(uint32_t flags)
{
    return (flags & ELF_READ ? WARD_READ : 0u) | (flags & ELF_WRITE ? WARD_WRITE : 0u) |
           (flags & ELF_EXEC ? WARD_EXEC : 0u);
}

static int load_segment(struct vm *vm, const unsigned char *bytes, size_t size,
                        const struct elf_segment *s)
{
    uint64_t first = ward_round_down(s->va, PAGE);
    uint64_t n = ward_round_down(s->va + s->memory_bytes + PAGE - 1, PAGE) - first;
    int error;

    if (!ward_within(s->offset, s->file_bytes, size) || s->memory_bytes < s->file_bytes)
        return -EINVAL;
    error = vm_map(vm, &first, n, WARD_RW);
    if (!error)
        error = ward_space_write(&vm->remote, s->va, bytes + s->offset, s->file_bytes, NULL);
    if (!error)
        error = vm_change(vm, first, n, prot_of(s->flags));
    if (vm->brk < first + n)
        vm->brk_first = vm->brk = first + n;
    return error;
}

static int load(struct vm *vm, const unsigned char *bytes, size_t size, uint64_t *entry)
{
    struct elf_header header;
    int error = 0;

    if (size < sizeof header)
        return -EINVAL;
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.ident, "\177ELF", 4) != 0 ||
        !ward_within(header.segments, header.segment_count * sizeof(struct elf_segment), size))
        return -EINVAL;
    for (unsigned i = 0; i < header.segment_count && !error; i++) {
        struct elf_segment segment;

        memcpy(&segment, bytes + header.segments + i * sizeof segment, sizeof segment);
        if (segment.type == LOAD)
            error = load_segment(vm, bytes, size, &segment);
    }
    *entry = header.entry;
    return error;
}

/* --- The stack -------------------------------------------------------------------------------- */

static int make_stack(struct vm *vm, const struct strings *strings, uint64_t *stack)
{
    uint64_t words[3 + 2 * ARGS] = { strings->argc };
    unsigned count = strings->argc + strings->envc;
    uint64_t first = USER_END - ((uint64_t)1 << 21), at = first + USER_STACK_BYTES - strings->used;
    const char *s = strings->bytes;
    int error = vm_map(vm, &first, USER_STACK_BYTES, WARD_RW);

    for (unsigned i = 0; i < count; i++) {
        words[1 + i + (i >= strings->argc)] = at + (uint64_t)(s - strings->bytes);
        s += __builtin_strlen(s) + 1;
    }
    *stack = ward_round_down(at - 8 * (3 + count), 16);
    if (!error)
        error = ward_space_write(&vm->remote, at, strings->bytes, strings->used, NULL);
    if (!error)
        error = ward_space_write(&vm->remote, *stack, words, 8 * (3 + count), NULL);
    return error;
}

int exec_load(const char *path, const struct strings *strings, struct trap_frame *frame,
              struct vm **vm)
{
    int64_t found = archive_find(path);
    uint64_t entry, stack;
    int error;

    if (found < 0)
        return -ENOENT;
    *vm = vm_make();
    error = *vm ? load(*vm, archive_bytes[found], archive[found].bytes, &entry) : -ENOMEM;
    if (!error)
        error = make_stack(*vm, strings, &stack);
    if (error)
        vm_drop(*vm);
    else
        arch_frame_init(frame, entry, stack, stack, 0);
    return error;
}

/* --- The call --------------------------------------------------------------------------------- */

/* One array of strings, behind those that are there. */
static int64_t read_strings(struct strings *strings, uint64_t at, unsigned *count)
{
    for (; at && *count < ARGS; ++*count) {
        uint64_t string;
        ptrdiff_t length = ward_u64_read(WARD_HERE, ward_u64_in_at(at + 8 * *count), &string, NULL);

        if (length < 0 || string == 0)
            return length;
        if (strings->used == PAGE)
            break;
        length = ward_char_read_str(WARD_HERE, ward_char_in_at(string),
                                    strings->bytes + strings->used, PAGE - strings->used, NULL);
        if (length < 0)
            return length == -ENAMETOOLONG ? -E2BIG : length;
        strings->used += (size_t)length + 1;
    }
    return at ? -E2BIG : 0;
}

/* Up to the end of the load, what fails has changed nothing. */
int64_t call_exec(const struct call *call)
{
    struct strings strings = { .bytes = frame_alloc() };
    struct trap_frame frame;
    struct vm *vm = NULL;
    char path[PATH_BYTES];
    int64_t error = strings.bytes ? call_path(call->args[0], path) : -ENOMEM;

    if (error >= 0)
        error = read_strings(&strings, call->args[1], &strings.argc);
    if (error >= 0)
        error = read_strings(&strings, call->args[2], &strings.envc);
    if (error >= 0)
        error = exec_load(path, &strings, &frame, &vm);
    if (strings.bytes)
        frame_drop(strings.bytes);
    if (!error)
        error = process_exec(vm);
    if (error)
        return error;
    *thread_frame(current()) = frame;
    return (int64_t)arch_frame_stack(&frame); /* in the register of the program's argument */
}
