/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the gates share: pages that end in a fault, ward's handler in spite of
 * cmocka's, and a stride over cases of which there are millions.
 *
 * To be included first.
 */
#ifndef WARD_TESTS_UNIT_ACCESS_H
#define WARD_TESTS_UNIT_ACCESS_H

#include "backing.h"

#include <ward/recover.h>
#include <ward/self.h>

#include "trap.h"

/* cmocka puts handlers of its own in place around each test. ward's is installed first of all, and
 * every test that needs it begins by putting it back. */
static struct sigaction ward_handler;

/* Under valgrind faults are not told exactly, and a load whose value is not used does not fault at
 * all: by table is not for it. A scope must find out, and go by calls. */
static inline void skip_where_emulated(void)
{
    uint64_t word;

    if (!ward_trap_is_emulated_())
        return;
    if (ward_recover_install() || ward_access_begin() != ward_space_self_by_calls() ||
        ward_space_read_u64(ward_space_self_auto(), 65536, &word, NULL) != -EFAULT)
        abort();
    printf("faults are not exact under valgrind: a scope goes by calls, as it should\n");
    exit(77);
}

static inline void install_first(void)
{
    skip_where_emulated();
    if (ward_recover_install() || sigaction(SIGSEGV, NULL, &ward_handler))
        abort();
}

static inline void use_ward(void)
{
    if (sigaction(SIGSEGV, &ward_handler, NULL) || sigaction(SIGBUS, &ward_handler, NULL))
        abort();
}

/* Does the system copy for us? Some emulators of a processor know no such call: then the ways to
 * self are one, and that is said once. */
static inline bool has_calls(void)
{
    static int known = -1;
    uint64_t word = 7, copy;

    if (known < 0) {
        known = ward_space_read(ward_space_self_by_calls(), (uintptr_t)&word, &copy, 8, NULL) == 0;
        if (!known)
            print_message("no process_vm_readv: nothing goes by calls here\n");
    }
    return known > 0;
}

/* The ways to self: by table, then by calls. */
static inline struct ward_space *by(size_t way)
{
    return way == 0 ? ward_space_self_by_table() : ward_space_self_by_calls();
}

/* What a call answers that goes by calls. */
static inline int by_calls(int error)
{
    return has_calls() ? error : -ENOTSUP;
}

static inline size_t ways(void)
{
    return has_calls() ? 2 : 1;
}

/* Is advice about memory taken, or refused, in earnest? qemu-user says yes to whatever it is given,
 * and does nothing: what is asked for so (guards, populating, wiping on fork) is then not there. */
static inline bool has_advice(void)
{
    unsigned char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool takes_anything = madvise(page, PAGE, 12345) == 0;

    if (page == MAP_FAILED || munmap(page, PAGE))
        abort();
    return !takes_anything;
}

#define skip_without_advice() skip_unless(has_advice(), "madvise takes anything for granted here")

/* Every how manyth case is tried: a spread of them, or as --each says. */
static size_t stride = 97;

static inline void set_stride(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--each") == 0)
        stride = (size_t)strtoul(argv[2], NULL, 10);
    if (stride == 0)
        abort();
}

/* `pages` accessible pages, behind them one that is not, and before them another. */
static inline unsigned char *map_edge(size_t pages)
{
    unsigned char *at =
        mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || mprotect(at + PAGE, pages * PAGE, PROT_READ | PROT_WRITE))
        abort();
    return at + PAGE;
}

static inline void unmap_edge(unsigned char *at, size_t pages)
{
    if (munmap(at - PAGE, (pages + 2) * PAGE))
        abort();
}

static inline void fill_pattern(unsigned char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (unsigned char)(1 + i * 7 % 251);
}

static inline uint64_t address(const void *at)
{
    return (uintptr_t)at;
}

#endif
