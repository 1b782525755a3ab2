/* SPDX-License-Identifier: MIT */
/* What a test sees of its own process from outside the malloc, and its parts, each in a child. */
#ifndef TESTS_MALLOC_LOOK_H
#define TESTS_MALLOC_LOOK_H

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* How often a page of this process came from the system. */
static inline size_t faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_minflt;
}

/* Bytes that this process has: of addresses, resident. */
static inline size_t memory_of(bool of_addresses)
{
    static char buffer[4096];
    size_t all = 0, resident = 0;
    FILE *from = fopen("/proc/self/statm", "r");

    if (from)
        setvbuf(from, buffer, _IOFBF, sizeof buffer);
    if (!from || fscanf(from, "%zu %zu", &all, &resident) != 2)
        abort();
    fclose(from);
    return (of_addresses ? all : resident) * (size_t)sysconf(_SC_PAGESIZE);
}

static inline void on_fault(int number)
{
    (void)number;
    _exit(42);
}

/* So that the compiler does not know what lies there. */
static inline volatile unsigned char *hidden(const volatile unsigned char *at)
{
    __asm__ volatile("" : "+r"(at));
    return (volatile unsigned char *)(uintptr_t)at;
}

/* Of that many bytes, so many can be read from the first on, in pages. */
static inline size_t readable(const volatile unsigned char *at, size_t bytes)
{
    volatile size_t *seen =
        mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = seen == MAP_FAILED ? -1 : fork();
    size_t count;

    if (pid == 0) {
        signal(SIGSEGV, on_fault);
        signal(SIGBUS, on_fault);
        for (; *seen < bytes; *seen += 4096)
            (void)*hidden(at + *seen);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        abort();
    count = *seen;
    munmap((void *)(uintptr_t)seen, sizeof *seen);
    return count;
}

static inline bool can_read(const volatile unsigned char *at)
{
    return readable(at, 1) != 0;
}

/* A part of a test, in a process of its own. */
struct part {
    const char *name;
    void (*run)(void);
};

/* What main() returns. */
static inline int run_parts(const struct part *parts, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
            parts[i].run();
            _exit(failures != 0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "%s: ended with %#x\n", parts[i].name, (unsigned)status);
            failed++;
        }
    }
    return failed != 0;
}

#endif
