/* SPDX-License-Identifier: MIT */
/*
 * What the programs of docs/why-not-just.md share. Line 1 of each says what is wrong with something
 * that is done instead of a gate. The program shows it to be so, and that ward has the right answer
 * in the same place.
 *
 * WRONG() states what the alternative did, and RIGHT() what ward did.
 */
#ifndef WARD_TEST_WHY_NOT_H
#define WARD_TEST_WHY_NOT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* before any system header */
#endif

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/ward.h>

#define WHY_UNUSED __attribute__((unused))

/* The alternative gave this wrong answer; ward, this right one. Else the claim is not so. */
#define WRONG(C) ((C) ? (void)0 : why_failed("instead of ward", #C, __FILE__, __LINE__))
#define RIGHT(C) ((C) ? (void)0 : why_failed("ward", #C, __FILE__, __LINE__))
#define NEED(C)  ((C) ? (void)0 : why_failed("set-up", #C, __FILE__, __LINE__))

__attribute__((noreturn)) WHY_UNUSED static void why_failed(const char *who, const char *what,
                                                            const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s: not so: %s\n", file, line, who, what);
    exit(1);
}

__attribute__((noreturn)) WHY_UNUSED static void skip(const char *reason)
{
    printf("%s\n", reason);
    exit(77);
}

/* --- memory ----------------------------------------------------------------------------------- */

WHY_UNUSED static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Two pages: one full of 'a', and behind it one that has the protection (of mprotect). */
WHY_UNUSED static unsigned char *map_two(int prot)
{
    size_t page = page_size();
    void *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED);
    memset(at, 'a', 2 * page);
    NEED(mprotect((char *)at + page, page, prot) == 0);
    return at;
}

WHY_UNUSED static uint64_t address(const void *at)
{
    return (uintptr_t)at;
}

/* A byte read as ward reads it. */
WHY_UNUSED static int ward_reads(const void *at)
{
    uint8_t byte;

    return ward_u8_read(ward_space_self(), ward_u8_in_at(address(at)), &byte, NULL);
}

WHY_UNUSED static int ward_writes(void *at)
{
    uint8_t byte = 'w';

    return ward_u8_write(ward_space_self(), ward_u8_out_at(address(at)), &byte, NULL);
}

/* The same with no help. */
WHY_UNUSED static unsigned char just_read(const void *at)
{
    return *(const volatile unsigned char *)at;
}

WHY_UNUSED static void just_write(void *at)
{
    *(volatile unsigned char *)at = 'j';
}

/* --- deaths ----------------------------------------------------------------------------------- */

/* The signal that ends a child which does this; 0: it comes to the end. */
WHY_UNUSED static int death_of(void (*doing)(void *arg), void *arg)
{
    const struct rlimit no_core = { 0, 0 };
    int status = 0;
    pid_t child = fork();

    NEED(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        doing(arg);
        _exit(0);
    }
    NEED(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

WHY_UNUSED static void read_it(void *at)
{
    (void)just_read(at);
}

WHY_UNUSED static void write_it(void *at)
{
    just_write(at);
}

/* --- the handler that jumps ------------------------------------------------------------------- */

static sigjmp_buf why_back;

static void why_jump(int number)
{
    siglongjmp(why_back, number);
}

WHY_UNUSED static void catch_by_jumping(void)
{
    struct sigaction action = { .sa_handler = why_jump };

    NEED(sigaction(SIGSEGV, &action, NULL) == 0);
    NEED(sigaction(SIGBUS, &action, NULL) == 0);
}

#endif
