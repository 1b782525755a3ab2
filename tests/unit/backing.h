/* SPDX-License-Identifier: MIT */
/*
 * What the tests of host and regions share: looking at memory without dying of it, looking at the
 * process from outside, and failing every host call in turn.
 *
 * To be included first: it asks libc for everything.
 */
#ifndef WARD_TESTS_UNIT_BACKING_H
#define WARD_TESTS_UNIT_BACKING_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* valgrind takes a fault on purpose for an error unless told. */
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND              0
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING  ((void)0)
#endif

#include <ward/host.h>
#include <ward/region.h>

#define PAGE ward_host_page_size()

static inline bool is_all(const void *bytes, size_t len, unsigned char value)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        if (at[i] != value)
            return false;
    return true;
}

#define assert_all_zero(OBJECT) assert_true(is_all(&(OBJECT), sizeof(OBJECT), 0))

/* An object as it may lie around before its init. */
#define dirty(OBJECT) memset(&(OBJECT), 0xa5, sizeof(OBJECT))

/* Ends the test, saying what the system lacks. */
#define skip_unless(CONDITION, REASON)                                                             \
    do                                                                                             \
        if (!(CONDITION)) {                                                                        \
            print_message("%s\n", (REASON));                                                       \
            skip();                                                                                \
        }                                                                                          \
    while (0)

/* --- Memory, asked through the kernel: an access that fails is an answer, not a death --------- */

static inline bool can_read(const void *at)
{
    char byte;
    int ends[2];
    bool can;

    if (pipe(ends))
        abort();
    VALGRIND_DISABLE_ERROR_REPORTING;
    can = write(ends[1], at, 1) == 1 && read(ends[0], &byte, 1) == 1;
    VALGRIND_ENABLE_ERROR_REPORTING;
    close(ends[0]);
    close(ends[1]);
    return can;
}

/* Readable and writable; what is there stays. */
static inline bool can_write(void *at)
{
    int ends[2];
    bool can;

    if (pipe(ends))
        abort();
    VALGRIND_DISABLE_ERROR_REPORTING;
    can = write(ends[1], at, 1) == 1 && read(ends[0], at, 1) == 1;
    VALGRIND_ENABLE_ERROR_REPORTING;
    close(ends[0]);
    close(ends[1]);
    return can;
}

/* No page of [at, at + len) can be read. */
static inline bool is_closed(const void *at, size_t len)
{
    const unsigned char *page = at;

    for (size_t off = 0; off < len; off += (size_t)sysconf(_SC_PAGESIZE))
        if (can_read(page + off))
            return false;
    return true;
}

/* Are pages without access counted? Not by qemu-user, which finds no memory there. */
static inline bool can_count_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char vector;
    bool can = at != MAP_FAILED && mincore(at, page, &vector) == 0;

    if (at == MAP_FAILED || munmap(at, page))
        abort();
    return can;
}

/* Pages of [at, at + len) that are in memory. */
static inline size_t resident_pages(void *at, size_t len)
{
    size_t count = 0, pages = len / (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *vector = malloc(pages);

    if (!vector || mincore(at, len, vector))
        abort();
    for (size_t i = 0; i < pages; i++)
        count += vector[i] & 1;
    free(vector);
    return count;
}

/* --- The process as the kernel describes it --------------------------------------------------- */

/* Mappings (lines of /proc/self/maps) that hold a byte of [at, at + len). */
static inline unsigned mappings_in(const void *at, size_t len)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t first = (uintptr_t)at, from, to;
    unsigned count = 0;
    char line[512];

    if (!maps)
        abort();
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%zx-%zx", &from, &to) == 2)
            count += from < first + len && first < to;
    fclose(maps);
    return count;
}

/* Does the mapping at this address carry a flag ("dd": not dumped) of /proc/self/smaps? */
static inline bool has_vm_flag(const void *at, const char *flag)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    uintptr_t from, to;
    bool here = false, has = false;
    char line[512], wanted[8];

    if (!maps)
        abort();
    snprintf(wanted, sizeof wanted, " %s", flag);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%zx-%zx ", &from, &to) == 2)
            here = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            has = strstr(line, wanted) != NULL;
    }
    fclose(maps);
    return has;
}

/* --- Children --------------------------------------------------------------------------------- */

/* In a child: cmocka's handlers would take a fault for a failed test. */
static inline void become_child(void)
{
    const struct rlimit none = { 0, 0 };
    const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGABRT, SIGTRAP };

    VALGRIND_DISABLE_ERROR_REPORTING;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    if (setrlimit(RLIMIT_CORE, &none))
        abort();
}

/* Runs work in a child. What it returns (0 to 255), or the signal that killed it, negative. */
static inline int in_child(int (*work)(void *arg), void *arg)
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        become_child();
        status = work(arg);
        VALGRIND_ENABLE_ERROR_REPORTING;
        _exit(status);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* For work that runs in a child: says where it failed. */
#define EXPECT(CONDITION)                                                                          \
    do                                                                                             \
        if (!(CONDITION)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #CONDITION);                \
            return 1;                                                                              \
        }                                                                                          \
    while (0)

/* Looks at what it read: valgrind leaves out a load whose value nobody wants. */
static inline int read_byte(void *at)
{
    volatile unsigned char byte = *(volatile unsigned char *)at;

    return byte == 0 ? 0 : 1;
}

static inline int write_byte(void *at)
{
    *(volatile unsigned char *)at = 1;
    return 0;
}

#define assert_read_dies(AT)  assert_int_equal(in_child(read_byte, (AT)), -SIGSEGV)
#define assert_write_dies(AT) assert_int_equal(in_child(write_byte, (AT)), -SIGSEGV)

#endif
