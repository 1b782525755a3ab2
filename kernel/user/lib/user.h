/* SPDX-License-Identifier: MIT */
/* What test programs have: system calls, threads, a little output, and a way to fail. */
#ifndef USER_H
#define USER_H

#include <ward/base.h>
#include <ward/prot.h>

#include "abi.h"

#define PAGE UINT64_C(4096)

int64_t system_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f);

#define CALL_(N, A, B, C, D, ...)                                                                  \
    system_call((N), (uint64_t)(A), (uint64_t)(B), (uint64_t)(C), (uint64_t)(D), 0, 0)
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0)

/* The address of an object, as system calls take it. */
#define AT(P) ((uint64_t)(uintptr_t)(P))

int main(int argc, char **argv, char **envp);

void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* %s, %d (int64_t), %x (uint64_t). */
void say(const char *format, ...);
__attribute__((noreturn)) void quit(int status);

/* Ends the program unless the condition holds, or the call answers what it must. */
#define EXPECT(C)                 ((C) ? (void)0 : expected(__FILE__, __LINE__, #C))
#define EXPECT_IS(WANTED, CALLED) expect_is(__FILE__, __LINE__, #CALLED, (CALLED), (WANTED))
__attribute__((noreturn)) void expected(const char *file, int line, const char *what);
void expect_is(const char *file, int line, const char *what, int64_t got, int64_t wanted);

/* Memory of whole pages, zeroed; the program ends if there is none. */
char *map(uint64_t n);
char *map_at(uint64_t at, uint64_t n, unsigned prot);

/* A thread that runs function(argument) and ends; it stays startable for the life of the process.
 */
void start_thread(void (*function)(void *), void *argument);
int64_t try_thread(void (*function)(void *), void *argument); /* 0, or why there is none */

/* Runs function(argument) in a child; its status. */
int32_t run_child(int (*function)(void *), void *argument);

struct info info_get(void);

#endif
